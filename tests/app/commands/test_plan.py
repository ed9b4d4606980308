"""`python -m app plan`, on synthetic results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sqlite_utils import Database

from app.__main__ import main
from data.experiments import experiments
from data.home import Home
from data.plans import plans
from tests.browser.synthetic_home import add_synthetic_experiment, add_synthetic_judgements


@pytest.fixture(scope="module")
def pilot(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with an experiment, of which nothing is frozen."""
    made = Home(tmp_path_factory.mktemp("plan") / "home")
    add_synthetic_experiment(made.root, 30, "Thirty synthetic trials")
    return made


@pytest.fixture
def place(pilot: Home, tmp_path: Path) -> Home:
    """A copy of it of this test's own."""
    return Home(shutil.copytree(pilot.root, tmp_path / "home"))


@pytest.fixture
def experiment(database: Database) -> str:
    [only] = experiments(database)
    return only.id


def app(place: Home, *arguments: str) -> int:
    return main([*arguments, "--home", str(place.root)])


def test_the_size_of_an_experiment_from_its_pilot(
    place: Home, experiment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app(place, "plan", "size", "--width", "1", "--json") == 0
    sizes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [size["estimand"] for size in sizes] == ["raw"] * 4
    assert all(size["trials_high"] >= size["trials"] > 0 for size in sizes)
    compared = ("--of", "difference", "--compare", "mnist-standard", "mnist-robust")
    assert app(place, "plan", "size", experiment, "--width", "1", "--limit", "6", *compared) == 0
    told = capsys.readouterr()
    assert "mnist-standard with mnist-robust: first, relaxation, imagenet: " in told.out
    assert "drawing that many sources from the pilot's" in told.err


def test_a_plan_is_frozen_shown_and_too_late_after_the_first_judgement(
    place: Home, experiment: str, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = ("--limit", "6", "--compare", "first", "last", "--exclude", "gold=0.8")
    assert app(place, "plan", "freeze", experiment, *planned) == 0
    [row] = plans(database, experiment)
    assert capsys.readouterr().out == f"{row.sha256}\n"
    add_synthetic_judgements(place.root, experiment)
    assert app(place, "plan", "freeze", experiment, "--limit", "5") == 2
    assert "of this experiment's pictures there are already" in capsys.readouterr().err
    assert app(place, "plan", "freeze", experiment, "--limit", "5", "--after-the-fact") == 0
    capsys.readouterr()
    assert app(place, "plan", "show", experiment) == 0
    told = capsys.readouterr().out
    assert f"SHA-256 {row.sha256}" in told
    assert "Comparisons: first with last" in told
    assert "Left out: under 80% of gold right" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("size",), "--width 0.5"),
        (("freeze",), "--limit 12"),
        (("freeze", "--limit", "-1"), "above 0"),
        (("freeze", "--limit", "1", "--exclude", "silver=1"), "the rules are gold, false_label"),
        (("size", "--width", "1", "--compare", "first", "last"), None),
        (("size", "--width", "1", "--compare", "first", "mnist-robust"), "subset: first, last"),
    ],
    ids=str,
)
def test_what_is_missing_or_wrong_is_said(
    place: Home,
    experiment: str,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str | None,
) -> None:
    action, *options = arguments
    assert app(place, "plan", action, experiment, *options) == (0 if said is None else 2)
    assert (said or "") in capsys.readouterr().err
