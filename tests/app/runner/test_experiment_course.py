"""Controls, distances between pixels, precision, and extension: what an experiment stores."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sqlite_utils import Database

from app import api
from app.runner.request import ExperimentRequest, RequestError
from data.database import open_database
from data.experiments import conditions, experiment
from data.home import Home
from data.images import read_image
from data.results import StoredResult, results, source
from data.tensors import read_perturbation
from engine.pixel_distances import pixel_distances

REQUEST = ExperimentRequest(
    "tiny",
    ("tiny-fair", "tiny-stubborn"),
    ("first",),
    schedules=("imagenet",),
    budget=120,
    trials=12,
    slots=4,
)


def ran(place: Home, request: ExperimentRequest, **options: object) -> str:
    """The id of the experiment, run to its end."""
    experiment_id = api.define(request, place.root, **options)
    list(api.run(experiment_id, place.root, threads=1))
    return experiment_id


def by_role(database: Database, experiment_id: str) -> dict[tuple, list[StoredResult]]:
    """(role, classifier, repetition) → its results."""
    return {
        (one.role, one.classifier, one.repetition): results(database, one.id)
        for one in conditions(database, experiment_id)
    }


def repeatable(result: StoredResult) -> tuple[object, ...]:
    """Everything of a result that a repetition repeats, to the bit."""
    names = ("trial_index", "label", "target", "outcome", "steps", "magnitude", "magnitudes")
    also = ("margin", "stimulus", "source_id", "pixel_l2", "pixel_linf", "ssim", "reason")
    return tuple(getattr(result, name) for name in (*names, *also))


def test_controls_are_conditions_of_their_own(place: Home, database: Database) -> None:
    request = replace(REQUEST, random_directions=2, repeats=1)
    stored = by_role(database, ran(place, request))
    assert all(len(of) == 12 for of in stored.values()) and len(stored) == 8
    for classifier in REQUEST.classifiers:
        searched = stored["search", classifier, 0]
        repeat = stored["repeat", classifier, 1]
        assert [repeatable(one) for one in searched] == [repeatable(one) for one in repeat]
        first, second = (stored["random-direction", classifier, n] for n in (1, 2))
        for search, one, two in zip(searched, first, second, strict=True):
            if search.outcome != "found":
                assert (one.outcome, one.stimulus, one.magnitude) == ("skipped", None, None)
                assert one.reason == (
                    f"The search that this controls was {search.outcome}: there is no magnitude to"
                    " draw at."
                )
                continue
            assert {one.outcome, two.outcome} <= {"changed", "unchanged"}
            assert one.magnitudes == two.magnitudes == search.magnitudes
            assert one.magnitude == pytest.approx(search.magnitude)
            assert one.source_id == search.source_id and one.stimulus != two.stimulus
            changed = max(one.confidences_after.top, key=lambda guess: guess[1])[0] != one.label
            assert changed == (one.outcome == "changed")
    outcomes = {one.outcome for of in stored.values() for one in of}
    assert outcomes >= {"found", "exhausted", "skipped", "unchanged"}


def test_distances_between_the_stored_pictures_stand_beside_every_magnitude(
    place: Home, database: Database
) -> None:
    for of in by_role(database, ran(place, replace(REQUEST, random_directions=1))).values():
        for one in of:
            stored = (one.pixel_l2, one.pixel_linf, one.ssim)
            if one.stimulus is None:
                assert stored == (None, None, None)
                continue
            before = read_image(place, source(database, one.source_id).stimulus)
            measured = pixel_distances(before, read_image(place, one.stimulus))
            assert stored == (measured.l2, measured.linf, measured.ssim)
            assert measured.l2 > 0


def test_an_extended_experiment_computes_only_what_is_new_and_ends_like_a_longer_one(
    place: Home, database: Database
) -> None:
    request = replace(REQUEST, trials=8, random_directions=1)
    experiment_id = ran(place, request)
    before = by_role(database, experiment_id)
    assert api.extend(experiment_id, 12, place.root) == 12
    list(api.run(experiment_id, place.root, threads=1))
    after = by_role(database, experiment_id)
    assert {key: of[:8] for key, of in after.items()} == before  # ids and times of storage too
    longer = by_role(database, ran(place, replace(request, trials=12)))
    for key, of in after.items():
        assert [repeatable(one) for one in of] == [repeatable(one) for one in longer[key]]
    stored = experiment(database, experiment_id)
    assert [(past["trials"], stored.definition["trials"]) for past in stored.history] == [(8, 12)]


@pytest.mark.parametrize("trials", [0, 7, 8])
def test_an_experiment_is_never_shortened(place: Home, trials: int) -> None:
    experiment_id = api.define(replace(REQUEST, trials=8), place.root)
    with pytest.raises(RequestError, match="has 8 trials already: give a larger number"):
        api.extend(experiment_id, trials, place.root)


def test_in_double_precision_the_margin_has_more_digits(place: Home, database: Database) -> None:
    single = by_role(database, ran(place, REQUEST))["search", "tiny-fair", 0]
    double = by_role(database, ran(place, replace(REQUEST, precision="float64")))[
        "search", "tiny-fair", 0
    ]
    assert [one.outcome for one in single] == [one.outcome for one in double]
    margins = [one.margin for one in double if one.margin is not None]
    assert margins and any(margin != float(np.float32(margin)) for margin in margins)


def test_perturbations_are_kept_only_where_that_was_asked_for(
    place: Home, database: Database
) -> None:
    without = by_role(database, ran(place, REQUEST))["search", "tiny-fair", 0]
    kept = by_role(database, ran(place, replace(REQUEST, keep_perturbations=True), new=True))
    assert all(one.perturbation is None for one in without)
    for one in kept["search", "tiny-fair", 0]:
        tensors = read_perturbation(database, place, one.perturbation)
        assert (tensors is not None) == (one.outcome == "found")
        if tensors is not None:
            norms = [float(np.linalg.norm(tensors[p].astype(float))) for p in ("z", "hidden")]
            assert norms == pytest.approx(one.magnitudes[:2], rel=1e-2)


def test_the_definition_the_code_and_the_checksums_are_stored(place: Home) -> None:
    experiment_id = ran(place, REQUEST)
    database = open_database(place)
    stored = experiment(database, experiment_id)
    assert json.loads(json.dumps(stored.definition))["conditions"][0]["role"] == "search"
    assert stored.code_version.startswith("0.")
    checksums = {stored.generator_checksum, *_checksums(database, experiment_id)}
    assert len(checksums) == 3 and all(len(one) == 64 for one in checksums)
    for one in _all(database, experiment_id):
        assert (one.code_version, one.generator_checksum) == (
            stored.code_version,
            stored.generator_checksum,
        )


def _checksums(database: Database, experiment_id: str) -> set[str]:
    return {one.classifier_checksum for one in conditions(database, experiment_id)}


def _all(database: Database, experiment_id: str) -> list[StoredResult]:
    return [row for one in conditions(database, experiment_id) for row in results(database, one.id)]
