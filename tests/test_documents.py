"""Every document: what it links to is there, and its commands are understood as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from app.__main__ import parser

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = {
    file.name: file.read_text(encoding="utf-8").replace("\\\n", " ")
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
BENCHMARKS = sorted(
    {
        command.strip()
        for text in DOCUMENTS.values()
        for command in re.findall(r"python -m (benchmarks\.(?:(?!-->)[^\n`#])+)", text)
    }
)


def shell_commands() -> list[tuple[str, str]]:
    """A document's name and what follows `python -m app` in its shell examples."""
    return [
        (name, re.split(r" > |\s#", command)[0].strip())
        for name, text in DOCUMENTS.items()
        for block in re.findall(r"^```(?:sh|bash)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        for command in re.findall(r"python -m app (.+)", block)
        if "--help" not in command
    ]


@pytest.mark.parametrize(("document", "command"), shell_commands())
def test_a_command_is_understood(document: str, command: str) -> None:
    assert parser().parse_args(shlex.split(command)).command == command.split()[0]


@pytest.mark.parametrize("command", BENCHMARKS)
def test_a_benchmark_is_there_with_its_options(command: str) -> None:
    module, *words = shlex.split(command)
    source = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    for word in words:
        assert not word.startswith("--") or f'"{word}"' in source


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_is_linked_to_is_there(document: str) -> None:
    folder = ROOT if document == "README.md" else ROOT / "docs"
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", DOCUMENTS[document]):
        path, _, anchor = link.partition("#")
        file = folder / path if path else folder / document
        assert file.exists(), link
        assert not anchor or anchor in anchors(file), link


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_files_that_are_named_are_there(document: str) -> None:
    named = r"`((?:app|engine|labelling|data|tests|benchmarks|docs)/[\w./-]+)`"
    for path in re.findall(named, DOCUMENTS[document]):
        assert (ROOT / path).exists(), path


def anchors(file: Path) -> set[str]:
    """A heading's anchor as GitHub makes it."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
