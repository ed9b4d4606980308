"""Plotly's own script, from the plotly package, at an address that browsers keep for good.

Streamlit has one, too, but only its own element can reach that (`app.widgets.drawn_figure` says why
charts are not left to it).
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import files, version

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH = "/plotly.js"
#: The page that draws with it first of all.
_NEEDED_BY = "/results"
#: V8 compiles what is in it while it arrives, beside the page, and not each function at its first
#: call, which keeps the page of a browser that has never seen the script.
_HINT = b"//# allFunctionsCalledOnLoad\n"
_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


def script_address(base: str) -> str:
    """Where a browser finds it, the app being served under `base` ("" or such as "study")."""
    return f"{_below(base)}?version={version('plotly')}"


def script_route(base: str) -> Route:
    """What answers there."""
    return Route(_below(base), _answer)


class FetchedEarly:
    """ASGI middleware: a browser that opens Results fetches the script beside Streamlit's own."""

    def __init__(self, app: ASGIApp, base: str) -> None:
        self.app = app
        self.link = f"<{script_address(base)}>; rel=modulepreload"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand everything on; the page's headers with one more."""

        async def send_with_link(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Link", self.link)
            await send(message)

        needed = scope["type"] == "http" and scope["path"].endswith(_NEEDED_BY)
        await self.app(scope, receive, send_with_link if needed else send)


def _below(base: str) -> str:
    base = base.strip("/")
    return f"/{base}{PATH}" if base else PATH


def _answer(request: Request) -> Response:
    headers = dict(_FOR_GOOD)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(
            compressed(), headers=headers | {"Content-Encoding": "gzip"}, media_type=_JS
        )
    return Response(_script(), headers=headers, media_type=_JS)


_JS = "text/javascript"


@cache
def compressed() -> bytes:
    """1.5 instead of 4.8 MB; made once a server."""
    return gzip.compress(_script(), compresslevel=6)


def _script() -> bytes:
    # The package is asked for its file, and not imported: a server of labellers needs none of it.
    return _HINT + next(
        file.read_binary()
        for file in files("plotly") or ()
        if file.match("package_data/plotly.min.js")
    )
