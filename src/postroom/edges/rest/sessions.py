"""Browsers: a one-time link is traded for a session cookie, sessions are listed and ended."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field
from starlette.requests import Request

from postroom.core.identity.model import Principal, PrincipalKind
from postroom.edges.body import Fields, Text, read_model
from postroom.edges.context import cookie_name, is_secure, require_same_origin
from postroom.edges.rest.calling import Caller, Manager, Use, takes
from postroom.edges.rest.shapes import Moment, Shape
from postroom.errors import Refused
from postroom.settings import Settings

router = APIRouter(tags=["Sessions"])

_DAY = 86400


class Login(Fields):
    """The code that stands after the ``#`` of a login link."""

    code: Annotated[Text, Field(min_length=1, max_length=512)]


class LinkShape(Shape):
    """A link that lets one browser in, once. The code is after the ``#``, which browsers send to nobody."""

    link: str
    expires_in_seconds: float


class CallerShape(Shape):
    """Who the server takes the caller for."""

    kind: PrincipalKind
    id: UUID
    name: str
    manages: bool


class SessionShape(Shape):
    """A browser that is let in."""

    id: UUID
    prefix: str
    label: str | None
    person: str
    created_at: Moment
    last_used_at: Annotated[Moment | None, Field(validation_alias="used_at")]
    expires_at: Moment
    current: bool = False


class OpenedShape(Shape):
    """The session of this browser."""

    id: UUID
    prefix: str


@router.post("/login-link", status_code=201)
async def make_login_link(request: Request, caller: Manager, services: Use) -> LinkShape:
    """Make a one-time link to the page."""
    del caller
    code = await services.identity.make_login_code()
    return LinkShape(link=f"{_address(request, services.settings)}/#{code}", expires_in_seconds=services.settings.login_code_seconds)


@router.post("/session", status_code=201, openapi_extra=takes(Login))
async def open_session(request: Request, response: Response, services: Use) -> OpenedShape:
    """Trade the code of a login link for the session cookie. From the page's own origin only, so that no site logs a browser in."""
    require_same_origin(request, services.settings)
    login = await read_model(request, services.settings, Login)
    session = await services.identity.open_session(login.code, label=_browser(request))
    response.set_cookie(
        cookie_name(request, services.settings),
        session.token,
        max_age=services.settings.session_days * _DAY,
        secure=is_secure(request, services.settings),
        httponly=True,
        samesite="strict",
    )
    return OpenedShape(id=session.id, prefix=session.prefix)


@router.get("/session")
async def get_session(caller: Caller) -> CallerShape:
    """Who is calling."""
    return CallerShape.model_validate(caller)


@router.delete("/session", status_code=204)
async def close_session(request: Request, caller: Caller, services: Use) -> Response:
    """Log this browser out."""
    if caller.kind is not PrincipalKind.PERSON:
        raise Refused("This is a token and no browser session; revoke it instead.", code="no_session")
    await services.identity.close_session(caller.credential_id)
    response = Response(status_code=204)
    response.delete_cookie(
        cookie_name(request, services.settings), secure=is_secure(request, services.settings), httponly=True, samesite="strict"
    )
    return response


@router.get("/sessions")
async def list_sessions(caller: Manager, services: Use) -> list[SessionShape]:
    """Browsers that are let in."""
    return [_session_shape(SessionShape.model_validate(session), caller) for session in await services.identity.list_sessions()]


@router.delete("/sessions/{id}", status_code=204)
async def end_session(id: UUID, caller: Manager, services: Use) -> Response:
    """Log a browser out from afar: a lost phone."""
    del caller
    await services.identity.close_session(id)
    return Response(status_code=204)


def _session_shape(shape: SessionShape, caller: Principal) -> SessionShape:
    return shape.model_copy(update={"current": shape.id == caller.credential_id})


def _address(request: Request, settings: Settings) -> str:
    """Where a browser finds the page: as configured, or as the caller found it, whose Host header was checked to be ours."""
    return settings.public_url.rstrip("/") or f"{request.scope['scheme']}://{request.headers['host']}"


def _browser(request: Request) -> str | None:
    given = "".join(character for character in request.headers.get("user-agent", "") if character.isprintable())
    return given[:255] or None
