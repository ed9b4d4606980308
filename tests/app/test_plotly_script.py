"""Plotly's script is the plotly package's own, kept by browsers, and not for labellers."""

from __future__ import annotations

import gzip

import pytest
from plotly.offline import get_plotlyjs
from starlette.requests import Request

from app.gate import _for_labellers
from app.plotly_script import PATH, script_address, script_route


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
    assert content.decode("utf-8") == get_plotlyjs()
    assert "immutable" in answer.headers["Cache-Control"]


def test_a_labeller_has_no_use_for_it() -> None:
    assert not _for_labellers(PATH)
