"""Files through the real server: what may be kept, how it is read, and what a browser is told to do with it."""

import hashlib
import os
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from tests.support.files import LIMIT, PIECE, Person
from tests.support.server import ServerProcess, wait_for


@pytest.fixture
def boss(server: ServerProcess) -> Person:
    return Person(server.url, server.operator_token, server.dsn())


# Keeping


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7, LIMIT])
def test_what_was_kept_comes_back_byte_for_byte(boss: Person, size: int) -> None:
    content = os.urandom(size)
    file = boss.keep(content, "photo.PNG", Content_Type="image/png")
    assert (file["name"], file["media_type"], file["size"]) == ("photo.PNG", "image/png", size)
    assert (file["sha256"], file["url"]) == (hashlib.sha256(content).hexdigest(), f"/files/{file['id']}")
    answer = boss.fetch(file)
    assert (answer.status, answer.content == content, answer.headers["content-length"]) == (200, True, str(size))


@pytest.mark.parametrize(("size", "status", "code"), [(0, 422, "file_empty"), (LIMIT + 1, 413, "too_large")])
def test_what_is_too_small_or_too_large_is_refused_and_leaves_nothing(boss: Person, size: int, status: int, code: str) -> None:
    name = f"{uuid.uuid4()}.bin"
    answer = boss.upload(b"x" * size, name)
    assert (answer.status, answer.code, answer.body.get("limit")) == (status, code, LIMIT if size else None)
    assert boss.sql("select from file where name = $1", name) == []


def test_what_grows_beyond_the_limit_without_saying_so_is_refused_too(boss: Person) -> None:
    name = f"{uuid.uuid4()}.bin"
    pieces = (b"x" * PIECE for _ in range(LIMIT // PIECE + 1))
    answer = boss.upload(pieces, name)
    assert (answer.status, answer.code) == (413, "too_large")
    assert boss.sql("select from file where name = $1", name) == []


def test_an_upload_that_breaks_off_leaves_nothing(boss: Person) -> None:
    """Its client goes away after two of three pieces."""
    with boss.uploading(3 * PIECE, b"x" * 2 * PIECE) as (_, file):
        pass
    wait_for(lambda: boss.sql("select from file where id = $1", file) == [], 30, "what was left of it is gone")


def test_the_feed_goes_on_while_a_file_is_on_its_way(boss: Person) -> None:
    """It is read below the oldest transaction that runs: one as long as an upload would hold it up for everybody."""
    with boss.uploading(2 * PIECE, b"x" * (PIECE + 1000)):
        ada = boss.make("ada")
        wait_for(lambda: boss.ask("GET", f"/workspaces/{ada.id}/activity").body, 30, "the feed tells of her")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system32\\evil.dll", "evil.dll"),
        ("/etc/", "file"),
        ("..", "file"),
        (" . ", "file"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\u2066b\u2069.txt", "ab.txt"),
        ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie: x=1.txt"),
        ("a\x1b[31m\x07.txt", "a[31m.txt"),
        ("a\u2028b\ufeff.txt", "ab.txt"),
        ('"; filename="evil.html', '"; filename="evil.html'),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
        ("naïve 日本 🚀.txt", "naïve 日本 🚀.txt"),
        ("x" * 1000 + ".jpeg", "x" * 250 + ".jpeg"),
        ("日" * 200 + ".png", "日" * 83 + ".png"),
        ("." + "y" * 1000, "." + "y" * 254),
    ],
    ids=lambda name: ascii(name)[:24],
)
def test_an_evil_name_is_a_name(boss: Person, given: str, kept: str) -> None:
    file = boss.keep(b"x", given)
    assert file["name"] == kept
    disposition = boss.fetch(file).headers["content-disposition"]
    plain, _, encoded = disposition.removeprefix("attachment; ").partition("; ")
    assert re.fullmatch(r'filename="[A-Za-z0-9 ._()+-]*"', plain)
    assert encoded == f"filename*=UTF-8''{quote(kept, safe='')}"


@pytest.mark.parametrize("wrong", ["image", "text/", "/plain", "a b/c", "text/hté", "x" * 300 + "/y", "multipart/form-data; boundary=x"])
def test_what_is_no_media_type_is_refused(boss: Person, wrong: str) -> None:
    answer = boss.upload(b"x", Content_Type=wrong)
    assert (answer.status, answer.code) == (422, "bad_media_type")


def test_a_media_type_has_no_parameters_and_may_be_missing(boss: Person) -> None:
    assert boss.keep(b"x", Content_Type="Text/Plain; charset=utf-8")["media_type"] == "text/plain"
    assert boss.keep(b"x")["media_type"] == "application/octet-stream"


def test_the_same_key_is_the_same_file(boss: Person) -> None:
    key, ada = str(uuid.uuid4()), boss.make("ada")
    first = boss.keep(b"bytes", "a.txt", Idempotency_Key=key)
    assert boss.keep(b"bytes", "a.txt", Idempotency_Key=key) == first
    for other in (boss.upload(b"other", "a.txt", Idempotency_Key=key), boss.upload(b"bytes", "b.txt", Idempotency_Key=key)):
        assert (other.status, other.code, other.body["file_id"]) == (422, "key_reused", first["id"])
    assert ada.keep(b"others", "a.txt", Idempotency_Key=key)["id"] != first["id"], "a key is its caller's"
    assert boss.upload(b"bytes", Idempotency_Key="é").code == "bad_key"
    assert len(boss.sql("select from file where idempotency_key = $1", key)) == 2


def test_uploads_at_once_under_one_key_are_one_file(boss: Person) -> None:
    key, content = str(uuid.uuid4()), os.urandom(2 * PIECE)
    with ThreadPoolExecutor(8) as threads:
        kept = [each.result() for each in [threads.submit(boss.keep, content, Idempotency_Key=key) for _ in range(8)]]
    assert len({file["id"] for file in kept}) == 1
    assert len(boss.sql("select from file where idempotency_key = $1", key)) == 1


# Reading


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        ("0-0", 0, 1),
        ("5-9", 5, 10),
        (f"{PIECE - 2}-{PIECE + 1}", PIECE - 2, PIECE + 2),
        ("-3", -3, None),
        (f"{PIECE}-", PIECE, None),
        ("0-99999999", 0, None),
        ("0-", 0, None),
    ],
)
def test_a_range_is_a_part_of_it(boss: Person, given: str, start: int, end: int | None) -> None:
    content = os.urandom(2 * PIECE + 100)
    file = boss.keep(content)
    answer = boss.fetch(file, Range=f"bytes={given}")
    first = start % len(content)
    expected = content[start:end]
    assert answer.content == expected
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{len(content)}"
    assert answer.status == 206


def test_ranges_that_are_none(boss: Person) -> None:
    file = boss.keep(b"0123456789")
    for whole in ("bytes=5-2", "bytes=0-1,3-4", "items=0-1", "bytes=-", "bytes=x-y"):
        assert boss.fetch(file, Range=whole).status == 200, whole
    for outside in ("bytes=10-", "bytes=10-20", "bytes=-0"):
        answer = boss.fetch(file, Range=outside)
        assert (answer.status, answer.code, answer.headers["content-range"]) == (416, "range_not_satisfiable", "bytes */10"), outside
    tag = boss.fetch(file).headers["etag"]
    assert boss.fetch(file, Range="bytes=0-1", If_Range=tag).status == 206
    assert boss.fetch(file, Range="bytes=0-1", If_Range='"other"').status == 200
    assert (boss.fetch(file, If_None_Match=f'"other", {tag}').status, boss.fetch(file, If_None_Match='"other"').status) == (304, 200)


@pytest.mark.parametrize(
    ("media_type", "shown"),
    [
        ("image/png", True),
        ("video/mp4", True),
        ("audio/mpeg", True),
        ("image/svg+xml", False),
        ("text/html", False),
        ("application/xhtml+xml", False),
        ("application/pdf", False),
        ("text/xml", False),
        ("application/javascript", False),
        ("application/octet-stream", False),
    ],
)
def test_only_what_runs_nothing_is_shown_in_its_place(boss: Person, media_type: str, shown: bool) -> None:
    file = boss.keep(b"<script>alert(1)</script>", "x", Content_Type=media_type)
    asked, plain = boss.fetch(file, "?inline=1"), boss.fetch(file)
    assert asked.headers["content-disposition"].startswith("inline;" if shown else "attachment;")
    for answer in (asked, plain):
        assert answer.headers["content-type"].partition(";")[0] == media_type
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["cache-control"] == "private, no-cache"
    assert plain.headers["content-disposition"].startswith("attachment;")
