"""Rows of transfers: what other classifiers answer on the pictures that fooled one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from data.database import as_json, immediate
from data.stamps import now


@dataclass(frozen=True)
class Pair:
    """A found result's 8-bit pictures, by the SHA-256 of their PNG."""

    result_id: int
    source: str
    perturbed: str


@dataclass(frozen=True)
class TransferRow:
    """One classifier's answers (labels) to the pictures of a result found against another."""

    result_id: int
    classifier: str
    classifier_checksum: str
    source_answer: int
    answer: int


def untested_pairs(database: Database, experiment_id: str, classifier: str) -> list[Pair]:
    """Found results of searches against other classifiers that this one has not been asked."""
    rows = database.execute(_UNTESTED, {"experiment": experiment_id, "classifier": classifier})
    return [Pair(*row) for row in rows]


def untested_count(database: Database, experiment_id: str, classifiers: Sequence[str]) -> int:
    """How many answers are missing, of all these classifiers together."""
    (count,) = database.execute(
        f"SELECT count(*) FROM json_each(:classifiers) AS asked JOIN ({_FOUND})"
        " ON NOT EXISTS (SELECT 1 FROM transfers WHERE transfers.result_id = found_id"
        "     AND transfers.classifier = asked.value)"
        " AND searched <> asked.value",
        {"experiment": experiment_id, "classifiers": as_json(list(classifiers))},
    ).fetchone()
    return count


def add_transfers(database: Database, rows: Iterable[TransferRow]) -> None:
    """Stores answers in one transaction; one that is there already is left alone."""
    at = now()
    values = [
        (one.result_id, one.classifier, one.classifier_checksum, one.source_answer, one.answer, at)
        for one in rows
    ]
    with immediate(database):
        database.conn.executemany(
            "INSERT OR IGNORE INTO transfers (result_id, classifier, classifier_checksum,"
            " source_answer, answer, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            values,
        )


def forget_transfers(database: Database, experiment_id: str, classifier: str, keep: str) -> None:
    """Deletes the answers of a classifier of this name with other weights than those to `keep`."""
    with immediate(database):
        database.execute(
            "DELETE FROM transfers WHERE classifier = ? AND classifier_checksum <> ?"
            " AND result_id IN (SELECT results.id FROM results JOIN conditions"
            "     ON conditions.id = results.condition_id WHERE experiment_id = ?)",
            [classifier, keep, experiment_id],
        )


def transfers(database: Database, experiment_id: str) -> list[tuple[int, int, str, int, int]]:
    """(condition id, trial index, classifier, its answer to the source, to the perturbed one)."""
    return database.execute(
        "SELECT condition_id, trial_index, transfers.classifier, source_answer, answer"
        " FROM conditions JOIN results ON results.condition_id = conditions.id"
        " JOIN transfers ON transfers.result_id = results.id"
        " WHERE experiment_id = ? ORDER BY condition_id, trial_index",
        [experiment_id],
    ).fetchall()


def transfers_of(database: Database, result_ids: Sequence[int]) -> list[TransferRow]:
    """The answers about these results' pictures, classifier by classifier."""
    rows = database.execute(
        "SELECT result_id, classifier, classifier_checksum, source_answer, answer FROM transfers"
        " WHERE result_id IN (SELECT value FROM json_each(?)) ORDER BY classifier, result_id",
        [as_json(list(result_ids))],
    )
    return [TransferRow(*row) for row in rows]


def transfer_count(database: Database, experiment_id: str) -> int:
    """How many answers are stored."""
    (count,) = database.execute(
        "SELECT count(*) FROM conditions JOIN results ON results.condition_id = conditions.id"
        " JOIN transfers ON transfers.result_id = results.id WHERE experiment_id = ?",
        [experiment_id],
    ).fetchone()
    return count


_FOUND = """
    SELECT results.id AS found_id, conditions.classifier AS searched,
        sources.stimulus AS source, results.stimulus AS perturbed
    FROM conditions JOIN results ON results.condition_id = conditions.id
    JOIN sources ON sources.id = results.source_id
    WHERE experiment_id = :experiment AND role = 'search' AND outcome = 'found'
"""
_UNTESTED = f"""
SELECT found_id, source, perturbed FROM ({_FOUND})
WHERE searched <> :classifier AND NOT EXISTS (
    SELECT 1 FROM transfers WHERE result_id = found_id AND classifier = :classifier
)
ORDER BY found_id
"""
