"""Plotly's script is the plotly package's own, kept by browsers, and not for labellers."""

from __future__ import annotations

import gzip

import pytest
from plotly.offline import get_plotlyjs
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message

from app.gate import _for_labellers
from app.plotly_script import PATH, FetchedEarly, script_address, script_route
from tests.event_loop import run_apart


@pytest.mark.parametrize("base", ["", "study", "/study/", "a/b"])
def test_it_is_found_below_whatever_the_app_is_served_under(base: str) -> None:
    address, _, version = script_address(base).partition("?version=")
    assert (
        address
        == script_route(base).path
        == "/".join(["", *base.strip("/").split("/")]).rstrip("/") + PATH
    )
    assert version  # another plotly is another address, so that the browser asks for it


@pytest.mark.parametrize("accepted", ["gzip, deflate, br", ""])
def test_it_comes_whole_and_is_kept_for_good(accepted: str) -> None:
    headers = [(b"accept-encoding", accepted.encode())]
    scope = {"type": "http", "method": "GET", "path": PATH, "headers": headers}
    answer = script_route("").endpoint(Request(scope))
    packed = answer.headers.get("Content-Encoding") == "gzip"
    assert packed == bool(accepted)
    content = gzip.decompress(answer.body) if packed else answer.body
    hint, _, script = content.decode("utf-8").partition("\n")
    assert hint.startswith("//#") and script == get_plotlyjs()
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("base", ["", "study"])
@pytest.mark.parametrize(("page", "told"), [("/results", True), ("/", False), ("/studies", False)])
def test_a_browser_is_told_of_it_with_the_page_that_draws_first(
    base: str, page: str, told: bool
) -> None:
    app = Starlette(
        routes=[Route(f"/{base}{page}".replace("//", "/"), lambda _: PlainTextResponse(""))],
        middleware=[Middleware(FetchedEarly, base=base)],
    )
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "headers": [], "query_string": b""}
    [route] = app.routes
    run_apart(app({**scope, "path": route.path}, None, send))
    links = [value.decode() for name, value in sent[0]["headers"] if name == b"link"]
    assert links == [f"<{script_address(base)}>; rel=modulepreload"] * told


def test_a_labeller_has_no_use_for_it() -> None:
    assert not _for_labellers(PATH)
