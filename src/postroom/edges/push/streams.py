"""What a called agent says in a stream: frames out of bytes, events out of frames, and the answer that they amount to.

An agent that streams sends its task, then what changes of it: a state, with words perhaps, or another part of its results. Or it sends
one message. Both versions of A2A are read, by shape. Sources: HTML standard, section 9.2.6; A2A 1.0, sections 3.1.2 and 4.2.
"""

from collections.abc import Iterator
from typing import Any, Final, cast

from postroom.core.deliveries.model import Failure, NotHanded
from postroom.edges import strict_json
from postroom.edges.push.answers import (
    NOT_STREAMED,
    Meaning,
    Unfinished,
    WrongDialect,
    filled,
    meaning_of,
    meaning_of_value,
    results_of,
    upstream_of,
    words_of,
)
from postroom.edges.push.connections import Answer, Posted
from postroom.edges.push.telling import Telling
from postroom.edges.wire import Json, state_word, text_of
from postroom.errors import Malformed

_WRAPPERS: Final = ("task", "message", "statusUpdate", "artifactUpdate")
# What an event without a wrapper is, by the first of these members that it has: 0.3 sends it so.
_SHAPES: Final = (("artifact", "artifactUpdate"), ("parts", "message"), ("taskId", "statusUpdate"), ("status", "task"))


class Frames:
    """The data of server-sent events, out of bytes that are cut anywhere. A last frame that is not whole is none."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._returned = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take the next bytes and yield what they complete."""
        rest = chunk[1:] if self._returned and chunk.startswith(b"\n") else chunk
        self._returned = chunk.endswith(b"\r")
        *lines, rest = rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            yield from self._ended(bytes(self._line + line))
            self._line.clear()
        self._line += rest

    def _ended(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(b"data:"):
            self._data.append(line.removeprefix(b"data:"))
        elif not line:
            frame, self._data = b"\n".join(self._data).strip(), []
            if frame:
                yield frame


class Stream:
    """One answer as it comes; ``outcome`` is what the agent would have answered to a plain request."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._frames = Frames()
        self._task: Json = {}
        self._artifacts: dict[str, list[Json]] = {}
        self._ended = False
        self._said: Meaning | None = None

    @property
    def settled(self) -> bool:
        """Whether the end was told."""
        return self._ended or self._said is not None

    def hear(self, chunk: bytes) -> None:
        """Take the next bytes."""
        for frame in self._frames.feed(chunk):
            # Results may follow the end of a task, though they should not.
            if self._said is None:
                self._take(frame)

    def outcome(self, posted: Posted) -> Meaning | NotHanded:
        """The end that was told; else the task, to be asked for; else what became of the request."""
        if self._ended:
            return meaning_of_value(self._task | {"artifacts": [{"parts": parts} for parts in self._artifacts.values()]})
        if self._said is not None:
            return self._said
        if "id" in self._task and not (isinstance(posted, Failure) and not posted.retry):
            return Unfinished(upstream_of(self._task))
        return meaning_of(posted, NOT_STREAMED) if isinstance(posted, Answer) else posted

    def _take(self, frame: bytes) -> None:
        try:
            value = strict_json.loads(frame)
        except Malformed as error:
            self._give_up(error, retry=True)
            return
        try:
            self._event(*_named(value))
        except Malformed as error:
            self._give_up(error, retry=False)

    def _give_up(self, error: Malformed, *, retry: bool) -> None:
        """Nobody knows what is missing now, but the task can tell if there is one."""
        if not self._ended:
            failure = Failure(code="invalid_answer", detail=error.sentence, retry=retry)
            self._said = Unfinished(upstream_of(self._task)) if "id" in self._task else failure

    def _event(self, name: str, told: Json) -> None:
        match name:
            case "artifactUpdate":
                self._name(told.get("taskId"), told)
                self._keep(told.get("artifact"), append=told.get("append") is True)
            case _ if self._ended:
                return
            case "statusUpdate":
                self._name(told.get("taskId"), told)
                self._stand(told)
            case "task":
                self._name(told.get("id"), told)
                self._replace(list(filled(told.get("artifacts"))))
                self._stand(told)
            case _:
                self._say(meaning_of_value(told, refusals=NOT_STREAMED))

    def _name(self, id: Any, told: Json) -> None:
        """Learn what the agent calls the task. Raises Malformed for an event of another one."""
        if not id:
            return
        if self._task.get("id", id) != id:
            raise Malformed("The agent's stream tells of two tasks.")
        names = {"id": id} | ({"contextId": told["contextId"]} if told.get("contextId") else {})
        self._telling.begun(upstream_of(self._task | names))
        self._task |= names

    def _stand(self, told: Json) -> None:
        """Learn how it is with the task."""
        self._task |= {name: told[name] for name in ("status", "history") if told.get(name)}
        status: Any = self._task.get("status", {"state": "submitted"})
        match state_word(cast(Json, status).get("state")) if isinstance(status, dict) else None:
            case None:
                raise Malformed("The agent's task has no state that A2A knows.")
            case "submitted" | "working":
                self._telling.words(words_of(cast(Json, status)))
            case _:
                self._ended = True
                self._telling.end()

    def _replace(self, artifacts: list[Any]) -> None:
        """A task that shows results shows all of them."""
        if artifacts:
            self._artifacts.clear()
        for artifact in artifacts:
            self._keep(artifact, append=False)

    def _keep(self, artifact: Any, *, append: bool) -> None:
        parts = results_of([artifact])
        id: Any = cast(Json, artifact).get("artifactId") or f"the one after {len(self._artifacts)}"
        known = self._artifacts.setdefault(str(id), [])
        if not append:
            known.clear()
        known += parts
        self._telling.piece(str(id), text_of({"parts": parts}), append=append)

    def _say(self, meaning: Meaning) -> None:
        """A message or an error. Who has begun did not refuse: the message must not be sent again."""
        begun = self._task or self._artifacts
        self._said = meaning.failure if isinstance(meaning, WrongDialect) and begun else meaning


def _named(value: Any) -> tuple[str, Json]:
    """What an event is, and what it tells. Raises Malformed."""
    members = cast(Json, value) if isinstance(value, dict) else {}
    if members.get("error") is not None:
        return "error", members
    result: Any = members.get("result", members)
    event = cast(Json, result) if isinstance(result, dict) else {}
    for name in _WRAPPERS:
        if isinstance(event.get(name), dict):
            return name, event[name]
    if (shape := next((name for member, name in _SHAPES if member in event), None)) is not None:
        return shape, event
    raise Malformed("The agent's stream has an event that is none of A2A's.")
