"""Structured logs on standard error: no bodies, no tokens, nothing a sender could forge a line with."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SHOWN = 500


def configure_logs(level: str, form: str) -> None:
    """Send every log line of this process to standard error; ``form`` is ``text`` or ``json``."""
    # The console's own form of a traceback shows the values of variables: tokens, statements, what people write.
    plain = structlog.dev.plain_traceback
    renderers: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _escape,
            *renderers,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True)


def _escape(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in entry.items():
        if isinstance(value, str):
            entry[name] = value.encode("unicode_escape").decode("ascii")[:_SHOWN] if not value.isprintable() else value[:_SHOWN]
    return entry
