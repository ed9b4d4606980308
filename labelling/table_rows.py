"""What tables from elsewhere have in common: rows with their lines, and what is wrong with them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

#: No more lines than this are told of at once.
MOST_LINES = 20

#: A line, and what is wrong with it.
Problem = tuple[int, str]


class CsvError(ValueError):
    """A text is not CSV; the message says in which line, and why."""


def csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, the header first, each with the line in which it begins, from 1.

    Lines end where a text editor ends them: not at a carriage return, or U+2028, in a cell. Raises
    CsvError.
    """
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    begins = 1
    try:
        for cells in reader:
            if cells:
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise CsvError(f"line {begins}: {error}") from error


def listed(problems: Iterable[Problem], unit: str = "line") -> str:
    """The problems line by line, in order; `unit` is what lines are called."""
    by_line: dict[int, list[str]] = {}
    for line, problem in problems:
        by_line.setdefault(line, []).append(problem)
    told = [f"- {unit} {line}: {'; '.join(by_line[line])}" for line in sorted(by_line)[:MOST_LINES]]
    left = len(by_line) - len(told)
    return "\n".join([*told, *([f"(and {left} more)"] if left else [])])
