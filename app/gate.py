"""The gate around Streamlit: who may speak with the server at all, before a page is asked for.

Local, it answers browsers of this computer only. Served, it answers whoever has a session: a
researcher everything, a labeller the one page with what that needs, anybody else the way in
(`app.sign_in`). It stands before HTTP, websockets, media and uploads alike, where Streamlit by
itself asks for no session: /media/NAME is open to whoever knows the name.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp as AsgiApp
from starlette.types import Message, Receive, Scope, Send

from app.access import INVITATION, current_home, database, from_this_computer
from app.serving import Served, check_ways_in, served
from app.sessions import COOKIE, Role, Session, Way, holds, new_session, opened
from app.sign_in import SIGN_IN, SIGN_OUT, give_session, refusal, sign_in_pages
from data.database import DatabaseError
from data.home import HomeError
from data.labellers import labeller_of
from labelling.wording import ENGLISH

log = logging.getLogger(__name__)

#: Addresses of Streamlit's own that tell what runs inside, and that nothing of ours needs; whatever
#: follows these is closed too. Streamlit has no option against /_stcore/metrics, which lists the
#: names of cached functions to whoever asks.
CLOSED = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check")
#: What says that the server runs is open to all.
HEALTH = "/_stcore/health"
STREAM = "/_stcore/stream"
#: What a labeller's page is made of.
LABELLERS = ("/", "/index.html", "/manifest.json", "/favicon.png", HEALTH, STREAM)
LABELLERS_FOLDERS = ("/static/", "/_stcore/host-config")

#: Nothing of ours is shown inside another site, nor tells another site its address.
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
#: The largest upload (server.maxUploadSize in .streamlit/config.toml) with what is around it, and
#: the largest other body: forms are smaller by far.
LARGEST_UPLOAD, LARGEST_BODY = 48 * 2**20 + 2**16, 2**20
UPLOADS = "/_stcore/upload_file/"
#: A websocket's session is looked at again when something comes in, so often.
LOOK_SECONDS = 2.0
POLICY_VIOLATION = 1008


class Gate:
    """ASGI middleware around Streamlit.

    Raises RequestError when the environment says to serve, and nobody could sign in: the server
    does not start then.
    """

    def __init__(self, app: AsgiApp) -> None:
        self.app = app
        self.served = served()
        self.sign_in: AsgiApp | None = None
        if self.served is not None:
            self.sign_in = sign_in_pages(self.served, check_ways_in(current_home()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        send = _with_headers(send)
        place = _place(scope, self.served)
        if any(closed in scope["path"] for closed in CLOSED):
            await _refuse(scope, receive, send, HTTPStatus.NOT_FOUND, ENGLISH.not_found)
        elif _too_large(scope):
            log.warning("Refused what is too large to be ours: %s", _visit(scope))
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            await _refuse(scope, receive, send, status, ENGLISH.too_large)
        elif self.served is None:
            await self._local(scope, receive, send)
        else:
            await self._serve(self.served, place, scope, receive, send)

    async def _local(self, scope: Scope, receive: Receive, send: Send) -> None:
        if from_this_computer(scope.get("client"), Headers(scope=scope)):
            await self.app(scope, receive, send)
        else:
            said = _visit(scope)
            log.warning("Refused a visitor who is not at this computer: %s", said)
            await _refuse(scope, receive, send, HTTPStatus.FORBIDDEN, ENGLISH.not_invited)

    async def _serve(
        self, here: Served, place: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if place == HEALTH:
            await self.app(scope, receive, send)
            return
        if foreign := _foreign(here, scope):
            log.warning("Refused a request by another %s: %s", foreign, _visit(scope))
            await _refuse(scope, receive, send, HTTPStatus.FORBIDDEN, ENGLISH.wrong_address)
            return
        if place in (SIGN_IN, SIGN_OUT) or place.startswith(f"{SIGN_IN}/"):
            inner = dict(scope) | {"path": place, "raw_path": place.encode(), "root_path": ""}
            await self.sign_in(inner, receive, send)
            return
        try:
            token = _invitation(scope)
            if token is not None:
                await _enter(here, token)(scope, receive, send)
                return
            session = _session(scope)
        except (DatabaseError, HomeError):
            log.exception("Sessions could not be looked at")
            status = HTTPStatus.SERVICE_UNAVAILABLE
            await _refuse(scope, receive, send, status, ENGLISH.unavailable)
            return
        if session is None:
            log.warning("Refused a visitor without a session: %s", _visit(scope))
            await self._ask_to_sign_in(here, scope, receive, send)
        elif session.role is Role.LABELLER and not _for_labellers(place):
            log.warning("Refused labeller %s: %s", session.who, _visit(scope))
            await _refuse(scope, receive, send, HTTPStatus.NOT_FOUND, ENGLISH.not_found)
        elif scope["type"] == "websocket" and session.role is Role.RESEARCHER:
            await self.app(scope, *_while_it_holds(session, receive, send))
        else:
            await self.app(scope, receive, send)

    async def _ask_to_sign_in(
        self, here: Served, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Whoever opens a page is led to the way in; anything else is told to take it."""
        opens = scope["type"] == "http" and scope["method"] == "GET"
        if opens and "text/html" in Headers(scope=scope).get("Accept", ""):
            answer = RedirectResponse(f"{here.base}{SIGN_IN}", HTTPStatus.SEE_OTHER)
            await answer(scope, receive, send)
        else:
            await _refuse(scope, receive, send, HTTPStatus.UNAUTHORIZED, ENGLISH.not_invited)


def _place(scope: Scope, here: Served | None) -> str:
    """The path asked for, below the base path; "" for one that is not below it."""
    base = here.base if here is not None else ""
    path = scope["path"]
    if not base:
        return path
    return path.removeprefix(base) or "/" if f"{path}/".startswith(f"{base}/") else ""


def _foreign(here: Served, scope: Scope) -> str:
    """What does not fit the address that is served: "host", "origin", or "" for neither.

    Host keeps out names that somebody has pointed at this server (DNS rebinding). Origin is there
    whenever another site could be asking on somebody's behalf: on websockets and what changes
    something.
    """
    headers = Headers(scope=scope)
    if headers.get("Host", "").lower() != here.host:
        return "host"
    changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
    return "origin" if changes and headers.get("Origin") != here.origin else ""


def _too_large(scope: Scope) -> bool:
    """Whether a request announces too large a body; Streamlit itself cuts one that does not."""
    length = Headers(scope=scope).get("Content-Length", "0")
    largest = LARGEST_UPLOAD if UPLOADS in scope["path"] else LARGEST_BODY
    return not length.isdigit() or int(length) > largest


def _invitation(scope: Scope) -> str | None:
    """The token of a link that is being opened."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    return parse_qs(scope["query_string"].decode("latin-1")).get(INVITATION, [None])[0]


def _enter(here: Served, token: str) -> Response:
    """Exchange an invitation for a session: from here on the token stands in no address."""
    labeller = labeller_of(database(), token)
    if labeller is None:
        # A part of the hash finds a revoked invitation in the database; the token is a secret.
        digest = hashlib.sha256(token.encode()).hexdigest()
        log.warning("Refused an invitation that is unknown, expired or revoked: %s…", digest[:12])
        return refusal(ENGLISH.invitation_unknown)
    log.info("Labeller %s came in by invitation", labeller.id)
    answer = RedirectResponse(f"{here.base}/", HTTPStatus.SEE_OTHER)
    give_session(answer, here, new_session(Way.INVITATION, str(labeller.id)))
    return answer


def _session(scope: Scope) -> Session | None:
    """Whose request it is; None without a session that holds."""
    cookie = HTTPConnection(scope).cookies.get(COOKIE)
    session = opened(current_home(), cookie) if cookie else None
    return session if session and holds(current_home(), database(), session) else None


def _for_labellers(place: str) -> bool:
    return place in LABELLERS or (place.startswith(LABELLERS_FOLDERS) and ".." not in place)


def _while_it_holds(session: Session, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """A websocket that ends with its session; a labeller's page asks by itself, and says why."""
    looked, ended = time.monotonic(), False

    async def receive_while() -> Message:
        nonlocal looked, ended
        message = await receive()
        if message["type"] == "websocket.receive" and time.monotonic() - looked > LOOK_SECONDS:
            looked = time.monotonic()
            if not _still_holds(session):
                log.warning("Closed a page of %s: the session has ended", session.who)
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                ended = True
        if ended:
            return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
        return message

    async def send_while(message: Message) -> None:
        if not ended:
            await send(message)

    return receive_while, send_while


def _still_holds(session: Session) -> bool:
    """A database that cannot be read ends no session: the page itself says what is wrong."""
    try:
        return holds(current_home(), database(), session)
    except (DatabaseError, HomeError):
        log.exception("The session of %s could not be looked at", session.who)
        return True


async def _refuse(
    scope: Scope, receive: Receive, send: Send, status: HTTPStatus, sentence: str
) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    else:
        await PlainTextResponse(sentence, status)(scope, receive, send)


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


def _visit(scope: Scope) -> str:
    """A request for the log: who, what and under which name, without the query, cut short."""
    headers: Mapping[str, str] = Headers(scope=scope)
    host, _ = scope.get("client") or ("?", 0)
    origin = urlsplit(headers.get("Origin", "")).netloc
    said = (host, scope.get("method", "websocket"), scope["path"], headers.get("Host"), origin)
    return " ".join(repr(part)[:120] for part in said)
