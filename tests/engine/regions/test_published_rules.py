"""The three published rules against closed forms, the matrices of the paper, and published runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.corner_by_corner import grow_plainly
from engine.regions import adversarial, adversarial_gradient, grid_score, grow_region, grow_regions
from engine.regions.published import PUBLISHED

SHARED = Path(__file__).parents[4] / "shared" / "data"
ETA, ALPHA, BETA, PENALTY, TINY = 0.1, 0.05, 0.0009, 0.1, 1e-5


def constant(value):
    return lambda u: np.full(len(u), value)


def waves(u):
    """Smooth, in [0, 1], different along every axis."""
    rates = 0.3 + 0.2 * np.arange(u.shape[1])
    return 0.5 + 0.5 * np.prod(np.cos(rates * u), axis=1)


def waves_gradient(u):
    rates = 0.3 + 0.2 * np.arange(u.shape[1])
    cosines, sines = np.cos(rates * u), np.sin(rates * u)
    columns = []
    for k in range(u.shape[1]):
        others = np.prod(np.delete(cosines, k, axis=1), axis=1)
        columns.append(-0.5 * rates[k] * sines[:, k] * others)
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("score", [0.3, 0.9])
def test_on_one_axis_a_constant_score_gives_widths_in_closed_form(score):
    widths = {
        # r ← r + 2η(f − λr)
        "naive": lambda t: score / PENALTY + (2 * TINY - score / PENALTY) * 0.98**t,
        # r ← r + 2ηf(1 − α)
        "oir_b": lambda t: 2 * TINY + 2 * ETA * score * (1 - ALPHA) * t,
        # r ← r + 2ηf(1 − β)
        "oir_w": lambda t: 2 * TINY + 2 * ETA * score * (1 - BETA) * t,
    }
    steps = np.arange(101)
    for method, expected in widths.items():
        region = grow_region(
            constant(score), [5.0], lower=[-500], upper=[500], method=method, steps=100
        )
        np.testing.assert_allclose(np.diff(region.trace, axis=1)[:, 0, 0], expected(steps))
        assert region.mean == pytest.approx(score)
        assert region.variance == pytest.approx(0, abs=1e-12)
        assert region.volume_share == pytest.approx(expected(100) / 1000)
        assert region.feasible == (score >= 0.5)


def test_on_two_axes_a_constant_score_grows_a_square_exponentially():
    """OIR_B: ∇b = −r f (2 − (1 + α)²), so r ← r(1 + 2ηf(2 − (1 + α)²))."""
    region = grow_region(
        constant(0.8), [0, 0], lower=[-9, -9], upper=[9, 9], method="oir_b", steps=50
    )
    factor = 1 + 2 * ETA * 0.8 * (2 - (1 + ALPHA) ** 2)
    np.testing.assert_allclose(region.upper - region.lower, 2 * TINY * factor**50)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("method", PUBLISHED)
def test_the_batched_rules_are_the_matrices_of_the_paper(method, dimensions):
    low, high = np.full(dimensions, -4.0), np.full(dimensions, 3.0)
    starts = np.random.default_rng(0).uniform(-0.5, 0.5, (4, dimensions))
    settings = {"lower": low, "upper": high, "method": method, "steps": 60, "alpha": 0.1}
    settings |= {"beta": 0.01, "initial_halfwidth": 0.3, "learning_rate": 0.2}
    regions = grow_regions(waves, starts, gradient=waves_gradient, **settings)
    for start, region in zip(starts, regions, strict=True):
        lower, upper = grow_plainly(
            lambda u: waves(u[None])[0], lambda u: waves_gradient(u[None])[0], start, **settings
        )
        np.testing.assert_allclose(region.lower, lower, atol=1e-10)
        np.testing.assert_allclose(region.upper, upper, atol=1e-10)


@pytest.mark.parametrize("method", PUBLISHED)
def test_a_region_is_the_same_alone_and_in_a_batch(method):
    starts = [[0.1, 0.2], [-1.0, 0.3], [2.5, 2.5]]
    settings = {"lower": [-3, -3], "upper": [3, 3], "method": method, "steps": 80}
    settings["initial_halfwidth"] = 0.1
    together = grow_regions(waves, starts, **settings)
    for start, region in zip(starts, together, strict=True):
        alone = grow_region(waves, start, **settings)
        np.testing.assert_allclose(region.trace, alone.trace, atol=1e-9)
        assert region.evaluations == alone.evaluations


def test_rules_may_be_mixed_in_a_batch():
    starts = [[0.1, 0.2], [-1.0, 0.3], [2.5, 2.5], [0.1, 0.2]]
    methods = ["oir_w", "naive", "oir_b", "naive"]
    settings = {"lower": [-3, -3], "upper": [3, 3], "steps": 80, "initial_halfwidth": 0.1}
    together = grow_regions(waves, starts, method=methods, **settings)
    assert [region.method for region in together] == methods
    for start, region in zip(starts, together, strict=True):
        alone = grow_region(waves, start, method=region.method, **settings)
        np.testing.assert_allclose(region.trace, alone.trace, atol=1e-9)
        assert region.evaluations == alone.evaluations


def test_differences_stand_in_for_a_gradient():
    settings = {"lower": [-3, -3], "upper": [3, 3], "method": "oir_w", "beta": 0.05}
    settings |= {"steps": 60, "initial_halfwidth": 0.2}
    exact = grow_region(waves, [0.2, 0.1], gradient=waves_gradient, **settings)
    close = grow_region(waves, [0.2, 0.1], gradient_halfstep=1e-4, **settings)
    np.testing.assert_allclose(close.trace, exact.trace, atol=1e-6)
    # Beside its score each corner asks one gradient, or four more scores.
    assert (close.evaluations - 512) / (exact.evaluations - 512) == (4 + 4 * 4) / (4 + 4)


def test_an_adversarial_region_is_a_region_of_one_minus_the_score():
    settings = {"lower": [-3, -3], "upper": [3, 3], "method": "oir_w", "steps": 60}
    settings["initial_halfwidth"] = 0.2
    found = grow_region(
        adversarial(waves),
        [2.5, 2.5],
        gradient=adversarial_gradient(waves_gradient),
        **settings,
    )
    expected = grow_region(
        lambda u: 1 - waves(u), [2.5, 2.5], gradient=lambda u: -waves_gradient(u), **settings
    )
    np.testing.assert_array_equal(found.trace, expected.trace)
    assert found.mean == pytest.approx(1 - waves(np.array([[2.5, 2.5]]))[0], abs=0.2)


@pytest.mark.parametrize("method", PUBLISHED)
@pytest.mark.parametrize("start", [[0.0, 5.0], [10.0, 0.0], [4.0, 4.0]])
def test_the_score_is_never_asked_outside_the_space(method, start):
    asked = []

    def score(u):
        asked.append(u)
        return np.full(len(u), 0.9)

    region = grow_region(score, start, lower=[0, 0], upper=[10, 6], method=method, steps=400)
    points = np.concatenate(asked)
    assert (points >= 0).all() and (points <= [10, 6]).all()
    # Every corner the rule asked, a gradient's included, and the estimates.
    assert region.evaluations == len(points)
    assert (region.lower <= start).all() and (start <= region.upper).all()


def test_a_score_that_falls_where_the_box_is_makes_it_collapse_not_cross():
    region = grow_region(
        lambda u: (np.abs(u[:, 0]) > 1).astype(float),
        [0.0],
        lower=[-10],
        upper=[10],
        method="oir_b",
        initial_halfwidth=0.99,
        steps=50,
    )
    assert (region.trace[:, 0] <= region.trace[:, 1]).all()
    assert not region.feasible


def test_ten_axes_are_allowed():
    region = grow_region(
        lambda u: np.exp(-np.square(u).sum(axis=1)),
        np.zeros(10),
        lower=-np.ones(10),
        upper=np.ones(10),
        method="oir_b",
        steps=2,
        initial_halfwidth=0.4,
    )
    assert region.evaluations == 2 * 2 * 2**10 + 512


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "oir"}, "there are naive, oir_b, oir_w, refined"),
        ({"starts": [[5.0, 0.5]]}, "lies outside the space"),
        ({"starts": [[0.5]]}, "2 numbers each"),
        ({"lower": [0, 1]}, "each lower one below its upper one"),
        ({"lower": [0] * 11, "upper": [1] * 11}, "one to ten axes"),
        ({"steps": 0}, "give 1 or more"),
        ({"score": lambda u: u}, "one number a point"),
        ({"score": lambda u: np.full(len(u), np.nan)}, "not a finite number at u"),
        ({"method": ["naive", "oir_b"]}, "2 methods for 1 starts"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(change, message):
    given = {"score": constant(0.9), "starts": [[0.5, 0.5]], "lower": [0, 0], "upper": [1, 1]}
    given |= {"method": "naive"} | change
    with pytest.raises(ValueError, match=message):
        grow_regions(given.pop("score"), given.pop("starts"), **given)


def test_a_grid_is_interpolated_linearly_and_continues_at_its_edges():
    values = np.array([[0.0, 1.0], [0.4, 0.6], [0.8, 0.2]])
    score = grid_score(values, [[0, 2, 4], [10, 20]])
    np.testing.assert_allclose(
        score(np.array([[0, 10], [1, 10], [0, 15], [3, 15], [-9, 99], [4, 20]])),
        [0, 0.2, 0.5, 0.5, 1.0, 0.2],
    )


published = pytest.mark.skipif(
    not (SHARED / "semantic_map_regions.json").is_file(),
    reason=f"the published regions are not in {SHARED}",
)


def published_score(maps, name):
    return grid_score(maps[name].T, [np.arange(0, 358, 3), np.arange(-10, 90, 3)])


@published
@pytest.mark.parametrize("method", PUBLISHED)
def test_every_published_run_that_stayed_in_the_domain_is_reproduced(method):
    told = json.loads((SHARED / "semantic_map_regions.json").read_text())
    maps = np.load(SHARED / "semantic_maps.npz")
    runs = [run for run in told["runs"] if run["method"] == method]
    compared = 0
    for name in {run["map"] for run in runs}:
        own = [run for run in runs if run["map"] == name]
        regions = grow_regions(
            published_score(maps, name),
            [run["start"] for run in own],
            lower=[0, -10],
            upper=[360, 90],
            method=method,
            steps=199,
        )
        for run, region in zip(own, regions, strict=True):
            assert (region.lower >= [0, -10]).all() and (region.upper <= [360, 90]).all()
            if not run["left_domain"]:
                np.testing.assert_allclose(region.lower, run["lower"], atol=1e-6)
                np.testing.assert_allclose(region.upper, run["upper"], atol=1e-6)
                compared += 1
    assert compared == sum(not run["left_domain"] for run in runs) > 60
