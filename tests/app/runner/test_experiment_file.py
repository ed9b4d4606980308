"""An experiment as a TOML file: every key, and every mistake named with its key and line."""

from __future__ import annotations

import pytest

from app.runner import plan
from app.runner.experiment_file import located, read_experiment_file, write_experiment_file
from app.runner.models import Models
from app.runner.request import ExperimentRequest, RequestError
from data.home import Home

EVERYTHING = """
name = "Every “key”"
generator = "tiny"
classifiers = ["tiny-fair", "tiny-stubborn"]
subsets = ["first", {z = 1, output = 0.5}]
searches = ["relaxation", "minimum-norm"]
schedules = ["imagenet", "minimum-norm"]
budget = 300
trials = 12
seed = 7
targeted = false
truncation = 0.5
condition_follows_z = false
slots = 4
precision = "float64"
keep_perturbations = true
device = "cuda:0"

[controls]
random_directions = 2
repeats = 1
"""


def test_every_key_is_read() -> None:
    request, name = read_experiment_file(EVERYTHING, owner="ada")
    assert name == "Every “key”"
    assert request == ExperimentRequest(
        generator="tiny",
        classifiers=("tiny-fair", "tiny-stubborn"),
        subsets=("first", {"z": 1.0, "output": 0.5}),
        searches=("relaxation", "minimum-norm"),
        schedules=("imagenet", "minimum-norm"),
        budget=300,
        trials=12,
        seed=7,
        targeted=False,
        truncation=0.5,
        condition_follows_z=False,
        slots=4,
        precision="float64",
        keep_perturbations=True,
        device="cuda:0",
        random_directions=2,
        repeats=1,
        owner="ada",
    )


@pytest.mark.parametrize(
    "text", [EVERYTHING, 'generator = "tiny"\nclassifiers = ["tiny-fair"]\n'], ids=["all", "few"]
)
def test_what_is_written_is_read_back(text: str) -> None:
    request, name = read_experiment_file(text)
    assert read_experiment_file(write_experiment_file(request, name)) == (request, name)


def test_a_single_name_need_not_be_a_list() -> None:
    request, _ = read_experiment_file('generator = "tiny"\nclassifiers = "tiny-fair"')
    assert request.classifiers == ("tiny-fair",)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('classifers = ["tiny-fair"]', "line 3, classifers: There is no such key; did you mean"),
        ("[controls]\nrandom = 1", "line 4, random: There is no such key"),
        ("controls = 3", "line 3, controls: Write the controls as a table"),
        ('trials = "many"', 'line 3, trials: Give a whole number, not "many".'),
        ("trials = true", "line 3, trials: Give a whole number, not true."),
        ("budget = 2.5", "line 3, budget: Give a whole number, not 2.5."),
        ("targeted = 1", "line 3, targeted: Give true or false, not 1."),
        ("truncation = '1'", 'line 3, truncation: Give a number, not "1".'),
        ("device = 0", "line 3, device: Give text in quotes"),
        ("subsets = [1]", "line 3, subsets: Give a list of presets and of layer weights"),
        ("subsets = [{z = '1'}]", "line 3, subsets: The layer weight of z is a number"),
        ("schedules = 2020-01-01", "line 3, schedules: Give a list of names"),
        ("trials = ", "is no TOML file: Invalid value (at line 3, column 10)."),
    ],
)
def test_what_is_no_request_is_said_with_its_key_and_line(line: str, sentence: str) -> None:
    text = f'generator = "tiny"\nclassifiers = ["tiny-fair"]\n{line}\n'
    with pytest.raises(RequestError) as refused:
        read_experiment_file(text, called="mine.toml")
    assert str(refused.value).startswith("mine.toml")
    assert sentence in str(refused.value)


def test_what_has_no_default_must_be_there() -> None:
    with pytest.raises(RequestError, match="The key “classifiers” is missing"):
        read_experiment_file('generator = "tiny"')


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('generator = "tinny"', "line 1, generator: There is no generator “tinny”; choose from"),
        ('classifiers = ["fair"]', "line 1, classifiers: There is no classifier “fair”; choose"),
        ('subsets = ["middle"]', "line 1, subsets: There is no layer subset of tiny “middle”"),
        ("subsets = [{top = 1}]", "line 1, subsets: There is no point of tiny “top”; choose"),
        ('searches = ["luck"]', "line 1, searches: There is no search “luck”; choose from"),
        ('schedules = ["fast"]', "line 1, schedules: There is no schedule “fast”; choose from"),
        ("budget = 0", "line 1, budget: The budget must be at least 1 step."),
        ("trials = 0", "line 1, trials: An experiment needs at least 1 trial."),
        ("seed = -1", "line 1, seed: A seed is a whole number"),
        ("slots = 0", "line 1, slots: An experiment needs at least 1 slot."),
        ("truncation = 0.5", "line 1, truncation: tiny has no truncation"),
        ("condition_follows_z = false", "line 1, condition_follows_z: tiny has no condition"),
        ('precision = "half"', "line 1, precision: There is no precision “half”; choose from"),
        ("[controls]\nrepeats = 99", "line 2, repeats: Controls are repeated 0 to 20 times"),
    ],
)
def test_what_cannot_be_met_is_said_with_its_key_and_line_too(
    place: Home, line: str, sentence: str
) -> None:
    other = {"generator": '"tiny"', "classifiers": '["tiny-fair"]'}
    rest = [f"{key} = {value}" for key, value in other.items() if not line.startswith(key)]
    text = "\n".join([line, *rest] if not line.startswith("[") else [*rest, line])
    number = 1 + len(rest) * line.startswith("[")
    request, _ = read_experiment_file(text)
    with pytest.raises(RequestError) as refused:
        plan.experiment(Models(place).menu(), request)
    told = str(located(refused.value, text, "mine.toml"))
    assert told.startswith("mine.toml, line ")
    assert sentence.replace("line 2", f"line {number + 1}") in told
