"""Imports go downwards (app → labelling → data, app → engine), and to pinned packages only."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = frozenset({"app", "labelling", "engine", "data"})
SQLITE = frozenset({"sqlite3", "sqlite_utils"})

#: Folder → the packages that no file below it may import. A folder inside another obeys both.
FORBIDDEN: dict[str, frozenset[str]] = {
    "engine": OURS - {"engine"} | SQLITE | {"streamlit"},
    "data": OURS - {"data"} | {"streamlit", "torch"},
    "labelling": OURS - {"labelling", "data"} | {"streamlit", "torch"},
    "app/runner": frozenset({"streamlit"}),
    "app/charts": SQLITE | {"streamlit", "data", "torch"},
}


def imported_packages(source: str) -> Iterator[tuple[int, str]]:
    """(line, top-level package) of every import in `source`, those inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module.partition(".")[0]


def offences(folder: Path, forbidden: frozenset[str]) -> list[str]:
    """ "file:line imports package" for every forbidden import below `folder`."""
    return [
        f"{file.relative_to(folder.parent)}:{line} imports {package}"
        for file in sorted(folder.rglob("*.py"))
        for line, package in imported_packages(file.read_text(encoding="utf-8"))
        if package in forbidden
    ]


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_each_package_imports_only_what_lies_below_it(folder: str) -> None:
    assert list((ROOT / folder).rglob("*.py")), f"{folder} holds no Python file; is it misspelt?"
    assert offences(ROOT / folder, FORBIDDEN[folder]) == []


@pytest.mark.parametrize(
    ("source", "package"),
    [
        ("import streamlit as st", "streamlit"),
        ("import json, streamlit.components.v2", "streamlit"),
        ("from data.database import open_database", "data"),
        ("def late():\n    from sqlite_utils import Database", "sqlite_utils"),
        ("if True:\n    import app.access", "app"),
    ],
)
def test_the_checker_catches_an_offender(tmp_path: Path, source: str, package: str) -> None:
    folder = tmp_path / "engine"
    (folder / "search").mkdir(parents=True)
    (folder / "search" / "run.py").write_text(source)
    line = source.count("\n") + 1
    assert offences(folder, FORBIDDEN["engine"]) == [
        f"engine/search/run.py:{line} imports {package}"
    ]


def test_the_checker_lets_downward_and_relative_imports_pass(tmp_path: Path) -> None:
    folder = tmp_path / "labelling"
    folder.mkdir()
    (folder / "queue.py").write_text(
        "import data.studies\nfrom data import jobs\nfrom . import app\nfrom .engine import x\n"
    )
    assert offences(folder, FORBIDDEN["labelling"]) == []


def test_every_package_that_is_imported_is_pinned() -> None:
    """What happens to be installed here is missing on a fresh machine."""
    pinned = {
        line.partition("==")[0].lower()
        for file in ("requirements.txt", "requirements-cluster.txt")
        for line in (ROOT / file).read_text().splitlines()
        if "==" in line
    }
    # An extra that is not installed is looked for under its import name.
    distributions = packages_distributions()
    known = OURS | {"benchmarks", "tests", "streamlit_app"} | sys.stdlib_module_names
    folders = [ROOT / folder for folder in ("benchmarks", "tests", *OURS)]
    unpinned = {
        f"{file.relative_to(ROOT)} imports {package}"
        for file in [ROOT / "streamlit_app.py", *(f for d in folders for f in d.rglob("*.py"))]
        for _, package in imported_packages(file.read_text(encoding="utf-8"))
        if package not in known
        and pinned.isdisjoint(name.lower() for name in distributions.get(package, [package]))
    }
    assert unpinned == set()
