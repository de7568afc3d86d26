"""Reading what a request carries: within a size, within a time, strictly, and then into a typed model.

No framework parses a body here: their parsers take NaN, repeated keys and U+0000, and look at the size afterwards.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.requests import ClientDisconnect, Request

from postroom.edges import strict_json
from postroom.errors import Malformed, Refused, TooLarge
from postroom.settings import Settings

# What is read of a body that is too large before its refusal is sent, and thrown away.
_DROP_BYTES: Final = 64 * 1024 * 1024
_DROP_SECONDS: Final = 2.0
_SILENT_SECONDS: Final = 0.2


class Fields(BaseModel):
    """Base of request bodies: unknown fields are ignored, unknown values refused.

    Numbers and booleans are declared strict where they stand: a model that is strict as a whole would want UUID objects.
    """

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)


M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


def check_text(text: str) -> str:
    """For validators: the text as it is. Raises ValueError for U+0000 and lone surrogates, which PostgreSQL can not store."""
    if "\0" in text:
        raise ValueError("must not hold U+0000")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must be valid Unicode")
    return text


def _check_named(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


Text = Annotated[str, AfterValidator(check_text)]
"""Any text that can be stored."""
Name = Annotated[Text, StringConstraints(max_length=255, strip_whitespace=True), AfterValidator(_check_named)]
"""A name that is shown: not empty, at most 255 characters."""
Id = Annotated[Text, StringConstraints(min_length=1, max_length=255)]
"""An id that somebody else made: a thread, a key."""


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """The whole body. Raises TooLarge when it passes ``limit`` bytes, Malformed (``body_timeout``, ``body_incomplete``)."""
    async with _arriving(request, limit, seconds), asyncio.timeout(seconds):
        return b"".join([piece async for piece in _within(request, limit)])


async def read_pieces(request: Request, limit: int, seconds: float, size: int) -> AsyncGenerator[bytes]:
    """The body in pieces of ``size`` bytes, the last one of less; what follows a piece is read when the next one is wanted.

    Raises as ``read_body``.
    """
    give_up = asyncio.get_running_loop().time() + seconds
    gathered = bytearray()
    async with _arriving(request, limit, seconds):
        arriving = _within(request, limit)
        # Around each wait and not around all of them: a piece may be long in the hands of who took it.
        while (piece := await _by(give_up, anext(arriving, None))) is not None:
            gathered += piece
            while len(gathered) >= size:
                yield bytes(gathered[:size])
                del gathered[:size]
    if gathered:
        yield bytes(gathered)


@asynccontextmanager
async def _arriving(request: Request, limit: int, seconds: float) -> AsyncGenerator[None]:
    """Around the reading of a body: what may go wrong with it, in errors of ours."""
    try:
        _check_announced(request, limit)
        yield
    except TooLarge:
        await _drop_rest(request)
        raise
    except TimeoutError as error:
        raise Malformed(f"The body did not arrive within {seconds:g} seconds.", code="body_timeout") from error
    except ClientDisconnect as error:
        raise Malformed("The connection ended before the body did.", code="body_incomplete") from error


async def _drop_rest(request: Request) -> None:
    """Let a client that still writes get to reading: a connection closed under its hands would reset, and the refusal be lost with it."""
    dropped, more = 0, True
    with suppress(TimeoutError):
        async with asyncio.timeout(_DROP_SECONDS):
            while more and dropped < _DROP_BYTES:
                # A client that says nothing is not writing: it waits for the answer.
                message = await asyncio.wait_for(request.receive(), _SILENT_SECONDS)
                dropped += len(message.get("body", b""))
                more = message.get("more_body", False)


async def read_model(request: Request, settings: Settings, model: type[M]) -> M:
    """The body as the model has it; no body at all counts as ``{}``. Raises Malformed, TooLarge, Refused."""
    data = await read_body(request, settings.request_limit, settings.body_seconds)
    return check(model, strict_json.loads(data) if data else {})


def check(model: type[M], value: object) -> M:
    """The value as a model. Raises Refused (``invalid``) that names the fields and not what was in them."""
    if not isinstance(value, dict):
        raise Refused("The body must be a JSON object.", code="invalid", fields=[])
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise refused_fields(error.errors(include_url=False, include_context=False, include_input=False)) from error


def refused_fields(found: Sequence[Mapping[str, Any]]) -> Refused:
    """One refusal for all faults that pydantic found."""
    faults = [(_path(item["loc"]), _fault(item)) for item in found]
    sentence = "; ".join(f"{path} {fault}" for path, fault in faults[:5])
    return Refused(f"Not allowed: {sentence}.", code="invalid", fields=[path for path, _ in faults])


def _path(location: Sequence[str | int]) -> str:
    places = [str(place) for place in location if place not in ("query", "path", "header", "body")]
    return ".".join(places) or "the body"


# Sentences of pydantic that would show a piece of the value.
_OWN_WORDS = {"uuid_parsing": "must be a UUID", "uuid_type": "must be a UUID", "missing": "is missing"}


def _fault(item: Mapping[str, Any]) -> str:
    if item["type"] in _OWN_WORDS or item["type"].startswith(("datetime_", "timezone_")):
        return _OWN_WORDS.get(item["type"], "must be a time as in RFC 3339")
    words: str = item["msg"]
    return words.removeprefix("Value error, ").replace("Input should", "should").replace("String should", "should")


def _check_announced(request: Request, limit: int) -> None:
    announced = request.headers.get("content-length", "0")
    if not announced.isascii() or not announced.isdigit():
        raise Malformed("Content-Length is not a number.")
    if len(announced) > 18 or int(announced) > limit:
        raise _too_large(limit)


async def _within(request: Request, limit: int) -> AsyncGenerator[bytes]:
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        yield piece


async def _by(moment: float, arriving: Awaitable[T]) -> T:
    async with asyncio.timeout_at(moment):
        return await arriving


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit} bytes.", limit=limit)
