"""Judgements in from a file that `labelling.exchange` describes: checked row by row, all or none.

What is wrong is said with its line: where a row begins in the file, counted from 1, the header and
blank lines included, as a text editor counts. Cells may hold line ends of their own. Parquet has no
lines: there rows are counted, from 1.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlite_utils import Database

from data.database import immediate
from data.exchange import import_rows, stored_stimuli
from labelling.cells import Cell, CellError
from labelling.exchange import COLUMNS, FORMATS, NAMES
from labelling.imported_log import inconsistent
from labelling.options import StudyError
from labelling.table_rows import CsvError, Problem, csv_rows, listed

#: Tables of before these columns lack them.
MAY_LACK = frozenset({"study_options", "purpose"})

#: What a damaged file is met with: of Parquet, pandas reads its own notes inside, too.
_UNREADABLE = (ValueError, OSError, TypeError, KeyError, NotImplementedError)


@dataclass(frozen=True)
class Table:
    """A file as it was read: where each row begins, and its cells, which nobody has checked.

    `unit`: what rows are counted in, "line" or "row".
    """

    rows: list[tuple[int, Mapping[str, object]]]
    unit: str


def import_file(database: Database, content: bytes, format: str, *, created_by: str) -> list[str]:
    """Add the file's studies, closed and under new ids, whole or not at all; returns the ids.

    The images must be in this home (a bundle or a backup brings them). Raises StudyError that names
    each line that is wrong, and why.
    """
    table = _read(content, format)
    stimuli = stored_stimuli(database)
    rows: list[tuple[int, dict[str, Any]]] = []
    problems: list[Problem] = []
    for line, cells in table.rows:
        row, wrong = _row(cells, stimuli)
        rows.append((line, row))
        problems += [(line, problem) for problem in wrong]
    # What one row says of another means something only where both are sound.
    problems = problems or list(inconsistent(rows, table.unit))
    if problems:
        raise StudyError(f"Nothing was imported:\n{listed(problems, table.unit)}")
    if not rows:
        raise StudyError("The table has no row.")
    ordered = sorted((row for _, row in rows), key=lambda row: row["judgement"])
    with immediate(database):
        return import_rows(database, ordered, created_by=created_by)


def _read(content: bytes, format: str) -> Table:
    if format not in FORMATS:
        raise StudyError(f"There is no format {format!r}: choose one of {', '.join(FORMATS)}.")
    try:
        if format == "parquet":
            frame = pd.read_parquet(io.BytesIO(content))
        else:
            text = content.decode("utf-8-sig")
    except _UNREADABLE as error:
        raise StudyError(f"The file is not {FORMATS[format]}: {error}.") from error
    if format == "parquet":
        _check_columns([str(name) for name in frame])
        return Table(list(enumerate(frame.to_dict("records"), start=1)), "row")
    return Table(list(_csv_rows(text) if format == "csv" else _json_rows(text)), "line")


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        rows = csv_rows(text)
        _, header = next(rows, (1, []))
        if not header:
            raise StudyError("The table has no row.")
        _check_columns(header)
        for line, cells in rows:
            if len(cells) != len(header):
                raise StudyError(
                    f"line {line} has {len(cells)} cells, and the header {len(header)}."
                )
            yield line, dict(zip(header, cells, strict=True))
    except CsvError as error:
        raise StudyError(f"The file is not CSV: {error}.") from error


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    # str.splitlines() would also split at characters such as U+2028, which a comment may have.
    for line, written in enumerate(text.split("\n"), start=1):
        if not written.strip():
            continue
        try:
            cells = json.loads(written)
        except (ValueError, RecursionError) as error:
            raise StudyError(f"The file is not JSON Lines: line {line}: {error}.") from error
        if not isinstance(cells, dict):
            raise StudyError(f"The file is not JSON Lines: line {line} is no object {{…}}.")
        _check_columns(list(cells), f"line {line}")
        yield line, cells


def _check_columns(given: list[str], what: str = "The table") -> None:
    missing = [name for name in NAMES if name not in given and name not in MAY_LACK]
    unknown = [name for name in given if name not in NAMES]
    twice = sorted({name for name in given if given.count(name) > 1})
    if missing or unknown or twice:
        raise StudyError(
            f"{what} lacks {', '.join(missing) or 'nothing'} and has in excess "
            f"{', '.join(unknown + twice) or 'nothing'}; its columns must be {', '.join(NAMES)}."
        )


def _row(cells: Mapping[str, object], stimuli: frozenset[str]) -> tuple[dict[str, Any], list[str]]:
    """The row's values, and what is wrong with them by themselves."""
    row: dict[str, Any] = {}
    wrong: list[str] = []
    for column in COLUMNS:
        cell = Cell(column.name, column.type, cells.get(column.name))
        if cell.empty and column.required:
            wrong.append(f"{column.name} is empty")
        try:
            row[column.name] = None if cell.empty else cell.value()
        except CellError as error:
            wrong.append(str(error))
    if not wrong:
        wrong += _images_wrong(row, stimuli)
    return row, wrong


def _images_wrong(row: Mapping[str, Any], stimuli: frozenset[str]) -> Iterator[str]:
    if row["stimulus"] != row[f"{row['side']}_stimulus"]:
        yield f"stimulus is not the item's {row['side']} image"
    for name in ("stimulus", "source_stimulus", "perturbed_stimulus"):
        if row[name] is not None and row[name] not in stimuli:
            yield f"{name} {row[name][:12]}… is not among this home's images"
