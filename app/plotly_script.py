"""Plotly's own script, from the plotly package, at an address that browsers keep for good.

Streamlit has one, too, but only its own element can reach that (`app.widgets.drawn_figure` says why
charts are not left to it).
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.metadata import files, version

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "/plotly.js"
_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


def script_address(base: str) -> str:
    """Where a browser finds it, the app being served under `base` ("" or such as "study")."""
    return f"{_below(base)}?version={version('plotly')}"


def script_route(base: str) -> Route:
    """What answers there."""
    return Route(_below(base), _answer)


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
    return next(
        file.read_binary()
        for file in files("plotly") or ()
        if file.match("package_data/plotly.min.js")
    )
