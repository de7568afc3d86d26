"""The log names what failed and where; it never quotes what was being worked on (reliability.md, S13)."""

import pytest
import structlog

from postroom.logs import configure_logs


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_logged_exception_shows_no_values(capfd: pytest.CaptureFixture[str], form: str) -> None:
    configure_logs("info", form)

    def open_the_door(secret: str) -> None:
        raise KeyError(len(secret))

    try:
        open_the_door("-".join(["prw_a", "token", "that", "nobody", "may", "read"]))
    except KeyError as error:
        structlog.get_logger().error("request.failed", exc_info=error)
    finally:
        structlog.reset_defaults()
    written = capfd.readouterr().err
    assert "request.failed" in written and "KeyError" in written and "open_the_door" in written
    assert "prw_a-token" not in written
