"""Maps against a space and classifiers whose scores are known in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.maps import UNKNOWN, compute_map, empty_map
from engine.regions import grow_region
from tests.engine.maps import toy


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2, "the map gives the threads back"
    torch.set_num_threads(before)


def test_a_map_holds_every_classifiers_score_and_label_at_every_point():
    space, edges = toy.toy_space(2), [toy.Edge(0.3), toy.Edge(0.7, 5.0)]
    found = compute_map(space, edges, toy.toy_description(space, (6, 4), 2))
    assert found.scores.shape == found.predicted.shape == (2, 6, 4)
    assert found.complete and found.measured.all()
    x = np.linspace(0, 1, 6)  # whole 8-bit levels
    for row, edge in enumerate(edges):
        np.testing.assert_allclose(found.scores[row].T, [edge.score(x)] * 4, atol=1e-5)
        np.testing.assert_array_equal(found.predicted[row, :, 0] == 0, edge.score(x) > 0.5)


@pytest.mark.parametrize("settings", [{}, {"side_by_side": False}])
def test_one_axis_and_threads_make_no_difference(two_threads, settings):
    space = toy.toy_space(1, **settings)
    found = compute_map(space, [toy.Edge(0.5)], toy.toy_description(space, (2000,)))
    np.testing.assert_allclose(
        found.scores[0], toy.Edge(0.5).score(found.coordinates[0]), atol=1e-5
    )
    assert space.images.asked == 2000


def test_progress_counts_up_to_all_points():
    space, told = toy.toy_space(1), []
    compute_map(
        space,
        [toy.Edge(0.5)],
        toy.toy_description(space, (1000,)),
        on_progress=lambda *counts: told.append(counts),
    )
    assert told == sorted(told) and len(told) > 1
    assert told[-1] == (1000, 1000)


@pytest.mark.parametrize("tolerance", [None, 0.05])
def test_a_stopped_map_goes_on_where_it_was(tolerance):
    edges = [toy.Edge(0.5), toy.Edge(0.2)]
    space = toy.toy_space(2)
    description = toy.toy_description(space, (60, 60), 2, tolerance=tolerance)
    answers = iter([False, True])
    part = compute_map(space, edges, description, stop=lambda: next(answers, True))
    assert not part.complete and part.measured.any()
    assert np.isnan(part.scores[:, ~part.measured]).all() or tolerance
    with pytest.raises(ValueError, match="not complete"):
        part.score()
    asked = space.images.asked
    rest = compute_map(space, edges, description, so_far=part)
    whole = compute_map(toy.toy_space(2), edges, description)
    assert rest.complete
    np.testing.assert_array_equal(rest.scores, whole.scores)
    np.testing.assert_array_equal(rest.predicted, whole.predicted)
    assert space.images.asked == whole.measured.sum() == rest.measured.sum() > asked > 0


def test_refinement_asks_only_where_the_score_changes_and_misses_no_edge():
    space, edge = toy.toy_space(2), toy.Edge(0.37)
    description = toy.toy_description(space, (101, 101), tolerance=0.05, coarse=8)
    found = compute_map(space, [edge], description)
    exact = compute_map(toy.toy_space(2), [edge], replace(description, tolerance=None))
    assert found.complete
    assert space.images.asked == found.measured.sum() < 0.45 * 101 * 101
    np.testing.assert_allclose(found.scores, exact.scores, atol=0.02)
    np.testing.assert_array_equal(found.predicted, exact.predicted)


def test_a_flat_map_is_asked_at_its_coarse_points_alone():
    space = toy.toy_space(2)
    found = compute_map(
        space, [toy.Edge(-9.0)], toy.toy_description(space, (33, 20), tolerance=0.1, coarse=8)
    )
    assert space.images.asked == 5 * 4  # 0, 8, … 32 and 0, 8, 16, 19
    assert found.complete
    np.testing.assert_allclose(found.scores, 1.0)


def test_regions_grow_on_a_map_at_once():
    space, edge = toy.toy_space(2), toy.Edge(0.4, 200.0)
    found = compute_map(space, [edge], toy.toy_description(space, (101, 11)))
    region = grow_region(
        found.score(0), [0.8, 0.5], lower=space.lower, upper=space.upper, method="refined"
    )
    assert region.feasible
    assert 0.5 < region.volume_share < 0.65


def test_an_empty_map_knows_nothing():
    space = toy.toy_space(1)
    found = empty_map(toy.toy_description(space, (5,)))
    assert not found.complete and not found.measured.any()
    assert (found.predicted == UNKNOWN).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resolution": (5,)}, "give a number of points, 2 or more, for each"),
        ({"resolution": (5, 1)}, "2 or more"),
        ({"classifiers": ()}, "give each of those"),
        ({"space": toy.toy_space(1).description}, "another space"),
    ],
)
def test_what_does_not_fit_is_said(change, message):
    space = toy.toy_space(2)
    description = replace(toy.toy_description(space, (5, 5)), **change)
    with pytest.raises(ValueError, match=message):
        compute_map(space, [toy.Edge(0.5)], description)
