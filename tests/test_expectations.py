"""An `expect(…)` of Playwright's that nothing is asked of asserts nothing: there is none."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent


def bare(code: str) -> Iterator[int]:
    """The lines of the code whose whole statement is a call of `expect`."""
    for node in ast.walk(ast.parse(code)):
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and getattr(call.func, "id", None) == "expect":
            yield node.lineno


def test_every_expectation_says_what_is_expected() -> None:
    found = [
        f"{file.relative_to(TESTS)}:{line}"
        for file in sorted(TESTS.rglob("*.py"))
        for line in bare(file.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_one_that_does_not_is_found() -> None:
    assert list(bare("expect(page.locator('a'))\nexpect(page).to_have_url('b')")) == [1]
