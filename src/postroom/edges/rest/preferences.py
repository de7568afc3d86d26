"""``/session/preferences``: what the page keeps for whoever uses it, on all of their devices."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from starlette.requests import Request

from postroom.edges import strict_json
from postroom.edges.body import read_body
from postroom.edges.rest.calling import Manager, Use

router = APIRouter(prefix="/session/preferences", tags=["Sessions"])

PreferenceName = Annotated[str, Path(pattern="^[a-z][a-z0-9-]{0,63}$")]
_MOST_BYTES = 256 * 1024
_ANY_JSON: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}


@router.get("")
async def list_all(caller: Manager, services: Use) -> dict[str, Any]:
    """The caller's preferences, by name."""
    return await services.identity.preferences(caller)


@router.put("/{name}", status_code=204, openapi_extra=_ANY_JSON)
async def keep(name: PreferenceName, request: Request, caller: Manager, services: Use) -> Response:
    """Keep a value, which is any JSON of up to 256 KiB, for the caller alone; what was kept under the name is replaced."""
    content = await read_body(request, _MOST_BYTES, services.settings.body_seconds)
    await services.identity.prefer(caller, name, strict_json.loads(content))
    return Response(status_code=204)
