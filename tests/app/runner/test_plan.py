"""Requests become definitions: every default recorded, every wrong name answered."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.runner import plan
from app.runner.definition import BESIDE, read_definition, read_trial, same_results
from app.runner.menu import Menu, read_menu, write_menu
from app.runner.models import Models
from app.runner.request import ExperimentRequest, RequestError, SearchRequest
from data.home import Home
from engine.experiment import SCHEDULES, Trial

SEARCH = SearchRequest("tiny", "tiny-fair", "ring", "dot", seed=4)
EXPERIMENT = ExperimentRequest("tiny", ("tiny-fair", "tiny-stubborn"), ("first", "last"))


@pytest.fixture
def menu(place: Home) -> Menu:
    return Models(place).menu()


def test_pages_read_the_menu_that_the_worker_wrote(place: Home, menu: Menu) -> None:
    assert read_menu(place) is None
    write_menu(place, menu)
    assert read_menu(place) == menu


def test_a_search_is_defined_with_every_default(menu: Menu) -> None:
    definition = plan.exploration(menu, SEARCH)
    condition = read_definition(definition).conditions[0]
    assert read_trial(definition) == Trial(0, 2, 1, 4)
    assert (condition.subset, condition.layer_weights) == ("all", (1.0, 1.0, 1.0))
    assert (condition.schedule_name, condition.schedule) == ("mnist", SCHEDULES["mnist"])
    assert (definition["slots"], definition["precision"]) == (1, "float32")
    assert "again" not in definition


def test_an_experiment_is_every_combination(menu: Menu) -> None:
    definition = read_definition(plan.experiment(menu, EXPERIMENT))
    cells = [(one.subset, one.classifier, one.schedule_name) for one in definition.conditions]
    assert cells == [
        ("first", "tiny-fair", "mnist"),
        ("first", "tiny-stubborn", "mnist"),
        ("last", "tiny-fair", "mnist"),
        ("last", "tiny-stubborn", "mnist"),
    ]
    assert (definition.trials, definition.seed, definition.targeted) == (240, 0, True)


@pytest.mark.parametrize(
    ("trials", "asked", "slots"), [(240, None, 128), (12, None, 12), (12, 4, 4), (240, 256, 256)]
)
def test_slots_are_recorded_since_float_noise_depends_on_them(
    menu: Menu, trials: int, asked: int | None, slots: int
) -> None:
    request = replace(EXPERIMENT, trials=trials, slots=asked)
    assert plan.experiment(menu, request)["slots"] == slots


def test_a_definition_is_the_engines_own_and_survives_json(menu: Menu) -> None:
    record = plan.experiment(menu, EXPERIMENT)
    again = json.loads(json.dumps(record))
    assert read_definition(again) == read_definition(record)
    assert json.loads(json.dumps(read_definition(record).as_json())) == {
        key: value for key, value in again.items() if key not in BESIDE
    }


@pytest.mark.parametrize(
    ("weights", "name"),
    [
        ({"z": 1, "hidden": 1}, "first"),
        ({"z": 1.0}, "z"),
        ({"hidden": 0.5, "z": 1}, "z+hidden×0.5"),
    ],
)
def test_own_weights_are_named_by_their_points_unless_a_preset_has_them(
    menu: Menu, weights: dict[str, float], name: str
) -> None:
    [condition] = plan.exploration(menu, replace(SEARCH, weights=weights))["conditions"]
    assert condition["subset"] == name


def test_an_experiment_mixes_presets_and_weights_of_ones_own(menu: Menu) -> None:
    request = replace(EXPERIMENT, subsets=("first", {"z": 1, "output": 0.5}, {"z": 1, "hidden": 1}))
    conditions = plan.experiment(menu, request)["conditions"]
    assert list(dict.fromkeys(one["subset"] for one in conditions)) == ["first", "z+output×0.5"]


def test_controls_follow_all_searches_and_name_what_they_control(menu: Menu) -> None:
    request = replace(EXPERIMENT, classifiers=("tiny-fair",), random_directions=2, repeats=1)
    definition = plan.experiment(menu, request)
    cells = [
        (one["role"], one["controls"], one["repetition"], one["subset"])
        for one in definition["conditions"]
    ]
    assert cells == [
        ("search", None, 0, "first"),
        ("search", None, 0, "last"),
        ("random-direction", 0, 1, "first"),
        ("random-direction", 1, 1, "last"),
        ("random-direction", 0, 2, "first"),
        ("random-direction", 1, 2, "last"),
        ("repeat", 0, 1, "first"),
        ("repeat", 1, 1, "last"),
    ]
    assert plan.experiment_name(definition) == "tiny, 2 conditions, 240 trials"


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"subsets": ("first", {"z": 1.0, "output": 0.5}), "budget": 77, "seed": 5},
        {"searches": ("relaxation", "minimum-norm"), "schedules": ("imagenet", "minimum-norm")},
        {"random_directions": 2, "repeats": 1, "targeted": False, "slots": 3, "device": "cuda:1"},
        {"precision": "float64", "keep_perturbations": True, "trials": 12},
    ],
    ids=str,
)
def test_a_definition_gives_back_the_request_that_it_answers(
    menu: Menu, change: dict[str, object]
) -> None:
    definition = plan.experiment(menu, replace(EXPERIMENT, **change))
    request = plan.experiment_request(menu, json.loads(json.dumps(definition)))
    assert plan.experiment(menu, request) == definition


def test_a_definition_of_an_earlier_version_is_the_same_with_its_defaults_filled_in(
    menu: Menu,
) -> None:
    definition = plan.experiment(menu, EXPERIMENT)
    added = ("precision", "condition_follows_z", "keep_perturbations", "device")
    earlier = {key: value for key, value in definition.items() if key not in added}
    earlier["conditions"] = [
        {k: v for k, v in one.items() if k not in ("role", "controls", "repetition")}
        for one in definition["conditions"]
    ]
    assert same_results(earlier, definition)
    assert not same_results(earlier, {**definition, "slots": 3})
    assert not same_results(earlier, {**definition, "precision": "float64"})


@pytest.mark.parametrize("label", [2, "2", "ring", "Ring", "a ring"])
def test_a_label_is_known_by_number_name_and_phrase(menu: Menu, label: int | str) -> None:
    assert plan.exploration(menu, replace(SEARCH, label=label))["trial"]["label"] == 2


def test_each_search_takes_the_schedules_that_are_made_for_it(menu: Menu) -> None:
    request = replace(
        EXPERIMENT,
        classifiers=("tiny-fair",),
        subsets=("all",),
        searches=("relaxation", "minimum-norm"),
        schedules=("imagenet", "mnist"),
    )
    conditions = plan.experiment(menu, request)["conditions"]
    assert [(one["search"], one["schedule_name"]) for one in conditions] == [
        ("relaxation", "imagenet"),
        ("relaxation", "mnist"),
        ("minimum-norm", "minimum-norm"),
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"generator": "big"}, "There is no generator “big”; choose from mnist-conv, biggan"),
        ({"classifier": "fair"}, "There is no classifier “fair”; choose from"),
        ({"classifier": "mnist-robust"}, "does not tell apart the labels of tiny; these do"),
        ({"label": "rng"}, "There is no label “rng”; choose from bar, dot, ring, wave."),
        ({"label": 4}, "There is no label 4: the labels here are 0 to 3."),
        ({"target": "ring"}, "must differ from the label"),
        ({"subset": "middle"}, "choose from all, first, last"),
        ({"weights": {"top": 1}}, "There is no point of tiny “top”; choose from z, hidden, output"),
        ({"weights": {"z": -1}}, "must be 0 or more"),
        ({"weights": {"z": float("nan")}}, "must be 0 or more"),
        ({"weights": {}}, "At least one point needs a layer weight above 0"),
        ({"search": "luck"}, "choose from relaxation, minimum-norm"),
        ({"schedule": "fast"}, "choose from imagenet, mnist, minimum-norm"),
        ({"schedule": "minimum-norm"}, "is not made for the relaxation search"),
        ({"budget": 0}, "at least 1 step"),
        ({"seed": -1}, "A seed is a whole number from 0"),
        ({"precision": "float8"}, "choose from float32, bfloat16, float64"),
    ],
)
def test_what_cannot_be_met_is_answered_with_the_choices(
    menu: Menu, change: dict[str, object], sentence: str
) -> None:
    menu = replace(menu, classifiers={**menu.classifiers, "mnist-robust": _present(menu)})
    with pytest.raises(RequestError) as refused:
        plan.exploration(menu, replace(SEARCH, **change))
    assert sentence in str(refused.value)


def test_a_classifier_of_other_pictures_is_refused_with_both_sizes(menu: Menu) -> None:
    """`tiny-fair` as if it were for coloured pictures, and so not offered with `tiny`."""
    tiny = replace(menu.generators["tiny"], classifiers=("tiny-stubborn",))
    coloured = replace(menu.classifiers["tiny-fair"], image_shape=(3, 6, 6))
    menu = replace(
        menu,
        generators={**menu.generators, "tiny": tiny},
        classifiers={**menu.classifiers, "tiny-fair": coloured},
    )
    told = "takes pictures of 3 × 6 × 6, and those of tiny are 1 × 6 × 6.*these do: tiny-stubborn"
    with pytest.raises(RequestError, match=told):
        plan.exploration(menu, SEARCH)


def _present(menu: Menu) -> object:
    """The classifier as if its weights were there, so that only its labels are wrong."""
    return replace(menu.classifiers["mnist-robust"], checksum="0" * 64, problem=None)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"classifiers": ()}, "Choose at least one classifier: tiny-fair, tiny-stubborn."),
        ({"trials": 0}, "at least 1 trial"),
        ({"schedules": ("minimum-norm",)}, "is not made for the relaxation search"),
        ({"searches": ()}, "Choose at least one search: relaxation, minimum-norm."),
        ({"slots": 0}, "at least 1 slot"),
        ({"precision": "float8"}, "choose from float32, bfloat16, float64"),
        ({"random_directions": 21}, "repeated 0 to 20 times, not 21"),
        ({"repeats": -1}, "repeated 0 to 20 times, not -1"),
    ],
)
def test_an_experiment_that_cannot_be_run_is_refused(
    menu: Menu, change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(RequestError) as refused:
        plan.experiment(menu, replace(EXPERIMENT, **change))
    assert sentence in str(refused.value)


def test_missing_weights_are_said_before_anything_is_queued(place: Home) -> None:
    (place.weights / "tiny-fair.safetensors").unlink()
    with pytest.raises(RequestError, match=r"weights of tiny-fair are missing.*Run the test again"):
        plan.exploration(Models(place).menu(), SEARCH)


def test_of_a_thousand_names_the_nearest_are_listed(menu: Menu) -> None:
    names = (*(f"label {index}" for index in range(999)), "Komodo dragon")
    wide = replace(menu.generators["tiny"], labels=names, phrases=names)
    menu = replace(menu, generators={"tiny": wide})
    with pytest.raises(RequestError, match="near to it are Komodo dragon"):
        plan.exploration(menu, replace(SEARCH, label="Komodo dragn", target=None))
