"""Every text that is stored passes one gate: the fields, what they refuse, and what they take."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlite_utils import Database

from app.commands import people
from app.runner.map_request import store_map
from app.runner.menu import Menu
from app.runner.request import RequestError
from app.runner.submit import store_definition
from data.database import open_database
from data.home import Home
from data.labellers import labeller_of
from labelling.analysis_plan import AnalysisPlan, freeze
from labelling.eligibility import JudgingRule
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE
from labelling.options import StudyError
from labelling.outside import read_table
from labelling.queue import comment, next_task
from labelling.stages import say_purpose
from labelling.studies import create_study, invite
from tests.labelling.synthetic_study import add_experiment, at_once, label_text

HOSTILE = "Maps'; DROP TABLE judgements; --"


class World:
    """A study with one labeller, in a home of its own."""

    def __init__(self, database: Database, home: Home, folder: Path) -> None:
        self.database, self.home, self.folder = database, home, folder
        self.experiment = add_experiment(database, home, trials=1)
        self.study = self.make_study()
        self.person = labeller_of(database, invite(database, self.study, "robot")).id
        self.task = next_task(database, self.person)

    def make_study(self, name: str = "plain", **options: str) -> str:
        return create_study(
            self.database,
            [self.experiment],
            name,
            label_text=label_text,
            created_by="Ada",
            options=at_once(**options),
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """One for all: what is refused changes nothing."""
    folder = tmp_path_factory.mktemp("world")
    with closing(open_database(Home(folder / "home"), durable=True)) as database:
        yield World(database, Home(folder / "home"), folder)


def of_outside(world: World, **cells: str) -> None:
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(world.folder / "a.png")
    row = {"source": "a.png", "phrase": "a cat"} | cells
    table = world.folder / "pairs.csv"
    table.write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    read_table(world.folder, table)


def of_experiment(world: World, name: str = "", device: str | None = None) -> None:
    definition = {"generator": "", "device": device}
    menu = Menu({}, {}, {}, {})
    store_definition(world.database, menu, definition, kind="", name=name, owner="Ada")


def of_people(world: World, address: str) -> None:
    arguments = argparse.Namespace(action="add", who=[address], home=world.home.root, json=False)
    people.run(arguments)


def of_plan(world: World, remarks: str) -> None:
    plan = AnalysisPlan(
        rule=JudgingRule(),
        estimand=FOOLED_WHILE_PEOPLE_AGREE.key,
        limit=10.0,
        trials=1,
        remarks=remarks,
    )
    freeze(world.database, world.experiment, plan, created_by="Ada")


FIELDS: dict[str, Callable[[World, str], object]] = {
    "A comment": lambda world, text: comment(world.database, world.person, world.task.number, text),
    "What it was for": lambda world, text: say_purpose(world.database, world.person, text),
    "The study's name": lambda world, text: world.make_study(text),
    "The information sheet": lambda world, text: world.make_study(information=text),
    "The page of instructions": lambda world, text: world.make_study(instructions=text),
    "The debrief": lambda world, text: world.make_study(debrief=text),
    "A labeller's name": lambda world, text: invite(world.database, world.study, text),
    "What the remarks say": of_plan,
    "The experiment's name": of_experiment,
    "The device": lambda world, text: of_experiment(world, device=text),
    "The map's name": lambda world, text: store_map(world.database, None, name=text, owner="Ada"),
    "The address": of_people,
    "phrase": lambda world, text: of_outside(world, phrase=text),
    "search": lambda world, text: of_outside(world, search=text),
    "gloss": lambda world, text: of_outside(world, gloss=text),
    "condition": lambda world, text: of_outside(world, condition=text),
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_refuses_what_is_no_plain_words_and_nothing_changes(
    world: World, field: str, caplog
) -> None:
    before = [list(table.rows) for table in world.database.tables]
    with caplog.at_level(logging.WARNING), pytest.raises((StudyError, RequestError)) as refused:
        FIELDS[field](world, HOSTILE)
    assert f"{field} holds what reads as an SQL statement (DROP TABLE judgements)" in str(
        refused.value
    )
    assert [list(table.rows) for table in world.database.tables] == before
    assert HOSTILE not in caplog.text


@pytest.mark.parametrize("field", ["A comment", "The study's name", "The debrief"])
def test_a_refusal_is_in_the_log_with_who_it_was(world: World, field: str, caplog) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(StudyError):
        FIELDS[field](world, HOSTILE)
    who = f"labeller {world.person}" if field == "A comment" else "Ada"
    assert f"Refused a text of '{who}': {field} holds an SQL statement" in caplog.text


@pytest.mark.parametrize(
    "field",
    [
        *("A comment", "What it was for", "The study's name", "The information sheet"),
        *("The page of instructions", "The debrief", "A labeller's name", "What the remarks say"),
    ],
)
def test_a_field_takes_plain_words(world: World, field: str) -> None:
    FIELDS[field](world, "don't; drop it -- the line < 3 and > 1")
