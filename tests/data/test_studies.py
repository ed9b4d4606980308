"""Studies and invitations; judgements are recorded once, and never change."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from data.database import DatabaseError, open_database
from data.home import Home
from data.judgements import add_judgement, judgements
from data.labellers import add_labeller, labeller_of, labellers, revoke_labeller
from data.studies import ItemRow, add_items, close_study, items, studies, study
from tests.data.rows import a_study


def judge(database: Database, labeller_id: int, item_id: int, **changes: Any) -> bool:
    """Judges the source of an item to show its label."""
    values = {"labeller_id": labeller_id, "item_id": item_id, "side": "source", "answer": 1}
    return add_judgement(database, **values | changes)


def test_a_study_comes_back(database: Database, home: Home) -> None:
    study_id, _, _ = a_study(database, home)
    stored = study(database, study_id)
    assert (stored.name, stored.options, stored.created_by) == ("digits", {}, "ada")
    (experiment_id,) = stored.experiment_ids
    assert database["experiments"].get(experiment_id)["name"] == "first and last"
    assert studies(database) == [stored]
    assert study(database, "nowhere") is None
    close_study(database, study_id)
    assert study(database, study_id).closed_at is not None
    close_study(database, study_id, closed=False)
    assert study(database, study_id) == stored


@pytest.mark.parametrize("perturbed", [True, False], ids=["a pair", "a source alone"])
def test_a_question_stands_in_a_study_once(database: Database, home: Home, perturbed: bool) -> None:
    study_id, _, _ = a_study(database, home, pairs=2)
    first, second = items(database, study_id)
    row = ItemRow(**{name: getattr(first, name) for name in asdict_names(ItemRow)})
    row = replace(row, label=4)
    if not perturbed:
        row = replace(row, perturbed_stimulus=None)
    assert add_items(database, study_id, [row, row]) == 1
    assert add_items(database, study_id, [row, replace(row, kind="gold")]) == 1
    assert [item.position for item in items(database, study_id)] == [0, 1, 2, 3]
    third = items(database, study_id)[2]
    assert {name: getattr(third, name) for name in asdict(row)} == asdict(row)
    assert second.kind == "pair" and second.gloss is None


def asdict_names(row_type: type) -> list[str]:
    """The names of a row type's fields."""
    return list(row_type.__dataclass_fields__)


def test_an_invitation_opens_its_study_and_only_its_hash_is_kept(
    home: Home, database: Database
) -> None:
    study_id, _, _ = a_study(database, home)
    token = add_labeller(database, study_id, "Grace")
    grace = labeller_of(database, token)
    assert (grace.study_id, grace.name) == (study_id, "Grace")
    assert 0 <= grace.order_seed < 2**53
    assert [person.name for person in labellers(database, study_id)][-1] == "Grace"
    database.close()
    stored = b"".join(path.read_bytes() for path in home.root.glob("plainview.sqlite*"))
    assert b"Grace" in stored and token.encode() not in stored


def test_a_forged_revoked_or_expired_invitation_is_nobodys(database: Database, home: Home) -> None:
    study_id, _, _ = a_study(database, home)
    hour = timedelta(hours=1)
    valid = add_labeller(database, study_id, "a", expires_at=datetime.now(UTC) + hour)
    expired = add_labeller(database, study_id, "b", expires_at=datetime.now(UTC) - hour)
    revoked = add_labeller(database, study_id, "c")
    revoke_labeller(database, labeller_of(database, revoked).id)
    assert labeller_of(database, valid).name == "a"
    for token in (expired, revoked, valid[:-1], "", "' OR 1 = 1 --"):
        assert labeller_of(database, token) is None
    people = labellers(database, study_id)
    assert {one.name: one.link for one in people[1:]} == {
        "a": "valid",
        "b": "expired",
        "c": "revoked",
    }
    assert len({person.order_seed for person in people}) == 4


def test_a_judgement_comes_back(database: Database, home: Home) -> None:
    study_id, labeller_id, [item_id] = a_study(database, home)
    shown, answered = "2026-05-01T10:00:00.000000Z", "2026-05-01T10:00:01.250000Z"
    assert judge(
        database,
        labeller_id,
        item_id,
        side="perturbed",
        answer=3,
        response_ms=1249.5,
        shown_at=shown,
        answered_at=answered,
    )
    (stored,) = judgements(database, study_id=study_id)
    (item,) = items(database, study_id)
    assert (stored.stimulus, stored.label) == (item.perturbed_stimulus, item.label)
    assert (stored.side, stored.answer, stored.response_ms) == ("perturbed", 3, 1249.5)
    assert (stored.shown_at, stored.answered_at) == (shown, answered)
    assert (stored.repeat, stored.supersedes) == (0, None)


def test_a_doubled_judgement_is_recorded_once_and_the_first_stands(
    database: Database, home: Home
) -> None:
    _, labeller_id, [item_id] = a_study(database, home)
    assert judge(database, labeller_id, item_id, answer=1)
    assert not judge(database, labeller_id, item_id, answer=1)
    assert not judge(database, labeller_id, item_id, answer=2)
    assert judge(database, labeller_id, item_id, side="perturbed", answer=2)
    assert judge(database, labeller_id, item_id, answer=4, repeat=1)
    assert [row.answer for row in judgements(database)] == [1, 2, 4]


def test_a_source_in_two_items_is_judged_once(database: Database, home: Home) -> None:
    study_id, labeller_id, [item_id] = a_study(database, home)
    (first,) = items(database, study_id)
    row = ItemRow(**{name: getattr(first, name) for name in asdict_names(ItemRow)})
    add_items(database, study_id, [replace(row, perturbed_stimulus=first.source_stimulus)])
    other = items(database, study_id)[1].id
    assert judge(database, labeller_id, item_id)
    assert not judge(database, labeller_id, other, answer=2)
    assert judge(database, labeller_id, other, side="perturbed")


def test_eight_browsers_that_send_the_same_judgements_record_each_once(
    home: Home, database: Database
) -> None:
    _, labeller_id, item_ids = a_study(database, home, pairs=20)

    def browser(_: int) -> list[int]:
        own = open_database(home, durable=True)
        return [item_id for item_id in item_ids if judge(own, labeller_id, item_id)]

    with ThreadPoolExecutor(8) as browsers:
        acknowledged = [item_id for ids in browsers.map(browser, range(8)) for item_id in ids]
    assert sorted(acknowledged) == item_ids
    assert [row.item_id for row in judgements(database)] == item_ids


def test_a_judgement_is_superseded_once_by_its_like(database: Database, home: Home) -> None:
    study_id, labeller_id, [item_id, other] = a_study(database, home, pairs=2)
    judge(database, labeller_id, item_id, answer=1)
    (first,) = judgements(database)
    assert judge(database, labeller_id, item_id, answer=2, supersedes=first.id)
    assert not judge(database, labeller_id, item_id, answer=3, supersedes=first.id)
    (standing,) = judgements(database, labeller_id=labeller_id)
    assert (standing.answer, standing.supersedes) == (2, first.id)
    assert not judge(database, labeller_id, item_id, answer=4), "the question stays answered"
    assert [row.answer for row in judgements(database, superseded=True)] == [1, 2]
    for unlike in ({"item_id": other}, {"side": "perturbed"}, {"repeat": 1}):
        with pytest.raises(sqlite3.IntegrityError, match="supersedes one by the same labeller"):
            judge(database, labeller_id, **{"item_id": item_id, "supersedes": 2} | unlike)
    assert judgements(database, study_id=study_id) == [standing]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE judgements SET answer = 2",
        "UPDATE judgements SET response_ms = NULL WHERE id = 1",
        "DELETE FROM judgements",
        "DELETE FROM judgements WHERE id = 1",
        "INSERT OR REPLACE INTO judgements SELECT * FROM judgements",
        "DELETE FROM labellers",
        "DELETE FROM study_items",
        "DELETE FROM studies",
        "DELETE FROM experiments",
        "DELETE FROM stimuli",
    ],
)
def test_what_was_judged_is_never_changed_nor_deleted(
    database: Database, home: Home, statement: str
) -> None:
    _, labeller_id, [item_id] = a_study(database, home)
    judge(database, labeller_id, item_id)
    before = judgements(database)
    with pytest.raises(sqlite3.IntegrityError):
        database.execute(statement)
    assert judgements(database) == before


@pytest.mark.parametrize(
    "broken",
    [{"answer": 0}, {"answer": 5}, {"side": "left"}, {"repeat": -1}, {"response_ms": -1.0}],
    ids=str,
)
def test_an_impossible_judgement_is_refused(
    database: Database, home: Home, broken: dict[str, Any]
) -> None:
    _, labeller_id, [item_id] = a_study(database, home)
    with pytest.raises(sqlite3.IntegrityError):
        judge(database, labeller_id, item_id, **broken)
    assert judgements(database) == []


def test_a_labeller_judges_only_the_images_of_the_own_study(database: Database, home: Home) -> None:
    study_id, labeller_id, [item_id] = a_study(database, home)
    _, _, [foreign] = a_study(database, home)
    with pytest.raises(sqlite3.IntegrityError, match="an item of the labeller's own study"):
        judge(database, labeller_id, foreign)
    with pytest.raises(DatabaseError, match="no item 999"):
        judge(database, labeller_id, 999)

    (item,) = items(database, study_id)
    row = ItemRow(**{name: getattr(item, name) for name in asdict_names(ItemRow)})
    add_items(database, study_id, [replace(row, perturbed_stimulus=None)])
    alone = items(database, study_id)[1].id
    with pytest.raises(sqlite3.IntegrityError, match="an image of an item"):
        judge(database, labeller_id, alone, side="perturbed")
    assert judge(database, labeller_id, item_id)


def test_judgements_are_refused_on_a_connection_that_is_not_durable(
    home: Home, database: Database, tmp_path: Path
) -> None:
    _, labeller_id, [item_id] = a_study(database, home)
    with pytest.raises(DatabaseError, match="durable=True"):
        judge(open_database(home), labeller_id, item_id)
    assert judgements(database) == []
