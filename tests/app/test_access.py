"""Who counts as sitting at this computer."""

from __future__ import annotations

import pytest

from app.access import from_this_computer


@pytest.mark.parametrize(
    ("host", "origin", "local"),
    [
        ("localhost:8501", "http://localhost:8501", True),
        ("127.0.0.1:8501", "http://127.0.0.1:8501", True),
        ("[::1]:8501", "http://[::1]:8501", True),
        ("LOCALHOST", "http://localhost", True),
        ("plainview.example.org", "https://plainview.example.org", False),
        ("192.168.1.20:8501", "http://192.168.1.20:8501", False),
        # A proxy that replaces Host; another site that a browser at this computer has open.
        ("127.0.0.1:8501", "https://plainview.example.org", False),
        ("localhost.example.org", "http://localhost.example.org", False),
        ("127.0.0.1.example.org:8501", "http://127.0.0.1.example.org:8501", False),
    ],
)
def test_only_loopback_names_are_local(host: str, origin: str, local: bool) -> None:
    assert from_this_computer({"Host": host, "Origin": origin}) is local


def test_an_opaque_origin_and_missing_headers_leave_it_to_the_other() -> None:
    assert from_this_computer({})
    assert from_this_computer({"Host": "localhost:8501", "Origin": "null"})
    assert not from_this_computer({"Host": "plainview.example.org", "Origin": "null"})
