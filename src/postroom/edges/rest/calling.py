"""What every route is given: who calls, what there is to call, and a body that was read strictly."""

from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

from fastapi import Depends
from pydantic import BaseModel
from starlette.requests import Request

from postroom.core.identity.model import Principal
from postroom.core.identity.service import require_manager
from postroom.core.services import Services
from postroom.edges.body import read_model
from postroom.edges.context import authenticate

M = TypeVar("M", bound=BaseModel)


def services_of(request: Request) -> Services:
    """The services that ``create_api`` was given."""
    return cast(Services, request.app.state.services)


Use = Annotated[Services, Depends(services_of)]


async def _caller(request: Request, services: Use) -> Principal:
    return await authenticate(request, services)


Caller = Annotated[Principal, Depends(_caller)]
"""Whoever calls, let in; a route without it is open to everybody."""


async def _manager(caller: Caller) -> Principal:
    require_manager(caller)
    return caller


Manager = Annotated[Principal, Depends(_manager)]
"""The operator or a person; Forbidden for a workspace."""


async def _manager_here(id: UUID, caller: Caller, services: Use) -> Principal:
    if not caller.manages:
        # First what it may not see, then what it may not do: a 403 would tell that there is something (contract, "Who is calling").
        await services.workspaces.get(caller, id)
    require_manager(caller)
    return caller


ManagerHere = Annotated[Principal, Depends(_manager_here)]
"""As Manager, on the workspace ``{id}``; NotFound for a workspace that may not see it."""


def body(model: type[M]) -> Any:
    """A parameter that is the body. Its caller is let in before a byte of it is read."""

    async def read(request: Request, services: Use, _: Caller) -> M:
        return await read_model(request, services.settings, model)

    return Depends(read)


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says about that body: FastAPI does not know of it, because it must not parse it."""
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
