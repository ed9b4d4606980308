"""The way in of served mode: the page for the passphrase and the provider, and the way out.

Plain HTML, before Streamlit: whoever has no session is sent nothing of the app.
"""

from __future__ import annotations

import asyncio
import html
import logging
import re
import secrets
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.access import current_home, database
from app.passphrase import LONGEST, Guesses
from app.serving import Served, SignIn, ways_in
from app.sessions import COOKIE, LASTS, Session, Way, end, new_session, opened, sealed
from data.people import is_researcher
from labelling.plain_words import NotPlainError, require_plain
from labelling.wording import ENGLISH

log = logging.getLogger(__name__)

SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
TO_PROVIDER, FROM_PROVIDER = f"{SIGN_IN}/provider", f"{SIGN_IN}/provider/back"

#: A name is shown to other researchers, on pages that read Markdown: only what names are made of.
NO_NAME = re.compile(r"[^\w .,'’@+-]")
LONGEST_NAME = 60
LARGEST_FORM = 10_000
#: From leaving for the provider to coming back.
PROVIDER_SECONDS = 600
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>Plainview</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 18vh auto;
padding: 0 1rem }} h1 {{ font-size: 1.4rem }} label, input, button, a.way {{ display: block;
width: 100%;
box-sizing: border-box }} label {{ margin-top: .9rem }} input, button, a.way {{ font: inherit;
padding: .5rem .7rem; border: 1px solid #8888; border-radius: 6px }} button, a.way {{
margin-top: 1.2rem; background: #3b5bdb; border-color: #3b5bdb; color: #fff; text-align: center;
text-decoration: none; cursor: pointer }} p.problem {{ border-left: 3px solid #c92a2a;
padding-left: .7rem }}
</style></head><body><h1>Plainview</h1>{body}</body></html>"""


def sign_in_pages(here: Served, ways: SignIn) -> Starlette:
    """The ASGI application of the ways in; paths are below the served address."""
    guesses, one_at_a_time = Guesses(), asyncio.Semaphore(2)
    client = _client(ways)

    async def ask(request: Request) -> Response:
        return _page(here, ways_in(current_home()))

    async def by_passphrase(request: Request) -> Response:
        ways = ways_in(current_home())
        if ways.passphrase is None:
            return _page(here, ways, "Nobody signs in by passphrase here.", HTTPStatus.FORBIDDEN)
        address = request.client.host if request.client else "?"
        if (wait := guesses.wait_seconds(address)) > 0:
            log.warning("Refused a guess of the passphrase: too many from %s", address)
            minutes = int(wait // 60) + 1
            said = f"That was wrong too often. Try again in {minutes} min."
            answer = _page(here, ways, said, HTTPStatus.TOO_MANY_REQUESTS)
            answer.headers["Retry-After"] = str(int(wait) + 1)
            return answer
        form = await _form(request)
        name = " ".join(NO_NAME.sub("", form.get("name", "")).split())[:LONGEST_NAME]
        try:
            require_plain(form.get("name", "")[:LONGEST], field="Your name", who=address)
        except NotPlainError as error:
            return _page(here, ways, str(error), HTTPStatus.BAD_REQUEST)
        if not name:
            return _page(here, ways, "Give your name, too.", HTTPStatus.BAD_REQUEST)
        guesses.failed(address)
        async with one_at_a_time:
            guess = form.get("passphrase", "")
            right = await asyncio.to_thread(ways.passphrase.is_right, guess)
        if not right:
            log.warning("Refused a wrong passphrase from %s", address)
            return _page(here, ways, "That is not the passphrase.", HTTPStatus.FORBIDDEN)
        guesses.succeeded(address)
        log.info("%s signed in by passphrase from %s", name, address)
        return _welcome(here, new_session(Way.PASSPHRASE, name, ways.passphrase.version))

    async def to_provider(request: Request) -> Response:
        if client is None:
            return _page(here, ways, "There is no provider here.", HTTPStatus.NOT_FOUND)
        try:
            return await client.authorize_redirect(
                request, f"{here.origin}{here.base}{FROM_PROVIDER}"
            )
        except Exception:  # a provider that is away or speaks nonsense, by any of two libraries
            log.exception("The provider cannot be reached")
            said = "The provider does not answer. Try again later."
            return _page(here, ways, said, HTTPStatus.BAD_GATEWAY)

    async def from_provider(request: Request) -> Response:
        if client is None or ways.provider is None:
            return _page(here, ways, "There is no provider here.", HTTPStatus.NOT_FOUND)
        try:
            token = await client.authorize_access_token(request)
        except Exception as error:  # forged state, wrong signature, refused by the provider, …
            # The message only: a traceback would hold the code and the token.
            log.warning("Refused what came back from the provider: %s", type(error).__name__)
            said = "Signing in did not work. Please try again."
            return _page(here, ways, said, HTTPStatus.FORBIDDEN)
        claims = token.get("userinfo") or {}
        email = str(claims.get("email") or "")
        verified = claims.get("email_verified") is True or ways.provider.addresses_are_verified
        if not verified or not is_researcher(database(), email):
            log.warning("Refused %r, who signed in with the provider", email[:120])
            said = f"{email or 'This account'} is not admitted here."
            return _page(here, ways, said, HTTPStatus.FORBIDDEN)
        log.info("%s signed in with the provider", email.lower())
        return _welcome(here, new_session(Way.PROVIDER, email.strip().lower()))

    async def ask_to_leave(request: Request) -> Response:
        return _answer(
            f'<form method="post" action="{here.base}{SIGN_OUT}"><button>Sign out</button></form>'
            f'<p><a href="{here.base}/">Back</a></p>'
        )

    async def leave(request: Request) -> Response:
        session = opened(current_home(), request.cookies.get(COOKIE, ""))
        if session is not None:
            end(database(), session)
            log.info("%s signed out", session.who)
        answer = RedirectResponse(f"{here.base}{SIGN_IN}", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(COOKIE, path=f"{here.base}/")
        return answer

    # Keeps the provider's state between leaving and coming back; a restart begins anew.
    kept = Middleware(
        SessionMiddleware,
        secret_key=secrets.token_hex(),
        session_cookie=f"{COOKIE}-way",
        max_age=PROVIDER_SECONDS,
        path=f"{here.base}/",
        same_site="lax",
        https_only=here.secure,
    )
    return Starlette(
        routes=[
            Route(SIGN_IN, ask, methods=["GET"]),
            Route(SIGN_IN, by_passphrase, methods=["POST"]),
            Route(TO_PROVIDER, to_provider, methods=["GET"]),
            Route(FROM_PROVIDER, from_provider, methods=["GET"]),
            Route(SIGN_OUT, ask_to_leave, methods=["GET"]),
            Route(SIGN_OUT, leave, methods=["POST"]),
        ],
        middleware=[kept],
    )


def give_session(answer: Response, here: Served, session: Session) -> None:
    """Send the session's cookie along: no script reads it, no other site sends it."""
    answer.set_cookie(
        COOKIE,
        sealed(current_home(), session),
        max_age=LASTS[session.way],
        path=f"{here.base}/",
        secure=here.secure,
        httponly=True,
        samesite="lax",
    )


def refusal(sentence: str) -> Response:
    """A page with a sentence, and nothing else."""
    return _answer(f"<p>{html.escape(sentence)}</p>", HTTPStatus.FORBIDDEN)


def _client(ways: SignIn):
    """Authlib's client of the provider, which checks state, nonce, signature and audience."""
    if ways.provider is None:
        return None
    from authlib.integrations.starlette_client import OAuth

    return OAuth().register(
        "provider",
        server_metadata_url=f"{ways.provider.issuer}/.well-known/openid-configuration",
        client_id=ways.provider.client_id,
        client_secret=ways.provider.client_secret,
        client_kwargs={"scope": "openid email", "code_challenge_method": "S256"},
    )


def _welcome(here: Served, session: Session) -> Response:
    answer = RedirectResponse(f"{here.base}/", HTTPStatus.SEE_OTHER)
    give_session(answer, here, session)
    return answer


async def _form(request: Request) -> dict[str, str]:
    """The texts of a form; none of one that is too large, of which no more is read."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > LARGEST_FORM:
            return {}
    return dict(parse_qsl(content.decode("utf-8", "replace"), keep_blank_values=True))


def _page(
    here: Served, ways: SignIn, problem: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """The ways in that are open, and what went wrong before."""
    parts = [f'<p class="problem" role="alert">{html.escape(problem)}</p>'] if problem else []
    parts.append(f"<p>{html.escape(ENGLISH.not_invited)}</p>")
    if ways.provider is not None:
        parts.append(f'<a class="way" href="{here.base}{TO_PROVIDER}">Sign in</a>')
    if ways.passphrase is not None:
        parts.append(
            f'<form method="post" action="{here.base}{SIGN_IN}">'
            f'<label>Your name<input name="name" maxlength="{LONGEST_NAME}" required'
            ' autocomplete="name"></label>'
            f'<label>Passphrase<input name="passphrase" type="password" maxlength="{LONGEST}"'
            ' required autocomplete="current-password"></label>'
            "<button>Sign in</button></form>"
        )
    return _answer("".join(parts), status)


def _answer(body: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
    return HTMLResponse(PAGE.format(body=body), status, headers)
