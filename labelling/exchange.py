"""Judgements as a tidy table: out to CSV, Parquet or JSON Lines with a codebook, and in again.

One row a judgement, undone and superseded ones and those of people who withdrew included and
marked, so that the table is the whole log. An import takes a whole table, or nothing.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from sqlite_utils import Database

from data.database import immediate
from data.exchange import import_rows, stored_stimuli
from labelling.answers import Answer
from labelling.options import StudyError

FORMATS = {"csv": "CSV", "parquet": "Parquet", "jsonl": "JSON Lines"}
MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Column:
    """One column: its pandas type, and what stands in it."""

    name: str
    type: str
    meaning: str
    required: bool = True


#: In the order in which they are written. `string` and nullable numbers keep empty cells apart.
COLUMNS = (
    Column("judgement", "Int64", "The judgement's number; later ones are larger."),
    Column("study", "string", "The study's id."),
    Column("study_name", "string", "The study's name, for researchers."),
    Column("labeller", "Int64", "The labeller's number."),
    Column("labeller_name", "string", "What the researcher calls the labeller."),
    Column("item", "Int64", "The item's number."),
    Column(
        "item_kind",
        "string",
        "What the item is for: pair, strength, plane or outside count; gold, false-label and catch "
        "check the labeller; practice comes first.",
    ),
    Column("item_details", "string", "JSON: right answers, a strength, a place; never sent."),
    Column("side", "string", "Which image was asked about: source or perturbed."),
    Column("stimulus", "string", "SHA-256 of that image's PNG file."),
    Column("source_stimulus", "string", "SHA-256 of the item's unperturbed image."),
    Column("perturbed_stimulus", "string", "SHA-256 of its perturbed image; empty: none.", False),
    Column("label", "Int64", "The label asked about, a number from 0."),
    Column("phrase", "string", "The label as in “This is an image of …”."),
    Column("search_term", "string", "What the image search was given."),
    Column(
        "gloss", "string", "What tells the label from one of the same name; empty: none.", False
    ),
    Column(
        "answer",
        "Int64",
        "1 an image of the label, 2 of something else, 3 unclear, 4 nothing meaningful.",
    ),
    Column("repeat", "Int64", "0 counts, 1 practice, 2 a hidden repeat."),
    Column(
        "response_ms", "Float64", "Milliseconds from the image to the press, in the browser.", False
    ),
    Column("hidden_ms", "Float64", "Those of them with the tab hidden.", False),
    Column("searches", "Int64", "How often the image search was opened meanwhile."),
    Column("shown_at", "string", "When the server first sent the task, ISO-8601 UTC.", False),
    Column("answered_at", "string", "When the server had the answer, ISO-8601 UTC."),
    Column("supersedes", "Int64", "The judgement that this one replaces.", False),
    Column("undone", "boolean", "Whether the labeller took it back."),
    Column("withdrawn", "boolean", "Whether the labeller withdrew from the study."),
    Column("stands", "boolean", "Whether it counts: not replaced, undone or withdrawn."),
    Column("comment", "string", "What the labeller wrote about the item last.", False),
)
NAMES = tuple(column.name for column in COLUMNS)

_ROWS = """
SELECT judgements.id AS judgement, labellers.study_id AS study, studies.name AS study_name,
    labellers.id AS labeller, labellers.name AS labeller_name, study_items.id AS item,
    study_items.kind AS item_kind, study_items.details AS item_details, side, stimulus,
    source_stimulus, perturbed_stimulus, judgements.label, phrase, search_term, gloss, answer,
    repeat, response_ms, hidden_ms, searches, shown_at, answered_at, supersedes,
    EXISTS (SELECT 1 FROM retractions WHERE judgement_id = judgements.id) AS undone,
    EXISTS (SELECT 1 FROM labeller_events AS event
        WHERE event.labeller_id = labellers.id AND event.kind = 'withdrew') AS withdrawn,
    EXISTS (SELECT 1 FROM standing_judgements WHERE standing_judgements.id = judgements.id)
        AS stands,
    (SELECT text FROM comments WHERE comments.labeller_id = labellers.id
        AND comments.item_id = study_items.id ORDER BY comments.id DESC LIMIT 1) AS comment
FROM judgements
JOIN labellers ON labellers.id = judgements.labeller_id
JOIN studies ON studies.id = labellers.study_id
JOIN study_items ON study_items.id = judgements.item_id
WHERE labellers.study_id IN (SELECT value FROM json_each(?))
ORDER BY judgements.id
"""


def judgement_table(database: Database, study_ids: Sequence[str]) -> pd.DataFrame:
    """The log of some studies, one row a judgement, columns as in `COLUMNS`."""
    table = pd.read_sql_query(_ROWS, database.conn, params=[json.dumps(list(study_ids))])
    return table.astype({column.name: column.type for column in COLUMNS})


def write_table(table: pd.DataFrame, format: str) -> bytes:
    """The table as a file of one of `FORMATS`; raises StudyError for another."""
    if format == "csv":
        return table.to_csv(index=False, lineterminator="\n").encode("utf-8")
    if format == "parquet":
        file = io.BytesIO()
        table.to_parquet(file, index=False)
        return file.getvalue()
    if format == "jsonl":
        return table.to_json(orient="records", lines=True, force_ascii=False).encode("utf-8")
    raise StudyError(f"There is no format {format!r}: choose one of {', '.join(FORMATS)}.")


def read_table(content: bytes, format: str) -> pd.DataFrame:
    """What `write_table` wrote, every cell text or empty. Raises StudyError."""
    try:
        if format == "csv":
            table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
        elif format == "jsonl":
            table = pd.DataFrame(
                [json.loads(line) for line in content.decode("utf-8").splitlines() if line]
            )
        elif format == "parquet":
            table = pd.read_parquet(io.BytesIO(content))
        else:
            raise StudyError(f"There is no format {format!r}: choose one of {', '.join(FORMATS)}.")
    except (ValueError, OSError, UnicodeDecodeError) as error:
        raise StudyError(f"The file is not {FORMATS[format]}: {error}.") from error
    missing = [name for name in NAMES if name not in table]
    unknown = [name for name in table if name not in NAMES]
    if missing or unknown:
        raise StudyError(
            f"The table lacks {', '.join(missing) or 'nothing'} and has in excess "
            f"{', '.join(map(str, unknown)) or 'nothing'}; its columns must be {', '.join(NAMES)}."
        )
    return table[list(NAMES)].replace({"": None})


def codebook() -> str:
    """What each column holds, as Markdown."""
    lines = [
        "# Codebook",
        "",
        "One row a judgement, the whole log: `stands` marks those that count.",
        "",
        "| column | type | empty | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for column in COLUMNS:
        empty = "never" if column.required else "may be"
        lines.append(f"| `{column.name}` | {column.type} | {empty} | {column.meaning} |")
    return "\n".join(lines) + "\n"


def import_table(
    database: Database, table: pd.DataFrame, *, created_by: str, first_line: int = 2
) -> list[str]:
    """Add the table's studies under new ids, whole or not at all; returns the ids.

    The images must be in this home (a bundle or a backup brings them). Raises StudyError that names
    each line that is wrong; lines are counted from `first_line`, 2 below a CSV file's header.
    """
    problems, rows = _checked(database, table, first_line)
    if problems:
        more = f"\n(and {len(problems) - MOST_PROBLEMS} more)" if problems[MOST_PROBLEMS:] else ""
        listed = "\n".join(f"- {problem}" for problem in problems[:MOST_PROBLEMS])
        raise StudyError(f"Nothing was imported:\n{listed}{more}")
    if not rows:
        raise StudyError("The table has no row.")
    with immediate(database):
        return import_rows(database, rows, created_by=created_by)


def _checked(
    database: Database, table: pd.DataFrame, first_line: int
) -> tuple[list[str], list[dict[str, object]]]:
    """What is wrong, with line numbers, and the rows in their types."""
    stimuli = stored_stimuli(database)
    problems: list[str] = []
    rows: list[dict[str, object]] = []
    earlier: dict[object, tuple[object, ...]] = {}
    for line, cells in enumerate(table.to_dict("records"), start=first_line):
        row: dict[str, object] = {}
        wrong: list[str] = []
        for column in COLUMNS:
            value = cells[column.name]
            empty = value is None or value is pd.NA or value != value
            if empty and column.required:
                wrong.append(f"{column.name} is empty")
            try:
                row[column.name] = None if empty else _CASTS[column.type](value)
            except (TypeError, ValueError):
                wrong.append(f"{column.name} {value!r} is not {_KINDS[column.type]}")
        wrong += wrong or _wrong(row, stimuli, earlier)
        problems += [f"line {line}: {'; '.join(dict.fromkeys(wrong))}"] if wrong else []
        earlier[row.get("judgement")] = _identity(row)
        rows.append(row)
    return problems, rows


def _wrong(
    row: dict[str, object], stimuli: frozenset[str], earlier: dict[object, tuple[object, ...]]
) -> list[str]:
    wrong = []
    if row["answer"] not in set(Answer):
        wrong.append(f"answer {row['answer']} is not 1, 2, 3 or 4")
    if row["side"] not in ("source", "perturbed"):
        wrong.append(f"side {row['side']!r} is not source or perturbed")
    elif row["stimulus"] != row[f"{row['side']}_stimulus"]:
        wrong.append(f"stimulus is not the item's {row['side']} image")
    if row["repeat"] not in (0, 1, 2):
        wrong.append(f"repeat {row['repeat']} is not 0, 1 or 2")
    for name in ("stimulus", "source_stimulus", "perturbed_stimulus"):
        if row[name] is not None and row[name] not in stimuli:
            wrong.append(f"{name} {str(row[name])[:12]}… is not among this home's images")
    for name in ("response_ms", "hidden_ms", "searches", "label"):
        if row[name] is not None and row[name] < 0:
            wrong.append(f"{name} {row[name]} is below 0")
    if row["judgement"] in earlier:
        wrong.append(f"judgement {row['judgement']} is there twice")
    if row["supersedes"] is not None and earlier.get(row["supersedes"]) != _identity(row):
        wrong.append(
            f"supersedes {row['supersedes']}, which is no earlier judgement of the same image by"
            " the same labeller"
        )
    try:
        json.loads(str(row["item_details"]))
    except ValueError:
        wrong.append("item_details is not JSON")
    return wrong


def _identity(row: dict[str, object]) -> tuple[object, ...]:
    """What a judgement and the one that it supersedes have in common."""
    return tuple(
        row.get(name) for name in ("study", "labeller", "side", "stimulus", "label", "repeat")
    )


def _whole(value: object) -> int:
    number = float(value)  # type: ignore[arg-type]
    if not number.is_integer():
        raise ValueError
    return int(number)


def _truth(value: object) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]


def _boolean(value: object) -> bool:
    try:
        return _truth(value)
    except KeyError:
        raise ValueError(value) from None


_CASTS = {"Int64": _whole, "Float64": float, "string": str, "boolean": _boolean}
_KINDS = {
    "Int64": "a whole number",
    "Float64": "a number",
    "string": "text",
    "boolean": "True or False",
}
