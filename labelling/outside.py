"""A study over images made elsewhere: a folder, and a table of pairs and labels.

The table is a CSV file (UTF-8) with a header. Columns:

- `source`: an image file in the folder; required
- `perturbed`: its changed version; empty for a source alone
- `phrase`: the label as in "This is an image of …" ("a seven"); required
- `label`: a number for it; without one, phrases are numbered in the order in which they come
- `search`: what an image search is given; without one, the phrase
- `gloss`: tells labels of one name apart
- `answer`: the right answer (1 to 4) where it is known: a gold item, without a perturbed image
- `condition`: any text, kept for the analysis and never sent to a labeller

Either the whole table is good, or nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlite_utils import Database

from data.home import Home
from data.results import add_stimulus
from data.studies import ItemRow
from labelling.answers import Answer
from labelling.controls import add_controls, known
from labelling.options import StudyError, StudyOptions
from labelling.outside_pictures import read_picture
from labelling.plain_words import found_in
from labelling.studies import NAMELESS, store_study
from labelling.table_rows import CsvError, Problem, csv_rows, listed

REQUIRED = ("source", "phrase")
COLUMNS = (*REQUIRED, "perturbed", "label", "search", "gloss", "answer", "condition")
LONGEST_TEXT = 200
LONGEST_LABEL = 9


@dataclass(frozen=True)
class Row:
    """One line of the table, its files found and its values checked."""

    line: int
    source: Path
    perturbed: Path | None
    label: int
    phrase: str
    search: str
    gloss: str | None
    answer: Answer | None
    condition: str


def read_table(folder: Path, table: Path) -> list[Row]:
    """The table's rows. Raises StudyError that names each line that is wrong, and why."""
    if not folder.is_dir():
        raise StudyError(f"There is no folder {folder}.")
    try:
        text = table.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"The table {table} cannot be read as UTF-8 text: {error}.") from error
    rows: list[Row] = []
    problems: list[Problem] = []
    numbers: dict[str, int] = {}
    try:
        lines = csv_rows(text)
        _, header = next(lines, (1, []))
        _check_columns(table.name, header)
        for line, texts in lines:
            if len(texts) != len(header):
                problems.append((line, "it has another number of cells than the header"))
                continue
            cells = {name: text.strip() for name, text in zip(header, texts, strict=True)}
            wrong = [(line, problem) for problem in _problems(cells, folder)]
            problems += wrong
            if not wrong:
                rows.append(_row(cells, line, folder, numbers))
    except CsvError as error:
        raise StudyError(f"The table {table.name} is not CSV: {error}.") from error
    problems += _unlike(rows)
    if problems:
        raise StudyError(f"Nothing was stored; the table {table.name} has:\n{listed(problems)}")
    if not any(row.answer is None for row in rows):
        raise StudyError(f"The table {table.name} has no row to judge.")
    return rows


def _check_columns(table: str, given: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in given]
    unknown = [name for name in given if name not in COLUMNS]
    if missing or unknown or len(set(given)) < len(given):
        raise StudyError(
            f"The table {table} has columns {', '.join(given) or '(none)'}; it needs "
            f"{' and '.join(REQUIRED)}, and may have {', '.join(COLUMNS[len(REQUIRED) :])}, each"
            " once."
        )


def create_outside_study(
    database: Database,
    home: Home,
    rows: Sequence[Row],
    name: str,
    *,
    options: StudyOptions,
    created_by: str,
) -> str:
    """Store the images, and a study of them judged by the same protocol; returns its id.

    Images are kept as lossless PNG, 8 bits a channel, grey or RGB. Raises StudyError, also where
    the options leave rows with an answer without a use, and where they ask for what only a search's
    own pictures can have.
    """
    known_answers = [row for row in rows if row.answer is not None]
    if len(known_answers) > options.practice_items and not options.gold_share:
        idle = ", ".join(str(row.line) for row in known_answers[options.practice_items :][:10])
        raise StudyError(
            f"No option uses the answers in line {idle}: set gold_share, the share of such items"
            f" among all, or practice_items to {len(known_answers)}, or leave the rows out."
        )
    if options.strength_items:
        raise StudyError(
            "Images made elsewhere cannot be shown at randomised strengths: leave strength_items 0."
        )
    texts = {row.label: row for row in rows}
    stored: dict[Path, str] = {}

    def store(file: Path) -> str:
        if file not in stored:
            stored[file] = add_stimulus(database, home, read_picture(file))
        return stored[file]

    def relabel(item: ItemRow, label: int) -> ItemRow:
        row = texts[label]
        return replace(
            item, label=label, phrase=row.phrase, search_term=row.search, gloss=row.gloss
        )

    def item(row: Row, stimulus: Callable[[Path], str]) -> ItemRow:
        return ItemRow(
            source_stimulus=stimulus(row.source),
            perturbed_stimulus=stimulus(row.perturbed) if row.perturbed else None,
            label=row.label,
            phrase=row.phrase,
            search_term=row.search,
            gloss=row.gloss,
            kind="outside",
            details={"condition": row.condition, "files": _names(row)}
            | (known(source=row.answer) if row.answer else {}),
        )

    def items(stimulus: Callable[[Path], str]) -> tuple[list[ItemRow], list[ItemRow]]:
        content = [item(row, stimulus) for row in rows if row.answer is None]
        return content, [item(row, stimulus) for row in known_answers]

    if not name.strip():
        raise StudyError(NAMELESS)
    # Whatever the options ask for in vain is found before an image is stored.
    add_controls(*items(str), options, relabel=relabel, seed=0)
    content, gold = items(store)
    return store_study(
        database,
        content,
        name,
        options=options,
        gold=gold,
        relabel=relabel,
        created_by=created_by,
    )


def _row(cells: Mapping[str, str], line: int, folder: Path, numbers: dict[str, int]) -> Row:
    """The row of cells that were checked; `numbers` are the phrases' that have no label."""
    phrase = cells["phrase"]
    label = cells.get("label") or numbers.setdefault(phrase, len(numbers))
    return Row(
        line=line,
        source=folder / cells["source"],
        perturbed=folder / cells["perturbed"] if cells.get("perturbed") else None,
        label=int(label),
        phrase=phrase,
        search=cells.get("search") or phrase,
        gloss=cells.get("gloss") or None,
        answer=Answer(int(cells["answer"])) if cells.get("answer") else None,
        condition=cells.get("condition", ""),
    )


def _unlike(rows: Sequence[Row]) -> Iterator[Problem]:
    """What rows disagree about, and what is asked twice."""
    phrases: dict[int, Row] = {}
    questions: dict[tuple[Path, Path | None, int, bool], Row] = {}
    for row in rows:
        first = phrases.setdefault(row.label, row)
        if first.phrase != row.phrase:
            yield (
                row.line,
                f"label {row.label} is {row.phrase!r} here, and {first.phrase!r} in line"
                f" {first.line}",
            )
        key = (row.source, row.perturbed, row.label, row.answer is None)
        first = questions.setdefault(key, row)
        if first is not row:
            yield row.line, f"it asks what line {first.line} asks"


def _problems(cells: Mapping[str, str], folder: Path) -> Iterator[str]:
    for name in REQUIRED:
        if not cells[name]:
            yield f"{name} is empty"
    sizes: dict[str, tuple[int, int]] = {}
    for name in ("source", "perturbed"):
        file = cells.get(name)
        if not file:
            continue
        try:
            path = (folder / file).resolve()
            is_there = path.is_file()
        except (OSError, ValueError):  # no file can be called so
            yield f"{name} {file[:LONGEST_TEXT]!r} is not in the folder"
            continue
        if not path.is_relative_to(folder.resolve()):
            yield f"{name} {file!r} is outside the folder"
        elif not is_there:
            yield f"{name} {file!r} is not in the folder"
        else:
            try:
                height, width, _ = read_picture(path).shape
                sizes[name] = (width, height)
            except StudyError as error:
                yield str(error).rstrip(".")
    if len(set(sizes.values())) > 1:
        source, perturbed = (f"{width} × {height}" for width, height in sizes.values())
        yield f"source is {source} pixels and perturbed {perturbed}: a pair has one size"
    label = cells.get("label")
    if label and not (label.isdecimal() and len(label) <= LONGEST_LABEL):
        yield f"label {label!r} is not a whole number from 0 of at most {LONGEST_LABEL} digits"
    if cells.get("answer") and cells["answer"] not in {"1", "2", "3", "4"}:
        yield f"answer {cells['answer']!r} is not 1, 2, 3 or 4"
    if cells.get("answer") and cells.get("perturbed"):
        yield "a row with an answer has no perturbed image"
    for name in ("phrase", "search", "gloss", "condition"):
        found = found_in(cells.get(name, ""))
        if found is not None:
            yield f"{name} holds what reads as {found.kind} ({found.characters})"
        if len(cells.get(name, "")) > LONGEST_TEXT:
            yield f"{name} has more than {LONGEST_TEXT} characters"


def _names(row: Row) -> list[str]:
    return [file.name for file in (row.source, row.perturbed) if file]
