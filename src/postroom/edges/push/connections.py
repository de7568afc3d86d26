"""HTTP to agents: pinned addresses, no redirects, bounded answers, and the difference between "never got it" and "no answer" (R24, L9).

Every client of the pool can reach exactly one address, the one that passed the guard for this very call; the name stays in the Host
header and in TLS. Clients know no proxy, no cookie, no redirect and no compression, so nothing but this module decides where bytes go
and how many come back.

Two properties of pyreqwest 0.15 shape the code (each has a test here):
- ``ConnectError`` also stands for a connection that broke after the request was sent. Only its chain of causes tells the two apart.
- Cancelling the await, which ``asyncio.timeout`` does too, ends the wait and not the request: that goes on, unread, until its own limit.
  So limits of time are the client's own. Agents see a cancelled call as one whose answer nobody reads; A2A has CancelTask for more.
"""

from asyncio import get_running_loop, timeout
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BodyDecodeError, DecodeError, DetailedPyreqwestError, RequestError, RequestTimeoutError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from postroom.core.deliveries.model import Failure, NotHanded
from postroom.edges.push.addresses import AddressGuard, Target
from postroom.edges.push.enclosing import Parcel
from postroom.errors import Refused, Unavailable
from postroom.failpoints import reach

CONNECT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 4.0
"""How long an unused connection is kept. Less than the 5 s of uvicorn and Node.js, so that no request meets a connection that closes."""
IDLE_CONNECTIONS: Final = 32
CLIENT_LIMIT: Final = 256
"""Addresses whose connections are kept; the one unused for longest goes first."""
PROBE_SECONDS: Final = 5.0
PROBE_GAP_SECONDS: Final = 2.0
GONE_SECONDS: Final = 10.0
"""An agent that thinks may be silent, its host may not: asked after 5 s, every 2 s, given up when nothing came back for 10 s (R83)."""
EVENT_STREAM: Final = "text/event-stream"
LINGER_SECONDS: Final = 0.5
"""How long the end of a stream that has told its end is waited for, so that its connection can be used again."""
ADDRESS_TRIES: Final = 3
"""Addresses of one name that are tried, as long as nothing was sent to any of them."""

_NEVER_CONNECTED = "client error (Connect)"
_BUSY = (429, 503)


class Listener(Protocol):
    """Who hears an answer that is a stream of events."""

    @property
    def settled(self) -> bool:
        """Whether the end was told."""
        ...

    def hear(self, chunk: bytes) -> None:
        """Take the next bytes, cut anywhere."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """One POST. ``seconds`` is for all of it: connecting, sending, waiting, reading. ``listener`` gets an event stream as it comes."""

    url: str
    headers: Mapping[str, str]
    body: bytes | Parcel
    seconds: float
    listener: Listener | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer within the limit of size, that is neither a redirect nor "come back later". What a listener heard has no body."""

    status: int
    content_type: str
    body: bytes


Posted = Answer | Failure | NotHanded
_Place = tuple[str, str, int, str]


class Connections:
    """The pool. ``reply_limit`` is in bytes; ``root_certificates`` (PEM) are trusted beside the built-in ones."""

    def __init__(self, guard: AddressGuard, *, reply_limit: int, root_certificates: bytes | None = None) -> None:
        self._guard = guard
        self._reply_limit = reply_limit
        self._root_certificates = root_certificates
        self._clients: OrderedDict[_Place, Client] = OrderedDict()

    async def post(self, request: Request) -> Posted:
        """Send a request. What the agent and the network do is in the returned value; nothing is raised for it."""
        try:
            target = await self._guard.resolve(request.url)
        except Refused as refused:
            return NotHanded(code=refused.name, detail=refused.sentence)
        posted: Posted = NotHanded(code="connect_failed", detail="no address")
        for place in self._places(target):
            posted = await self._post_to(place, request)
            if not (isinstance(posted, NotHanded) and posted.code == "connect_failed"):
                break
        return posted

    async def close(self) -> None:
        """Close all connections; calls in flight end without an answer."""
        while self._clients:
            _, client = self._clients.popitem()
            await client.close()

    def _places(self, target: Target) -> list[_Place]:
        places = [(target.scheme, target.host, target.port, address) for address in target.addresses]
        # An address that was reached before comes first: where ::1 refuses and 127.0.0.1 listens, only the first call tries both.
        return sorted(places, key=lambda place: place not in self._clients)[:ADDRESS_TRIES]

    async def _post_to(self, place: _Place, request: Request) -> Posted:
        reach("call.connecting")
        try:
            async with _prepared(self._client(place), request) as response:
                reach("call.answering")
                return _turned_away(response) or await self._take(response, request.listener)
        except RequestError as error:
            return self._without_answer(place, request, error)
        except Unavailable as error:
            # A file could not be read while it was sent: what the agent has got is no whole request.
            return NotHanded(code=error.name, detail=error.sentence)

    def _without_answer(self, place: _Place, request: Request, error: RequestError) -> Failure | NotHanded:
        if _NEVER_CONNECTED in _causes(error):
            self._clients.pop(place, None)
            return NotHanded(code="connect_failed", detail=f"No connection to {place[3]} port {place[2]}: {_causes(error)[-1]}.")
        return _failure_of(error, request.seconds)

    def _client(self, place: _Place) -> Client:
        client = self._clients.pop(place, None) or self._build(place)
        self._clients[place] = client
        if len(self._clients) > CLIENT_LIMIT:
            self._clients.popitem(last=False)  # it closes when the last call that uses it has ended
        return client

    def _build(self, place: _Place) -> Client:
        _, host, port, address = place
        builder = (
            ClientBuilder()
            .resolve(host, address, port)
            .follow_redirects(False)
            .no_proxy()
            .referer(False)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .http1_only()
            .user_agent("postroom")
            .connect_timeout(timedelta(seconds=CONNECT_SECONDS))
            .tcp_keepalive(timedelta(seconds=PROBE_SECONDS))
            .tcp_keepalive_interval(timedelta(seconds=PROBE_GAP_SECONDS))
            .tcp_user_timeout(timedelta(seconds=GONE_SECONDS))
            .pool_idle_timeout(timedelta(seconds=IDLE_SECONDS))
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
        )
        return (builder.add_root_certificate_pem(self._root_certificates) if self._root_certificates else builder).build()

    async def _take(self, response: Response, listener: Listener | None) -> Answer | Failure:
        content_type = response.get_header("content-type") or ""
        if listener is not None and response.status < 300 and content_type.lower().startswith(EVENT_STREAM):
            answer = await self._hear(response, content_type, listener)
        else:
            answer = await self._read(response, content_type)
        reach("call.read")
        return answer

    async def _read(self, response: Response, content_type: str) -> Answer | Failure:
        body = bytearray()
        while (chunk := await response.body_reader.read_chunk()) is not None:
            body += chunk
            reach("call.half_read")
            if len(body) > self._reply_limit:
                return self._too_large()
        return Answer(response.status, content_type, bytes(body))

    async def _hear(self, response: Response, content_type: str, listener: Listener) -> Answer | Failure:
        """The limit is for all bytes together; what the agent says after its end is heard for LINGER_SECONDS."""
        heard, patience = 0, timeout(None)
        try:
            async with patience:
                while (chunk := await response.body_reader.read_chunk()) is not None:
                    heard += len(chunk)
                    if heard > self._reply_limit:
                        return self._too_large()
                    listener.hear(bytes(chunk))
                    if listener.settled and patience.when() is None:
                        patience.reschedule(get_running_loop().time() + LINGER_SECONDS)
        except TimeoutError:
            if not patience.expired():
                raise
        return Answer(response.status, content_type, b"")

    def _too_large(self) -> Failure:
        return Failure(code="answer_too_large", detail=f"The answer is larger than {self._reply_limit} bytes.", retry=False)


def _prepared(client: Client, request: Request) -> StreamRequest:
    builder = client.post(request.url).headers(request.headers).timeout(timedelta(seconds=request.seconds))
    if isinstance(request.body, Parcel):
        builder = builder.header("Content-Length", str(request.body.length)).body_stream(request.body.pieces())
    else:
        builder = builder.body_bytes(request.body)
    # Who hears an answer as it comes does not want it gathered first.
    return (builder if request.listener is None else builder.streamed_read_buffer_limit(0)).build_streamed()


def _turned_away(response: Response) -> Failure | NotHanded | None:
    """What the status alone says. 429 and 503 count as "not handed" only with Retry-After: without, they may come from behind a proxy
    whose agent did take the message."""
    if 300 <= response.status < 400:
        return Failure(code="redirect_refused", detail=f"The agent answered {response.status}; redirects are not followed.", retry=False)
    if response.status in _BUSY and response.get_header("retry-after"):
        return NotHanded(code="agent_busy", detail=f"The agent answered {response.status} and asked to come back later.")
    if response.get_header("content-encoding") not in (None, "identity"):
        return Failure(code="invalid_answer", detail="The answer is compressed, which was not asked for.", retry=True)
    return None


def _failure_of(error: RequestError, seconds: float) -> Failure:
    """A request that was sent, or may have been: it counts as handed, and the same message goes out again (R24)."""
    if isinstance(error, RequestTimeoutError):
        return Failure(code="no_answer", detail=f"No whole answer within {seconds:.0f} s.", retry=True)
    if isinstance(error, DecodeError) and not isinstance(error, BodyDecodeError):
        return Failure(code="invalid_answer", detail=f"The answer is not HTTP: {_causes(error)[-1]}.", retry=True)
    return Failure(code="no_answer", detail=f"The connection broke before the answer was whole: {_causes(error)[-1]}.", retry=True)


def _causes(error: DetailedPyreqwestError) -> list[str]:
    """The chain of causes, outermost first; never empty."""
    return [cause["message"] for cause in error.details["causes"] or ()] or [error.message]
