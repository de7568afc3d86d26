"""``/workspaces/{id}/tokens``: what agents come in with."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from postroom.edges.body import Fields, Text
from postroom.edges.rest.calling import ManagerHere, Use, body, takes
from postroom.edges.rest.shapes import Moment, Shape

router = APIRouter(prefix="/workspaces/{id}/tokens", tags=["Workspaces"])


class TokenShape(Shape):
    """A live token, by the characters that it begins with."""

    id: UUID
    prefix: str
    label: str | None
    created_at: Moment
    last_used_at: Annotated[Moment | None, Field(validation_alias="used_at")]


class MadeTokenShape(Shape):
    """A token at the only time it is shown."""

    id: UUID
    prefix: str
    token: str


class TokenCreation(Fields):
    """A token to make."""

    label: Annotated[Text, Field(max_length=255)] | None = None


@router.get("")
async def list_all(id: UUID, caller: ManagerHere, services: Use) -> list[TokenShape]:
    """The workspace's live tokens."""
    await services.workspaces.get(caller, id)
    return [TokenShape.model_validate(token) for token in await services.identity.list_tokens(id)]


@router.post("", status_code=201, openapi_extra=takes(TokenCreation))
async def create(id: UUID, caller: ManagerHere, services: Use, new: Annotated[TokenCreation, body(TokenCreation)]) -> MadeTokenShape:
    """Make a further token; 422 (``too_many_tokens``) at the limit."""
    await services.workspaces.get(caller, id)
    return MadeTokenShape.model_validate(await services.identity.make_workspace_token(id, label=new.label))


@router.delete("/{token_id}", status_code=204)
async def revoke(id: UUID, token_id: UUID, caller: ManagerHere, services: Use) -> Response:
    """End a token: the very next request with it is refused."""
    await services.workspaces.get(caller, id)
    await services.identity.revoke_token(id, token_id)
    return Response(status_code=204)
