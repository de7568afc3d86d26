"""Replies on disk: a reply that ``put`` returned for is there, whatever ended the process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from postroom.agent.store import KEEP_SECONDS, Kept, ReplyStore, state_directory
from postroom.errors import SetupError

WRITER = """
import sys
from pathlib import Path
from postroom.agent.store import Kept, ReplyStore
store = ReplyStore(Path(sys.argv[1]))
for number in range(1_000_000):
    store.put(Kept(workspace_id="w", message_id=f"m{number}", token=number, fields={"text": "x" * 20_000}))
    print(number, flush=True)
"""


def kept(message_id: str = "m1", token: int = 1, text: str = "the answer") -> Kept:
    return Kept(workspace_id="w", message_id=message_id, token=token, fields={"text": text})


def test_a_reply_is_there_for_the_next_process(tmp_path: Path) -> None:
    ReplyStore(tmp_path).put(kept())
    assert ReplyStore(tmp_path).waiting() == [kept()]


def test_kill_in_the_middle_of_writing_loses_nothing_that_was_written(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    last = -1
    for line in writer.stdout:
        last = int(line)
        if last >= 20:
            writer.send_signal(signal.SIGKILL)
            break
    for line in writer.stdout:
        last = int(line)
    writer.stdout.close()
    writer.wait()

    there = {one.message_id: one.fields["text"] for one in ReplyStore(tmp_path).waiting()}

    assert {f"m{number}" for number in range(last + 1)} <= set(there)
    assert set(there.values()) == {"x" * 20_000}
    assert not list(tmp_path.rglob("*.broken"))


def test_a_taken_reply_waits_no_more_and_still_answers_a_redelivery(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    store.put(kept())
    store.settle(kept())
    assert store.waiting() == []
    assert store.kept("m1") == kept()


def test_a_reply_with_a_newer_lease_is_not_settled_by_the_older_one(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    store.put(kept(token=1))
    store.put(kept(token=2))
    store.settle(kept(token=1))
    assert [one.token for one in store.waiting()] == [2]


def test_the_oldest_reply_is_sent_first(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    for age, message_id in enumerate(["m3", "m1", "m2"]):
        store.put(kept(message_id))
        moment = time.time() - 100 + age
        os.utime(tmp_path / "waiting" / f"{message_id}.json", (moment, moment))
    assert [one.message_id for one in store.waiting()] == ["m3", "m1", "m2"]


def test_a_dropped_reply_is_gone(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    store.put(kept())
    store.drop(kept())
    assert store.kept("m1") is None


def test_only_settled_replies_grow_old(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    for message_id in ("m1", "m2"):
        store.put(kept(message_id))
    store.settle(kept("m1"))
    for file in tmp_path.rglob("*.json"):
        os.utime(file, (0, time.time() - KEEP_SECONDS - 60))
    again = ReplyStore(tmp_path)
    assert again.kept("m1") is None
    assert again.kept("m2") is not None


def test_a_damaged_file_is_put_aside_and_stops_nothing(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    store.put(kept("m1"))
    store.put(kept("m2"))
    (tmp_path / "waiting" / "m1.json").write_bytes(b'{"workspace_id": "w", "mess')
    assert [one.message_id for one in store.waiting()] == ["m2"]
    assert (tmp_path / "waiting" / "m1.broken").exists()


def test_nobody_else_may_read_replies(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path / "state")
    store.put(kept())
    assert (tmp_path / "state" / "waiting" / "m1.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state" / "waiting").stat().st_mode & 0o777 == 0o700


def test_an_unusable_directory_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError) as caught:
        ReplyStore(tmp_path / "file" / "state")
    assert "POSTROOM_STATE" in caught.value.advice


@pytest.mark.parametrize("id", ["../../etc", "a/b", "..", "a\0b", "C:\\x"])
def test_an_id_is_one_element_of_the_path(id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POSTROOM_STATE", str(tmp_path))
    assert state_directory(id).parent == tmp_path
    assert ".." not in state_directory(id).name
