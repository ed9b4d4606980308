"""Studies from the terminal: what options say is what is stored, and what is wrong is said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlite_utils import Database

from app.__main__ import main
from app.runner.menu import write_menu
from app.runner.models import Models
from data.database import open_database
from data.home import Home
from data.labellers import labeller_of
from data.studies import items, studies
from labelling.options import EXCLUSIONS, OPTIONS, ExclusionRules, StudyOptions, options_of
from labelling.options_file import read_options
from labelling.outside import COLUMNS
from labelling.stages import Stage, stage
from labelling.studies import invite
from tests.app.processes import ROOT
from tests.labelling.synthetic_study import add_experiment

TABLE = """source,perturbed,phrase,answer
a.png,b.png,a cat,
b.png,c.png,a cat,
c.png,d.png,a dog,
d.png,,a dog,
e.png,,a cat,2
f.png,,a cat,1
g.png,,a dog,1
"""
#: One of each: what a form says, said in a file.
EVERYTHING = """
overlap = 2
items_per_person = 50
source_cap = 4
repeat_share = 0.25
gold_share = 0.25
false_label_share = 0.25
catch_share = 0.25
practice_items = 1
qualification = 1.0
break_every = 10
exposure_ms = 500
lease_minutes = 20
purpose_question = false
information = "You will see pictures."
rule = "unanimous"

[exclusion]
gold = 0.5
catch = 0.75
fastest_ms = 300
"""


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def database(home) -> Iterator[Database]:
    with closing(open_database(home, durable=True)) as database:
        yield database


@pytest.fixture
def folder(tmp_path) -> Path:
    place = tmp_path / "images"
    place.mkdir()
    for number, name in enumerate("abcdefg"):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{name}.png")
    (place / "pairs.csv").write_text(TABLE)
    return place


@pytest.fixture
def study(home, capsys) -> Callable[..., tuple[int, str]]:
    """Run `study …`: the exit status, and what was said."""

    def run(*words: object) -> tuple[int, str]:
        status = main(["study", *map(str, words), "--home", str(home.root)])
        return status, capsys.readouterr().err

    return run


def options_file(folder: Path, text: str) -> Path:
    file = folder / "options.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_images_made_elsewhere_are_judged_by_every_rule_of_the_file(
    study, database, folder
) -> None:
    file = options_file(folder, EVERYTHING)
    status, said = study("images", folder, folder / "pairs.csv", "--name", "A", "--options", file)
    assert status == 0, said
    [made] = studies(database)
    assert options_of(database, made.id) == StudyOptions(
        overlap=2,
        items_per_person=50,
        source_cap=4,
        repeat_share=0.25,
        gold_share=0.25,
        false_label_share=0.25,
        catch_share=0.25,
        practice_items=1,
        qualification=1.0,
        break_every=10,
        exposure_ms=500,
        lease_minutes=20,
        purpose_question=False,
        information="You will see pictures.",
        rule="unanimous",
        exclusion=ExclusionRules(gold=0.5, catch=0.75, fastest_ms=300),
    )
    kinds = Counter(item.kind for item in items(database, made.id))
    assert kinds == {"outside": 4, "gold": 2, "practice": 1, "false-label": 2, "catch": 2}
    assert "1 practice, 4 outside, 2 gold, 2 false-label, 2 catch" in said
    person = labeller_of(database, invite(database, made.id, "robot (synthetic)"))
    assert stage(database, person.id) == Stage.INFORMATION


def test_a_file_that_says_nothing_of_it_asks_for_consent_first(study, database, folder) -> None:
    file = options_file(folder, "gold_share = 0.1")
    assert study("images", folder, folder / "pairs.csv", "--options", file)[0] == 0
    options = options_of(database, studies(database)[0].id)
    assert options.information_sheet and options.instruction_page and options.purpose_question


def test_overlap_beside_a_file_stands_above_it(study, database, folder) -> None:
    file = options_file(folder, "overlap = 2\ngold_share = 0.1\nexposure_ms = 0")
    assert study("images", folder, folder / "pairs.csv", "--options", file, "--overlap", 5)[0] == 0
    [made] = studies(database)
    assert options_of(database, made.id).overlap == 5
    assert options_of(database, made.id).exposure_ms == 0
    assert made.name == "pairs"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "No option uses the answers in line 6, 7, 8: set gold_share"),
        ("practice_items = 2", "No option uses the answers in line 8: set gold_share"),
        ("practice_items = 4", "4 items for practice need more images of known answer than 3"),
        ("overlp = 2", f"there is no option 'overlp': choose of {', '.join(OPTIONS)}."),
        (
            "[exclusion]\ngolden = 1",
            "there is no exclusion rule 'golden': choose of gold, false_label, catch, repeats,",
        ),
        ("exclusion = 1", "The option exclusion must be a table of rules, not 1."),
        ("overlap = 'two'", "The option overlap must be a whole number, not 'two'."),
        ("gold_share = 0.9", "The share of gold items must be from 0 to 0.5, not 0.9."),
        ("rule = 'loudest'", "There is no rule 'loudest': choose one of majority, unanimous, any."),
        ("gold_share = 0.1\nstrength_items = 5", "leave strength_items 0."),
        ("overlap = ", "is not TOML"),
    ],
)
def test_options_that_cannot_be_are_refused_and_nothing_is_stored(
    study, database, folder, text, says
) -> None:
    file = options_file(folder, text)
    status, said = study("images", folder, folder / "pairs.csv", "--options", file)
    assert (status, says in said) == (2, True), said
    assert studies(database) == []
    assert database["stimuli"].count == 0


def test_a_study_of_experiments_is_made_with_the_options_of_a_file(
    study, database, home, folder, capsys
) -> None:
    write_menu(home, Models(home).menu())
    experiments = [add_experiment(database, home, trials=2, name=name) for name in "ab"]
    file = options_file(folder, "repeat_share = 0.1\n[exclusion]\nrepeats = 0.5")
    assert study("new", *experiments, "--options", file, "--json")[0] == 0
    [made] = studies(database)
    assert made.name == "a, b"
    assert set(made.experiment_ids) == set(experiments)
    assert options_of(database, made.id) == StudyOptions(
        repeat_share=0.1, exclusion=ExclusionRules(repeats=0.5)
    )
    assert (
        items(database, made.id)[0].phrase
        == Models(home).menu().generators["mnist-conv"].phrases[3]
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["new"], "Usage: python -m app study new EXPERIMENT …"),
        (["new", "none"], "There is no experiment “none”"),
        (["images", "nowhere", "pairs.csv"], "There is no folder nowhere."),
        (
            ["images", "nowhere", "pairs.csv", "--options", "gone.toml"],
            "There is no folder nowhere.",
        ),
    ],
)
def test_what_is_not_there_is_said(study, words, says) -> None:
    status, said = study(*words)
    assert (status, says in said) == (2, True), said


def test_known_answers_of_experiments_are_marked_on_the_page(study, database, home, folder) -> None:
    experiment = add_experiment(database, home, trials=1)
    file = options_file(folder, "gold_share = 0.1")
    status, said = study("new", experiment, "--options", file)
    assert (status, "mark them in the form on the Studies page" in said) == (2, True)


def test_json_names_the_study_and_counts_its_items(study, database, folder, home, capsys) -> None:
    file = options_file(folder, "gold_share = 0.1")
    arguments = ["images", str(folder), str(folder / "pairs.csv"), "--options", str(file)]
    assert main(["study", *arguments, "--json", "--home", str(home.root)]) == 0
    [made] = studies(database)
    assert json.loads(capsys.readouterr().out) == {
        "study": made.id,
        "items": {"outside": 4, "gold": 3},
    }


def test_the_document_has_every_option_and_its_example_is_one(tmp_path) -> None:
    text = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")
    for name in (*OPTIONS, *EXCLUSIONS, *COLUMNS):
        assert f"| `{name}` |" in text
    example = text.partition("```toml\n")[2].partition("```")[0]
    assert read_options(options_file(tmp_path, example)).exclusion.fastest_ms == 300
