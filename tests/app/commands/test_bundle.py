"""`python -m app bundle` between two homes for real: searched here, judged here, verified there."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlite_utils import Database

from app import api
from app.__main__ import main
from app.report import report
from data.database import open_database
from data.experiments import experiment
from data.home import Home
from data.maps import map_content, stored_maps
from labelling.control_conditions import control_table
from labelling.eligibility import JudgingRule, trial_table
from labelling.plane_study import judged_points
from labelling.strengths import strength_table
from labelling.transfers import transfer_table
from tests.app.conftest import tiny_home
from tests.app.judged_experiment import judged_experiment


def app(place: Home, *arguments: str) -> int:
    return main([*arguments, "--home", str(place.root)])


def views(database: Database, home: Home, experiment_id: str) -> dict[str, Any]:
    """What every view of Results, and the maps, make their numbers of; and the whole report.

    Without the numbers that a database gives its rows, and the moment of writing.
    """
    rule = JudgingRule("any", exclusion=True)
    shown = report(database, home, experiment(database, experiment_id), rule=rule)
    [one] = stored_maps(database)
    space = dict(one.description["space"])
    tables = {
        "trials": trial_table(database, [experiment_id], rule),
        "transfers": transfer_table(database, experiment_id),
        "strengths": strength_table(database, experiment_id, rule),
        "controls": control_table(database, experiment_id),
    }
    return {
        **{
            name: table.drop(columns="condition_id", errors="ignore")
            for name, table in tables.items()
        },
        "stored": api.results(experiment_id, home.root),
        "map": (one, map_content(database, one.id)),
        "plane": [asdict(point) for point in judged_points(database, space, {})],
        "report": re.sub(r"written \S+|plotly-graph-div|[0-9a-f-]{36}", "", shown),
    }


def test_a_bundle_is_verified_elsewhere_and_every_view_has_the_same_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, elsewhere = tiny_home(tmp_path / "here"), tiny_home(tmp_path / "elsewhere")
    judged = judged_experiment(place)
    shutil.copy(place.caches / "menu.json", elsewhere.caches)
    file = tmp_path / "mine.zip"
    assert app(place, "bundle", judged, str(file)) == 0
    written = capsys.readouterr()
    assert re.search(
        r"96 results, \d\d answers of other classifiers, .* 2 studies .* 1 map\.", written.err
    )

    assert app(elsewhere, "bundle", "--import", str(file), "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["experiment"], done["checksum"]) == (judged, written.out.strip())
    assert app(elsewhere, "verify", judged, "--all") == 0
    assert "nothing differs" in capsys.readouterr().err
    with closing(open_database(place)) as database, closing(open_database(elsewhere)) as there:
        expected, found = views(database, place, judged), views(there, elsewhere, judged)
    for name, value in expected.items():
        assert len(value), name
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(found[name], value)
        else:
            assert found[name] == value, name
    assert {point["judgement"] for point in found["plane"]} > {"agree"}

    assert app(elsewhere, "bundle", "--import", str(file)) == 0
    assert "is here already" in capsys.readouterr().err
    with closing(open_database(elsewhere)) as there:
        there.execute("UPDATE transfers SET answer = (answer + 1) % 4, source_answer = answer")
        [(tested,)] = there.execute("SELECT count(*) FROM transfers").fetchall()
    assert app(elsewhere, "verify", judged, "--all", "--json") == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["kind"] for one in told} == {"transfer"}
    assert tested <= len(told) <= 2 * tested


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
