"""`python -m app bundle` between two homes for real: searched here, judged here, verified there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from app import api
from app.__main__ import main
from data.database import open_database
from data.home import Home
from data.studies import items, labeller_of
from labelling.answers import Answer
from labelling.curves import success_curves
from labelling.eligibility import JudgingRule, trial_table
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE
from labelling.queue import next_task, record
from labelling.studies import LabelText, create_study, invite
from tests.labelling.synthetic_study import at_once


def app(place: Home, *arguments: str) -> int:
    return main([*arguments, "--home", str(place.root)])


@pytest.fixture
def judged(place: Home) -> str:
    """An experiment of tiny models, whose pictures a synthetic labeller judged; its id."""
    request = api.ExperimentRequest(
        "tiny",
        classifiers=("tiny-fair", "tiny-stubborn"),
        subsets=("first",),
        schedules=("imagenet",),
        trials=6,
    )
    experiment_id = api.define(request, place.root)
    assert len(list(api.run(experiment_id, place.root, threads=1))) == 12
    with closing(open_database(place, durable=True)) as database:
        study_id = create_study(
            database,
            [experiment_id],
            "Synthetic",
            label_text=lambda _, label: LabelText(f"a {label}", str(label)),
            created_by="test",
            options=at_once(),
        )
        person = labeller_of(database, invite(database, study_id, "Ada Lovelace"))
        while task := next_task(database, person.id):
            said = Answer.LABEL if task.item_id % 3 else Answer.SOMETHING_ELSE
            record(
                database,
                person.id,
                task.item_id,
                task.side,
                said,
                number=task.number,
                response_ms=900.0,
                hidden_ms=0.0,
                searches=0,
                shown_at=None,
            )
        assert items(database, study_id)
    return experiment_id


def curves(place: Home, experiment_id: str) -> pd.DataFrame:
    with closing(open_database(place)) as database:
        table = trial_table(database, [experiment_id], JudgingRule("any", exclusion=True))
    return success_curves(table, FOOLED_WHILE_PEOPLE_AGREE).drop(columns="condition_id")


def test_a_bundle_is_verified_elsewhere_and_its_curves_are_the_same(
    place: Home,
    judged: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    run: Callable,
) -> None:
    file = tmp_path / "mine.zip"
    written = run("bundle", judged, str(file))
    assert written.returncode == 0, written.stderr
    assert "12 results" in written.stderr

    elsewhere = Home(tmp_path / "elsewhere")
    for folder in ("models", "weights"):
        shutil.copytree(place.root / folder, elsewhere.root / folder)
    assert app(elsewhere, "bundle", "--import", str(file), "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert done["experiment"] == judged
    assert done["checksum"] == written.stdout.strip()
    assert app(elsewhere, "verify", judged, "--all") == 0
    assert "nothing differs" in capsys.readouterr().err
    there = curves(elsewhere, judged)
    assert len(there)
    pd.testing.assert_frame_equal(there, curves(place, judged))
    assert api.results(judged, elsewhere.root) == api.results(judged, place.root)

    assert app(elsewhere, "bundle", "--import", str(file)) == 0
    assert "is here already" in capsys.readouterr().err


def test_what_cannot_be_done_is_one_sentence(
    place: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "there.zip"
    file.write_bytes(b"something")
    for arguments, said in [
        ((), "Usage: python -m app bundle ID FILE"),
        (("0123456789",), "Say where to"),
        (("0123456789", str(file)), "is there already"),
        (("0123456789", str(tmp_path / "new.zip")), "There is no experiment “0123456789”"),
        (("--import", str(file)), "is no bundle, or was cut off"),
        (("--import", str(tmp_path / "none.zip")), "No such file"),
    ]:
        assert app(place, "bundle", *arguments) == 2
        assert said in capsys.readouterr().err
    assert file.read_bytes() == b"something"
