"""Who counts as sitting at this computer."""

from __future__ import annotations

import pytest

from app.access import from_this_computer

HERE = ("127.0.0.1", 50_000)


@pytest.mark.parametrize(
    ("host", "origin", "local"),
    [
        ("localhost:8501", "http://localhost:8501", True),
        ("127.0.0.1:8501", "http://127.0.0.1:8501", True),
        ("[::1]:8501", "http://[::1]:8501", True),
        ("LOCALHOST", "http://localhost", True),
        ("127.0.0.1:8501", None, True),
        ("plainview.example.org", "https://plainview.example.org", False),
        ("plainview.example.org", None, False),
        ("192.168.1.20:8501", "http://192.168.1.20:8501", False),
        ("", None, False),
        ("[::1", None, False),
        # A proxy that replaces Host; another site, or another program here, in the same browser.
        ("127.0.0.1:8501", "https://plainview.example.org", False),
        ("localhost:8501", "http://localhost:3000", False),
        ("localhost:8501", "null", False),
        ("localhost.example.org", "http://localhost.example.org", False),
        ("127.0.0.1.example.org:8501", "http://127.0.0.1.example.org:8501", False),
    ],
)
def test_only_loopback_names_are_local(host: str, origin: str | None, local: bool) -> None:
    headers = {"Host": host} | ({"Origin": origin} if origin is not None else {})
    assert from_this_computer(HERE, headers) is local


@pytest.mark.parametrize(
    "client", [None, ("192.168.1.20", 5000), ("2001:db8::1", 5000), ("unknown", 5000)]
)
def test_whoever_claims_a_loopback_name_from_elsewhere_is_not_local(client) -> None:
    assert not from_this_computer(client, {"Host": "localhost:8501"})
    assert from_this_computer(("::1", 5000), {"Host": "localhost:8501"})


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP"])
def test_what_a_proxy_passes_on_is_not_local(header: str) -> None:
    assert not from_this_computer(HERE, {"Host": "localhost:8501", header: "127.0.0.1"})
