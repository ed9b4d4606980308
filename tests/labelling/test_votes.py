"""Votes, read at once for every rule, are those of the view of judgements that stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from sqlite_utils import Database

from data import studies
from data.database import open_database
from data.home import Home
from data.judgements import SIDES, add_event, add_judgement, judgements, retract
from data.labellers import labeller_of
from labelling.answers import Answer
from labelling.studies import create_study, invite
from labelling.trials import stored_trials
from labelling.votes import asked, standing, votes
from tests.labelling.synthetic_study import add_experiment, label_text

TRIALS = 6


@pytest.fixture
def database(tmp_path) -> Iterator[Database]:
    database = open_database(Home(tmp_path), durable=True)
    yield database
    database.close()


def judged_by_three(database: Database, tmp_path, *, first_picture: int = 0, skip: int = 0) -> str:
    """Synthetic answers of three to everything, with every way in which one can fall away.

    The numbers of its items begin `skip` further on.
    """
    home = Home(tmp_path)
    experiment_id = add_experiment(database, home, trials=TRIALS, first_picture=first_picture)
    study_id = create_study(
        database, [experiment_id], "synthetic", label_text=label_text, created_by="test"
    )
    database.execute("UPDATE study_items SET id = id + ? WHERE study_id = ?", [skip, study_id])
    people = {}
    for name in ("ada", "ben", "cleo"):
        people[name] = labeller_of(database, invite(database, study_id, name)).id
        for item in studies.items(database, study_id):
            for side in SIDES:
                add_judgement(
                    database,
                    labeller_id=people[name],
                    item_id=item.id,
                    side=side,
                    answer=Answer(1 + (item.id * 7 + people[name]) % 4).value,
                )
    log = [one for one in judgements(database) if one.labeller_id != people["cleo"]]
    first, second, third = log[0], log[3], log[5]
    add_judgement(
        database,
        labeller_id=first.labeller_id,
        item_id=first.item_id,
        side=first.side,
        answer=5 - first.answer,
        supersedes=first.id,
    )
    retract(database, second.id)
    add_judgement(
        database,
        labeller_id=third.labeller_id,
        item_id=third.item_id,
        side=third.side,
        answer=third.answer,
        repeat=2,
    )
    add_event(database, people["cleo"], "withdrew")
    return experiment_id


_OF_VIEW = """
SELECT count(*) FROM standing_judgements
WHERE repeat = 0 AND side = ? AND stimulus = ? AND label = ? AND answer = ?
"""


def test_each_picture_has_the_votes_that_stand(database: Database, tmp_path) -> None:
    trials = stored_trials(database, [judged_by_three(database, tmp_path)])
    given = votes(database, trials)
    stands = "SELECT count(*) FROM standing_judgements WHERE repeat = 0"
    assert len(given.answer) == database.execute(stands).fetchone()[0] > 0
    for side in SIDES:
        for answer in Answer:
            expected = [
                database.execute(_OF_VIEW, [side, stimulus, label, answer.value]).fetchone()[0]
                for stimulus, label in zip(
                    trials[f"{side}_stimulus"], trials["label"].tolist(), strict=True
                )
            ]
            np.testing.assert_array_equal(given.counts(side, [answer]), expected)


def test_votes_of_some_labellers_only(database: Database, tmp_path) -> None:
    trials = stored_trials(database, [judged_by_three(database, tmp_path)])
    given = votes(database, trials)
    both = sum(given.counts("source", list(Answer), [person]) for person in (1, 2))
    np.testing.assert_array_equal(both, given.counts("source", list(Answer), [1, 2]))
    assert not given.counts("source", list(Answer), [3]).any()  # withdrew


def test_of_what_was_read_before_nothing_is_read_again(database: Database, tmp_path) -> None:
    judged_by_three(database, tmp_path)
    before = standing(database)
    told = replace(before, codes=-before.codes)  # what is read again would not be negative
    log = [one for one in judgements(database) if one.id in before.ids]
    retract(database, log[0].id)
    for one, repeat, supersedes in ((log[1], 0, log[1].id), (log[2], 3, None)):
        add_judgement(
            database,
            labeller_id=one.labeller_id,
            item_id=one.item_id,
            side=one.side,
            answer=5 - one.answer,
            repeat=repeat,
            supersedes=supersedes,
        )
    now, whole = standing(database, told), standing(database)
    assert now.newest == whole.newest == before.newest + 2
    np.testing.assert_array_equal(now.ids, whole.ids)
    assert len(now.ids) == len(before.ids) - 1  # one gone, one in another's place, one a repetition
    np.testing.assert_array_equal(
        now.codes, np.where(now.ids <= before.newest, -whole.codes, whole.codes)
    )


def test_what_was_asked_can_be_read_beforehand(database: Database, tmp_path) -> None:
    trials = stored_trials(database, [judged_by_three(database, tmp_path)])
    pictures = asked(database, trials)
    given = votes(database, trials)
    kept = votes(database, trials, standing(database).codes, pictures)
    for name in ("picture", "labeller", "answer"):
        np.testing.assert_array_equal(getattr(given, name), getattr(kept, name))


def test_what_was_asked_takes_the_place_of_its_own_items_only(database: Database, tmp_path) -> None:
    """A home with a long past has high numbers: a table up to them would take gigabytes."""
    early = judged_by_three(database, tmp_path)
    late = judged_by_three(database, tmp_path, first_picture=TRIALS, skip=700_000_000)
    for experiment_id in (early, late):
        trials = stored_trials(database, [experiment_id])
        items = database.execute(
            "SELECT count(*) FROM study_items JOIN study_experiments USING (study_id)"
            " WHERE experiment_id = ?",
            [experiment_id],
        ).fetchone()[0]
        assert len(asked(database, trials).place) == len(SIDES) * items
        given = votes(database, trials)
        for side in SIDES:
            seen = [
                database.execute(
                    "SELECT count(*) FROM standing_judgements"
                    " WHERE repeat = 0 AND side = ? AND stimulus = ?",
                    [side, stimulus],
                ).fetchone()[0]
                for stimulus in trials[f"{side}_stimulus"]
            ]
            np.testing.assert_array_equal(given.counts(side, list(Answer)), seen)
            assert sum(seen)


def test_a_label_that_was_not_asked_about_has_no_votes(database: Database, tmp_path) -> None:
    """The same picture under another label is another question."""
    trials = stored_trials(database, [judged_by_three(database, tmp_path)])
    other = trials.assign(label=trials["label"] + 1)
    assert not votes(database, other).counts("source", list(Answer)).any()


def test_no_trials_have_no_votes(database: Database) -> None:
    given = votes(database, stored_trials(database, []))
    assert len(given.counts("source", list(Answer))) == 0
