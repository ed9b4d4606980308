"""Judgements as a tidy table: its columns, and out to CSV, Parquet or JSON Lines with a codebook.

One row a judgement, undone and superseded ones and those of people who withdrew included and
marked, so that the table is the whole log. `labelling.importing` takes it in again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from sqlite_utils import Database

from labelling.options import StudyError

FORMATS = {"csv": "CSV", "parquet": "Parquet", "jsonl": "JSON Lines"}


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
    Column(
        "study_options",
        "string",
        "JSON: what the study was told when it was made, its exclusion rules and its judging rule "
        "among it; without the texts that labellers read. Empty or no such column: the defaults.",
        False,
    ),
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
    Column(
        "purpose",
        "string",
        "What the labeller, asked at the end, thinks that the study was for; empty or no such "
        "column: nothing was said.",
        False,
    ),
)
NAMES = tuple(column.name for column in COLUMNS)

_ROWS = """
SELECT judgements.id AS judgement, labellers.study_id AS study, studies.name AS study_name,
    json_remove(studies.options, '$.information', '$.instructions', '$.debrief')
        AS study_options,
    labellers.id AS labeller, labellers.name AS labeller_name, study_items.id AS item,
    study_items.kind AS item_kind, study_items.details AS item_details, side, stimulus,
    source_stimulus, perturbed_stimulus, judgements.label, phrase, search_term, gloss, answer,
    repeat, response_ms, hidden_ms, searches, shown_at, answered_at, supersedes,
    EXISTS (SELECT 1 FROM retractions WHERE judgement_id = judgements.id) AS undone,
    EXISTS (SELECT 1 FROM labeller_events AS event
        WHERE event.labeller_id = labellers.id AND event.kind = 'withdrew') AS withdrawn,
    EXISTS (SELECT 1 FROM standing_judgements WHERE standing_judgements.id = judgements.id)
        AS stands,
    (SELECT nullif(text, '') FROM comments WHERE comments.labeller_id = labellers.id
        AND comments.item_id = study_items.id ORDER BY comments.id DESC LIMIT 1) AS comment,
    (SELECT nullif(text, '') FROM labeller_events AS said WHERE said.labeller_id = labellers.id
        AND said.kind = 'purpose') AS purpose
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
        # A carriage return in a cell is quoted only where it ends lines, too (RFC 4180).
        return table.to_csv(index=False, lineterminator="\r\n").encode("utf-8")
    if format == "parquet":
        file = io.BytesIO()
        table.to_parquet(file, index=False)
        return file.getvalue()
    if format == "jsonl":
        return table.to_json(orient="records", lines=True, force_ascii=False).encode("utf-8")
    raise StudyError(f"There is no format {format!r}: choose one of {', '.join(FORMATS)}.")


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
