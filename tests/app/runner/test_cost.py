"""What an experiment will cost: by hand for known speeds, and with steps that are really timed."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from sqlite_utils import Database

from app import api
from app.figures import bytes_in_words
from app.runner.cost import Share, Speed, cost, in_words
from app.runner.request import ExperimentRequest
from data.experiments import conditions
from data.home import Home
from data.results import EarlierTrials, results
from data.tensors import QUOTA

REQUEST = ExperimentRequest(
    "tiny",
    ("tiny-fair", "tiny-stubborn"),
    ("first",),
    schedules=("imagenet",),
    budget=60,
    trials=24,
    slots=4,
)
SHARE = Share(trials=100, role="search", budget=200, scalars=1000, speed=Speed(0.5, 3000))
ASKED = {"slots": 10, "sources": 100, "device": "cpu", "tensors": False}


def test_at_most_is_every_block_of_slots_spending_its_budget() -> None:
    told = cost([SHARE], **ASKED)
    assert told.seconds_most == 10 * 201 * 0.5 + 10 * 0.5  # 10 blocks, each drawn once
    assert told.seconds_about is None
    assert "at most 16 min 50 s, if every search spends its budget" in in_words(told)


def test_earlier_trials_tell_about_how_long() -> None:
    pilot = EarlierTrials(trials=50, mean_steps=40.0, most_steps=60)
    told = cost([replace(SHARE, pilot=pilot)], **ASKED)
    assert told.seconds_about == 100 * 40 / 10 * 0.5 + 10 * 0.5
    slow = cost([replace(SHARE, pilot=replace(pilot, mean_steps=1.0))], **ASKED)
    assert slow.seconds_about == 60 * 0.5 + 10 * 0.5  # the longest trial is still waited for
    unknown = cost([replace(SHARE, pilot=pilot), SHARE], **ASKED)
    assert unknown.seconds_about is None
    assert "about 3 min 25 s if the searches go as 50 earlier trials" in in_words(told)


def test_a_random_direction_costs_one_pass_and_a_repeat_a_search() -> None:
    noise, repeat = replace(SHARE, role="random-direction"), replace(SHARE, role="repeat")
    assert cost([noise], **ASKED).seconds_most == 10 * 0.5
    assert cost([repeat], **ASKED) == cost([SHARE], **ASKED)


def test_files_take_whole_blocks_and_tensors_no_more_than_their_quota() -> None:
    told = cost([SHARE], **ASKED | {"tensors": True})
    assert told.picture_bytes == (100 + 100) * 4096 + 100 * 2000
    assert told.tensor_bytes == 100 * 1000 * 2
    assert cost([SHARE], **ASKED).tensor_bytes == 0
    huge = replace(SHARE, scalars=10**9)
    assert cost([huge], **ASKED | {"tensors": True}).tensor_bytes == QUOTA
    assert "of tensors 200 kB" in in_words(told)


def test_what_is_computed_already_costs_nothing() -> None:
    assert in_words(cost([], **ASKED)) == "Everything is computed already: it costs nothing."


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (999, "999 B"), (4096, "4.10 kB"), (2.5e9, "2.50 GB")]
)
def test_bytes_are_said_with_three_digits(count: float, words: str) -> None:
    assert bytes_in_words(count) == words


def test_steps_are_timed_once_a_day_and_only_what_is_missing_is_counted(
    place: Home, database: Database
) -> None:
    told = []
    first = api.cost(
        REQUEST, place.root, threads=1, on_progress=lambda p: told.append(p.get("preparing"))
    )
    assert list(dict.fromkeys(one for one in told if one and one.startswith("Timing"))) == [
        "Timing a few steps of tiny-fair, first",
        "Timing a few steps of tiny-stubborn, first",
    ]
    speeds = json.loads((place.caches / "speeds.json").read_text())
    assert len(speeds) == 2
    blocks, seconds = math.ceil(24 / 4), [one["seconds"] for one in speeds.values()]
    assert all(one > 0 for one in seconds)
    assert first.seconds_most == pytest.approx(sum(seconds) * blocks * (60 + 1 + 1))
    assert first.results == 48

    told.clear()
    assert api.cost(REQUEST, place.root, threads=1, on_progress=told.append) == first
    assert not any(one.get("phase") == "timing" for one in told)

    experiment_id = api.define(REQUEST, place.root)
    run = api.run(experiment_id, place.root, threads=1)
    list(run)
    assert api.cost(REQUEST, place.root, threads=1).results == 0
    assert api.cost(experiment_id, place.root, threads=1).results == 0
    longer = api.cost(replace(REQUEST, trials=48), place.root, threads=1)
    steps = [
        row.steps
        for row in results(database, conditions(database, experiment_id)[0].id)
        if row.outcome != "failed"
    ]
    assert (longer.results, longer.like) == (96, len(steps))
    assert 0 < longer.seconds_about <= longer.seconds_most
    api.extend(experiment_id, 30, place.root)
    assert api.cost(experiment_id, place.root, threads=1).results == 2 * 6
