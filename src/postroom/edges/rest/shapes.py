"""What all answers are made of."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol, cast
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.functional_validators import AfterValidator, PlainValidator
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from postroom.core.identity.model import PrincipalKind
from postroom.edges.body import check_text
from postroom.edges.wire import rfc3339, text_of

Json = dict[str, Any]

Moment = Annotated[
    datetime, PlainSerializer(rfc3339, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization")
]
"""A time as the wire has it: UTC, milliseconds, ``Z``."""


class Shape(BaseModel):
    """Base of answers, made from the core's dataclasses."""

    model_config = ConfigDict(from_attributes=True)


class PlaceShape(Shape):
    """A workspace, by its name."""

    id: UUID
    name: str


class SenderShape(Shape):
    """Who said it."""

    kind: PrincipalKind
    id: UUID
    name: str


class Said(Protocol):
    """What was said by somebody."""

    @property
    def sender_kind(self) -> str: ...
    @property
    def sender_id(self) -> UUID: ...
    @property
    def sender_name(self) -> str: ...


def sender_shape(said: Said) -> SenderShape:
    """Who said it."""
    return SenderShape(kind=PrincipalKind(said.sender_kind), id=said.sender_id, name=said.sender_name)


RoleName = Literal["user", "agent", "system"]
StatusName = Literal["accepted", "handed", "input_required", "completed", "failed", "cancelled", "expired"]
"""Where a delegation stands."""


class Part(TypedDict, total=False):
    """A part of an A2A message in its 1.0 form: exactly one of text, raw (base64), url and data. Members that are not known are kept."""

    __pydantic_config__ = ConfigDict(extra="allow")  # pyright: ignore[reportGeneralTypeIssues]

    text: str
    raw: str
    url: str
    data: Any
    filename: str
    mediaType: str
    metadata: Json


class ErrorShape(Shape):
    """Why a message failed; ``last`` is the error of its last attempt."""

    code: str
    detail: str
    last: Annotated["ErrorShape | None", Field(exclude_if=lambda last: last is None)] = None


class ProgressShape(Shape):
    """The newest that an agent told before its answer."""

    text: str
    parts: list[Part]
    status: str | None
    at: Moment


def progress_shape(told: Json) -> ProgressShape:
    """What ``newest_progress`` of migration 0006 brings, as it is shown."""
    parts = cast(list[Part], told["parts"] or [])
    return ProgressShape(text=text_of({"parts": parts}), parts=parts, status=told["status"], at=told["at"])


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999") from None


def _digits(given: object) -> object:
    if not isinstance(given, str) or not given.isascii() or not given.isdigit():
        raise ValueError("must be a whole number")
    return given


def _place(given: object) -> int | UUID:
    text = str(given)
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 2**63:
        return int(text)
    try:
        return UUID(text)
    except ValueError:
        raise ValueError("must be a whole number, or the id of a message") from None


Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time that a caller gives, with its offset."""
Limit = Annotated[int, Field(ge=1, le=200)]
"""How many rows of a list."""
Seq = Annotated[int, BeforeValidator(_digits), Field(ge=0, lt=2**63)]
"""A place in a mailbox; on the wire a text of digits."""
_PLACES: Json = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "format": "uuid"}]}
Place = Annotated[int | UUID, PlainValidator(_place), WithJsonSchema(_PLACES)]
"""A place in a mailbox, or between mailboxes: there a message's id."""
Word = Annotated[str, AfterValidator(check_text), Field(max_length=255)]
"""A text to filter by."""
