"""The cases: place by place, who dies there, and what was going on. ``SHORT`` runs with every test run, ``FULL`` with ``make matrix``.

Together either of them comes by every place that has a name; FULL also ends something at each of them.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from tests.crash.steps import STEPS

# What dies at the place: the server; its backend in PostgreSQL (which then restarts all of them); the server and then its transaction; the
# postmaster; the agent's process.
SERVER, BACKEND, BOTH, POSTMASTER, AGENT = "server", "backend", "both", "postmaster", "agent"


@dataclass(frozen=True, slots=True)
class Case:
    """``hit``: at which of its reaches the place ends it."""

    flow: str
    place: str
    process: str = SERVER
    hit: int = 1

    @property
    def id(self) -> str:
        again = f"-{self.hit}" if self.hit > 1 else ""
        return f"{self.flow}-{self.process}-{self.place}{again}"

    @property
    def in_database(self) -> bool:
        """Whether the place is a step of a transaction."""
        return self.place in STEPS

    @property
    def embedded(self) -> bool:
        """Whether it needs a PostgreSQL of its own."""
        return self.process == POSTMASTER or self.flow == "created"


# Both messages may share a batch, which is then the only one.
ACCEPT, BATCH = "received settled answering", "batched committed followed"
FINISH = "received batched committed settled"


def _places(flow: str, steps: str, hits: int = 1) -> dict[str, int]:
    return {f"{flow}.{step}": hits for step in steps.split()}


# Which places a flow comes by, and how often it is worth to let it pass.
PLACES: dict[str, dict[str, int]] = {
    "fetched": {
        **_places("accept", ACCEPT, 2),
        **_places("accept", BATCH),
        **_places("claim", "post_received post_committed", 2),
        **_places("heartbeat", "received seen committed", 2),
        **_places("progress", "noted committed", 2),
        **_places("extend", "asked committed", 2),
        **_places("finish", FINISH, 2),
    },
    "called": {
        **_places("accept", ACCEPT, 2),
        **_places("accept", BATCH),
        **_places("lend", "taken"),
        **_places("claim", "calls_due calls_committed calls_read"),
        **_places("call", "begun connecting answering half_read read settling settled", 2),
        **_places("finish", FINISH, 2),
    },
    "retried": {**_places("give_back", "received committed", 2), **_places("call", "settling begun", 2)},
    "exhausted": _places("give_back", "received committed", 6),
    "cancelled": {
        **_places("cancel", "received committed", 2),
        **_places("cancel", "call_dropped"),
        **_places("extend", "calls_due calls_committed"),
        **_places("finish", "committed"),
    },
    "expired": {"reap.due": 3, "reap.committed": 1},
    "removed": _places("removal", "marked failed"),
    "fed": {"feed.opened": 1, "feed.read": 3, "feed.said": 3},
    "taken_over": {
        **_places("start", "migrated checked key_made prepared operator ready"),
        **_places("wake", "connected announced locked listening beaten sent"),
        **_places("rescue", "suspected freed"),
        **_places("prune", "due events done"),
        **_places("reap", "due"),
        **_places("disown", "looked"),
        **_places("migrate", "locked table_made done"),
    },
    "repaired": {"rescue.repaired": 1},
    "disowned": {"disown.looked": 3, "disown.freed": 1},
    "drained": _places("drain", "begun accepted called closed finished removed"),
    "migrated": {**_places("migrate", "locked table_made done"), **_places("migrate", "begun changed noted committed", 5)},
    "delegated": {**_places("accept", "received settled", 2), **_places("finish", FINISH, 4), **_places("claim", "post_committed", 4)},
    "delegated_called": {**_places("call", "begun settling settled", 4), **_places("finish", "committed", 4)},
    "delegated_cancelled": _places("cancel", "received committed", 2),
    "delegated_expired": {"reap.due": 3, "reap.committed": 1},
    "delegated_removed": _places("removal", "marked failed"),
    "delegated_orphaned": _places("orphan", "found cancelled", 2),
    "filed": {**_places("upload", "begun whole completed"), "upload.kept": 3, **_places("accept", "received committed answering")},
    "created": {
        **_places("create", "settled directory initdb settings roles synced renamed linked"),
        **_places("database", "started ready"),
    },
}

# Steps of transactions, by the flow that takes them.
TAKEN: dict[str, str] = {
    "fetched": """accept.message_inserted accept.work_inserted accept.number_taken accept.event_noted accept.committing
        hand.leased hand.event_noted hand.committing extend.committing end.work_removed end.mailbox_counted end.reply_inserted
        end.outcome_inserted end.event_noted end.next_let_out end.committing""",
    "called": "accept.committing hand.leased hand.committing end.reply_inserted end.next_let_out end.committing",
    "retried": "give_back.work_freed give_back.event_noted",
    "exhausted": "end.outcome_inserted end.committing",
    "cancelled": "cancel.asked_for cancel.event_noted end.work_removed end.committing",
    "expired": "end.work_removed end.committing",
    "delegated": "accept.committing end.committing tell.message_inserted tell.work_inserted tell.event_noted tell.committing",
    "delegated_called": "tell.committing",
    "delegated_cancelled": "cancel.asked_for tell.work_inserted tell.committing",
    "delegated_expired": "end.outcome_inserted tell.committing",
    "delegated_removed": "tell.message_inserted tell.committing",
    "delegated_orphaned": "tell.message_inserted tell.committing",
    "filed": "upload.piece_inserted upload.completing accept.file_attached accept.committing",
}

# By the agent's own way of dealing with a message.
AGENT_PLACES: dict[str, str] = {
    "sdk_replies": "registered beaten claimed noted handled file_written file_named stored replied settled forgotten",
    "sdk_works_long": "extended",
    "sdk_fails": "failing",
    "sdk_is_cancelled": "cancelling",
    "sdk_is_stopped": "stopping releasing",
    "sdk_comes_back": "left_behind given_back",
}


def _full() -> Iterator[Case]:
    for flow, places in PLACES.items():
        for place, hits in places.items():
            yield from (Case(flow, place, hit=hit) for hit in range(1, hits + 1))
    for flow, steps in TAKEN.items():
        for step in steps.split():
            yield from (Case(flow, step, process) for process in (SERVER, BACKEND, BOTH, POSTMASTER))
    for flow, places in AGENT_PLACES.items():
        yield from (Case(flow, f"agent.{place}", AGENT) for place in places.split())


FULL = tuple(_full())

SHORT = (
    Case("fetched", "finish.committed"),
    Case("fetched", "accept.committing"),
    Case("fetched", "end.outcome_inserted", BOTH),
    Case("called", "end.next_let_out", BACKEND),
    Case("called", "end.committing", POSTMASTER),
    Case("retried", "give_back.committed"),
    Case("cancelled", "cancel.call_dropped"),
    Case("expired", "reap.committed"),
    Case("removed", "removal.marked"),
    Case("fed", "feed.said"),
    Case("taken_over", "rescue.freed"),
    Case("repaired", "rescue.repaired"),
    Case("disowned", "disown.freed"),
    Case("drained", "drain.removed"),
    Case("migrated", "migrate.changed", hit=3),
    Case("created", "create.renamed"),
    Case("delegated", "tell.work_inserted", BACKEND),
    Case("delegated_cancelled", "tell.committing", BOTH),
    Case("delegated_removed", "tell.message_inserted", BACKEND),
    Case("delegated_orphaned", "orphan.cancelled"),
    Case("filed", "upload.kept", hit=2),
    Case("filed", "upload.completing", BOTH),
    Case("filed", "accept.file_attached", BACKEND),
    Case("sdk_replies", "agent.stored", AGENT),
    Case("sdk_works_long", "agent.extended", AGENT),
    Case("sdk_fails", "agent.failing", AGENT),
    Case("sdk_is_cancelled", "agent.cancelling", AGENT),
    Case("sdk_is_stopped", "agent.releasing", AGENT),
    Case("sdk_comes_back", "agent.given_back", AGENT),
)

CASES = FULL if os.environ.get("MATRIX") == "full" else SHORT
EXPECTED = tuple(case.id for case in CASES)
