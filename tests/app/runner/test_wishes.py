"""A page asks what an experiment would cost, and the worker answers."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace

from app.runner import plan
from app.runner.cost import Cost
from app.runner.cost_wishes import FRESH_SECONDS, ask_cost, cost_wishes
from app.runner.menu import read_menu
from app.runner.request import ExperimentRequest
from data.home import Home
from tests.app.processes import until

REQUEST = ExperimentRequest("tiny", ("tiny-fair",), ("first",), trials=12, budget=50)


def test_the_worker_answers_and_asks_nobody_twice(
    place: Home, worker: subprocess.Popen[str]
) -> None:
    definition = plan.experiment(read_menu(place), REQUEST)
    assert ask_cost(place, "cpu", definition) is None
    until(lambda: ask_cost(place, "cpu", definition))
    told = ask_cost(place, "cpu", definition)
    assert isinstance(told, Cost) and told.results == 12 and told.seconds_most > 0
    part = [3]
    until(lambda: ask_cost(place, "cpu", definition, part))
    assert ask_cost(place, "cpu", definition, part).results == 3
    [answer, other] = (place.caches / "costs" / "cpu").glob("*")
    assert {answer.suffix, other.suffix} == {".json"}


def test_what_cannot_be_known_is_answered_with_a_sentence_and_the_worker_goes_on(
    place: Home, worker: subprocess.Popen[str]
) -> None:
    definition = plan.experiment(read_menu(place), REQUEST)
    file = place.weights / "tiny-fair.safetensors"
    sound = file.read_bytes()
    file.write_bytes(sound + b"damage")
    until(lambda: ask_cost(place, "cpu", definition))
    assert "is damaged" in ask_cost(place, "cpu", definition)
    file.write_bytes(sound)
    another = plan.experiment(read_menu(place), replace(REQUEST, trials=13))
    until(lambda: isinstance(ask_cost(place, "cpu", another), Cost))


def test_an_old_answer_is_asked_for_again_and_dropped(place: Home) -> None:
    definition = {"trials": 1}
    assert ask_cost(place, "cpu", definition) is None
    [wish] = (place.caches / "costs" / "cpu").glob("*.wish")
    answer = wish.with_suffix(".json")
    answer.write_text('{"cost": null, "problem": "No."}')
    assert ask_cost(place, "cpu", definition) == "No."
    old = time.time() - FRESH_SECONDS - 1
    os.utime(answer, (old, old))
    assert ask_cost(place, "cpu", definition) is None
    cost_wishes(place, "cpu").drop_old()
    assert not answer.exists() and wish.exists()
