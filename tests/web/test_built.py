"""The built page as it is served: what browsers may keep, what they may run, and how much of it a first visit costs."""

import gzip
import re
from collections.abc import Iterator

import pytest

from tests.support.http import Answer, ask
from tests.support.server import ServerProcess

FIRST_LOAD_BYTES = 300_000
"""Script and style that the first screen needs, as it goes over the network."""

# Of a build: what index.html names, and what a chunk of it imports before it runs.
_NAMED = re.compile(r'(?:src|href)="(/assets/[^"]+)"')
_IMPORTED = re.compile(r'(?:from|import)\s*"\./([^"]+\.js)"')


def get(server: ServerProcess, path: str, **headers: str) -> Answer:
    answer = ask(server.url, "GET", path, headers=headers)
    assert answer.status == 200, (path, answer)
    return answer


def first_load(server: ServerProcess) -> Iterator[str]:
    """The addresses of what runs before the first screen is there."""
    seen, found = set[str](), _NAMED.findall(get(server, "/").content.decode())
    while found:
        path = found.pop()
        if path in seen:
            continue
        seen.add(path)
        yield path
        found += [f"/assets/{name}" for name in _IMPORTED.findall(get(server, path).content.decode())]


def test_the_first_load_is_small(house: ServerProcess) -> None:
    answers = {path: get(house, path, **{"Accept-Encoding": "gzip"}) for path in first_load(house)}
    sizes = {path: len(answer.content) for path, answer in answers.items()}
    assert any(path.endswith(".js") for path in sizes)
    assert any(path.endswith(".css") for path in sizes)
    assert {answer.headers["content-encoding"] for answer in answers.values()} == {"gzip"}
    assert sum(sizes.values()) < FIRST_LOAD_BYTES, sizes


def test_assets_are_kept_for_good_and_the_page_is_asked_for_each_time(house: ServerProcess) -> None:
    assert get(house, "/").headers["cache-control"] == "no-cache"
    for path in first_load(house):
        packed = get(house, path, **{"Accept-Encoding": "gzip"})
        assert packed.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert packed.headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(packed.content) == get(house, path).content
        again = ask(house.url, "GET", path, headers={"If-None-Match": packed.headers["etag"]})
        assert (again.status, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/talk", "/team", "/w/anything/chat", "/operate/health"])
def test_every_address_of_the_page_has_its_policy_and_a_nonce_of_its_own(house: ServerProcess, path: str) -> None:
    pages = [get(house, path) for _ in range(2)]
    policies = [page.headers["content-security-policy"] for page in pages]
    nonces = [re.findall(r"'nonce-([^']+)'", policy) for policy in policies]
    assert nonces[0] != nonces[1]
    for page, policy, nonce in zip(pages, policies, nonces, strict=True):
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        assert (rules["default-src"], rules["script-src"], rules["object-src"]) == ("'self'", "'self'", "'none'")
        assert rules["frame-ancestors"] == "'none'"
        assert "unsafe" not in policy
        assert len(nonce) == 1
        assert page.content.decode().count("NONCE") == 0


def test_nothing_in_the_page_runs_by_being_written_there(house: ServerProcess) -> None:
    page = get(house, "/").content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<style|\son\w+=|\sstyle=|javascript:", page) == []
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    assert [address for address in addresses if not address.startswith("/")] == []


def test_what_lies_at_the_root_is_what_browsers_look_for(house: ServerProcess) -> None:
    manifest = get(house, "/manifest.webmanifest")
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    for icon in manifest.body["icons"]:
        assert get(house, icon["src"]).headers["content-type"].startswith(icon["type"])
    worker = get(house, "/service-worker.js")
    assert worker.headers["cache-control"] == "no-cache"
    kept = re.findall(r"/assets/[^\"]+", worker.content.decode())
    assert set(first_load(house)) <= set(kept)


@pytest.mark.parametrize("path", ["/assets/nothing.js", "/assets/../page.py", "/assets/%2e%2e%2findex.html", "/static/docs.html"])
def test_there_is_no_way_out_of_the_folder(house: ServerProcess, path: str) -> None:
    assert ask(house.url, "GET", path).status == 404
