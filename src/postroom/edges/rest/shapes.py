"""What all answers are made of."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.functional_validators import AfterValidator

from postroom.edges.body import check_text
from postroom.edges.wire import rfc3339

Json = dict[str, Any]

Moment = Annotated[
    datetime, PlainSerializer(rfc3339, return_type=str), WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization")
]
"""A time as the wire has it: UTC, milliseconds, ``Z``."""


class Shape(BaseModel):
    """Base of answers, made from the core's dataclasses."""

    model_config = ConfigDict(from_attributes=True)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999") from None


def _digits(given: object) -> object:
    if not isinstance(given, str) or not given.isascii() or not given.isdigit():
        raise ValueError("must be a whole number")
    return given


Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time that a caller gives, with its offset."""
Limit = Annotated[int, Field(ge=1, le=200)]
"""How many rows of a list."""
Seq = Annotated[int, BeforeValidator(_digits), Field(ge=0, lt=2**63)]
"""A place in a mailbox; on the wire a text of digits."""
Word = Annotated[str, AfterValidator(check_text), Field(max_length=255)]
"""A text to filter by."""
