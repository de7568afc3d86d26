"""What a called agent tells while it works: server-sent events (A2A 1.0, section 3.5.2), folded into the answer that they amount to.

An agent that streams sends its task, then what changes of it: a state, with words perhaps, or another part of its results. Both versions
of A2A are read. After every event ``value`` is what the agent would have answered to a plain request by now.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import structlog

from postroom.edges import strict_json
from postroom.edges.wire import Json
from postroom.errors import Malformed

_UPDATES: Final = {"status-update": "statusUpdate", "artifact-update": "artifactUpdate"}

log = structlog.get_logger()


class Stream:
    """One answer as it comes. ``changed`` hears the task, without its results, whenever its state is told."""

    def __init__(self, changed: Callable[[Json], Awaitable[None]]) -> None:
        self.value: Json | None = None
        self._changed = changed
        self._rest = b""
        self._data: list[bytes] = []

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes. Events that can not be read are passed over: the end of the answer decides what it was worth."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            await self._line(line.removesuffix(b"\r"))

    async def _line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._data.append(line.removeprefix(b"data:"))
        elif not line and self._data:
            event, self._data = b"\n".join(self._data), []
            try:
                await self._event(strict_json.loads(event.strip()))
            except Malformed as error:
                log.info("push.event_unreadable", reason=error.sentence)

    async def _event(self, value: Any) -> None:
        members = cast(Json, value) if isinstance(value, dict) else {}
        result: Any = members.get("result")
        name, told = _named(cast(Json, result)) if isinstance(result, dict) else ("", {})
        match name:
            case "task":
                self.value = told
            case "statusUpdate":
                self._task(told)["status"] = told.get("status")
            case "artifactUpdate":
                _add(self._task(told), told)
            case _:
                # A message, or an error: the stream ends with it.
                self.value = members
        if name in ("task", "statusUpdate"):
            await self._changed({name: value for name, value in self._task(told).items() if name in ("id", "contextId", "status")})

    def _task(self, told: Json) -> Json:
        """The task so far; a stream that was joined late may begin with a change of it."""
        if self.value is None:
            self.value = {"id": told.get("taskId"), "contextId": told.get("contextId")}
        return self.value


def _named(result: Json) -> tuple[str, Json]:
    """What an event is, by 1.0's wrapper or by 0.3's ``kind``, and what it tells."""
    for name in ("task", "statusUpdate", "artifactUpdate"):
        if isinstance(result.get(name), dict):
            return name, result[name]
    kind = result.get("kind")
    return _UPDATES.get(str(kind), str(kind)), result


def _add(task: Json, told: Json) -> None:
    """Another result, or more parts of one."""
    artifact: Any = told.get("artifact")
    if not isinstance(artifact, dict):
        return
    artifacts: list[Json] = task.setdefault("artifacts", [])
    known = next((each for each in artifacts if each.get("artifactId") == cast(Json, artifact).get("artifactId")), None)
    if known is None:
        artifacts.append(cast(Json, artifact))
    elif told.get("append"):
        known["parts"] = [*known.get("parts", []), *cast(Json, artifact).get("parts", [])]
    else:
        known.update(cast(Json, artifact))
