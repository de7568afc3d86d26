"""What the public API shows to each principal in the end: their own, all of it, and nothing else."""

import random
from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from tests.crash.checker.database import Row
from tests.crash.checker.verdict import Verdict

Json = dict[str, Any]

PAGE = 200
ASKED_AGAIN = 300
"""Messages that their senders ask about by GetTask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A workspace and its token; ``loose`` where it takes several messages at a time."""

    id: str
    name: str
    token: str
    parent: str | None
    loose: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run tells its judge: where to look, as whom."""

    dsn: str
    url: str
    operator_token: str
    residents: list[Resident]

    @classmethod
    def read(cls, directory: Path) -> "Run":
        """The ``run.json`` of a directory."""
        told: Json = orjson.loads((directory / "run.json").read_bytes())
        told["residents"] = [Resident(**each) for each in told["residents"]]
        return cls(**told)

    @property
    def mailboxes(self) -> list[str]:
        """The ids of all workspaces."""
        return [resident.id for resident in self.residents]

    def token_of(self, principal: str) -> str:
        """The token of a workspace; everybody else of a run is the operator."""
        return next((resident.token for resident in self.residents if resident.id == principal), self.operator_token)


async def judge_public(run: Run, rows: list[Row], verdict: Verdict) -> None:
    """Add what the public API hides from its owners or gives to strangers."""
    async with httpx.AsyncClient(base_url=run.url, timeout=60) as http:
        for resident in run.residents:
            await _judge_history(http, resident, [row for row in rows if row.mailbox == resident.id], verdict)
            for other in run.residents:
                await _judge_reads(http, run, resident, other, verdict)
        await _judge_tasks(http, run, rows, verdict)


async def _judge_history(http: httpx.AsyncClient, resident: Resident, rows: list[Row], verdict: Verdict) -> None:
    said = {entry["id"]: entry async for entry in _history(http, resident)}
    verdict.unexpected += [f"the history of {resident.name} has {id}" for id in said.keys() - {row.id for row in rows}]
    for row in rows:
        entry = said.get(row.id)
        state = row.state if row.role == "user" else (entry or {}).get("state")
        if entry is None or (entry["seq"], entry["content"], entry["state"], entry["reply_to"]) != (row.seq, row.text, state, row.reply_to):
            verdict.hidden.append(f"the history of {resident.name} shows {entry} for {row}")
    verdict.counts["histories_read"] = verdict.counts.get("histories_read", 0) + len(said)


async def _history(http: httpx.AsyncClient, resident: Resident) -> AsyncGenerator[Json]:
    after, end = 0, False
    while not end:
        path = f"/workspaces/{resident.id}/chat-history"
        answer = await http.get(path, params={"limit": PAGE, "after": after}, headers=_bearer(resident.token))
        page: Json = answer.raise_for_status().json()
        for entry in page["messages"]:
            yield entry
            after = entry["seq"]
        end = page["reached_end"]


async def _judge_reads(http: httpx.AsyncClient, run: Run, reader: Resident, other: Resident, verdict: Verdict) -> None:
    """The tree rule: oneself, one's siblings, those above and those below may be known; what they are told is theirs alone."""
    known = reader.id == other.id or reader.parent == other.parent or _is_above(run, reader, other) or _is_above(run, other, reader)
    for path, allowed in (("", known), ("/chat-history", reader.id == other.id), ("/activity", reader.id == other.id)):
        answer = await http.get(f"/workspaces/{other.id}{path}", headers=_bearer(reader.token))
        if answer.status_code not in ((200,) if allowed else (403, 404)):
            list_ = verdict.hidden if allowed else verdict.forbidden
            list_.append(f"{reader.name} reads {path or 'the card'} of {other.name}: {answer.status_code}")
        if not known and answer.status_code == 403:
            verdict.forbidden.append(f"{reader.name} learns that {other.name} exists")


def _is_above(run: Run, one: Resident, other: Resident) -> bool:
    parents = {resident.id: resident.parent for resident in run.residents}
    above = other.parent
    while above is not None and above != one.id:
        above = parents.get(above)
    return above == one.id


async def _judge_tasks(http: httpx.AsyncClient, run: Run, rows: list[Row], verdict: Verdict) -> None:
    """Each sender sees the end of what it sent."""
    by_sender: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.reply_to is None:
            by_sender[row.sender].append(row)
    for sender, sent in by_sender.items():
        for row in random.Random(0).sample(sent, min(len(sent), ASKED_AGAIN // len(by_sender))):
            body = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": row.id}}
            headers = _bearer(run.token_of(sender)) | {"A2A-Version": "1.0"}
            answer = (await http.post(f"/workspaces/{row.mailbox}/a2a", json=body, headers=headers)).json()
            state = answer.get("result", {}).get("metadata", {}).get("postroom.state")
            if state != row.state:
                verdict.hidden.append(f"the sender of {row} asks for it: {answer}")


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
