"""A benchmark's figures: as JSON in docs/benchmarks, and as the table of a document."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch

FOLDER = Path(__file__).parents[1] / "docs" / "benchmarks"

Row = TypeVar("Row")


def write_rows(file: Path, rows: Sequence[Any], machine: Mapping[str, Any] | None = None) -> None:
    """Dataclasses, with the command that made them and what is known of the machine."""
    processor = platform.processor() or platform.machine()
    known = {"processor": processor, "torch": torch.__version__, **(machine or {})}
    record = {"command": " ".join(sys.argv), "machine": known}
    record |= {"rows": [asdict(row) for row in rows]}
    file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def read_rows(file: Path, kind: type[Row]) -> list[Row]:
    """What `write_rows` wrote."""
    return [kind(**row) for row in json.loads(file.read_text(encoding="utf-8"))["rows"]]


def markdown(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table whose cells are already as they shall be read."""
    lines = [line(headings), f"|{'---|' * len(headings)}"]
    return "\n".join([*lines, *map(line, rows)])


def line(cells: Sequence[object]) -> str:
    """One row of it."""
    return f"| {' | '.join(map(str, cells))} |"
