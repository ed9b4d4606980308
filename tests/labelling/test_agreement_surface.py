"""The logistic surface against closed forms, and the coverage of its share's interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from labelling.agreement_surface import (
    FEWEST_POINTS,
    agreement_surface,
    failing_share,
    firth,
)

PLANE = ([0.0, 0.0], [1.0, 1.0])
AXIS = np.linspace(0, 1, 41)


@pytest.mark.parametrize(("yes", "n"), [(0, 30), (7, 30), (15, 31), (30, 30)])
def test_with_an_intercept_alone_firths_estimate_is_k_plus_a_half_over_n_plus_one(
    yes: int, n: int
) -> None:
    outcome = np.repeat([1.0, 0.0], [yes, n - yes])
    (beta,) = firth(np.ones((n, 1)), outcome)
    assert expit(beta) == pytest.approx((yes + 0.5) / (n + 1), abs=1e-9)


def test_with_two_groups_each_has_its_own_closed_form_even_when_they_are_separated() -> None:
    group = np.repeat([0.0, 1.0], 20)
    beta = firth(np.stack([1 - group, group], 1), group)
    assert expit(beta) == pytest.approx([0.5 / 21, 20.5 / 21], abs=1e-9)


def test_fewer_points_than_thirty_fit_no_surface() -> None:
    u = np.random.default_rng(0).random((FEWEST_POINTS - 1, 2))
    assert agreement_surface(u, u[:, 0] > 0.5, *PLANE) is None


def test_a_straight_boundary_is_found_where_it_is_and_its_share_is_that_of_the_rectangle() -> None:
    """People agree left of s = 0.6; the classifier fails above t = 0.25: 0.6 × 0.75 of it."""
    u = np.random.default_rng(1).random((400, 2))
    surface = agreement_surface(u, u[:, 0] < 0.6, *PLANE, draws=100)
    assert (surface.points, surface.agreed) == (400, int((u[:, 0] < 0.6).sum()))
    fails = np.broadcast_to(AXIS[None, :] > 0.25, (41, 41))
    share = failing_share(surface, fails)
    assert share.share == pytest.approx(0.45, abs=0.02)
    assert share.low <= share.share <= share.high
    assert share.high - share.low < 0.1
    assert (surface.low <= surface.probability + 1e-6).mean() > 0.95


@pytest.mark.parametrize(("fails", "expected"), [(True, 1.0), (False, 0.0)])
def test_where_all_agree_the_share_is_that_of_the_failures(fails: bool, expected: float) -> None:
    u = np.random.default_rng(2).random((60, 2))
    surface = agreement_surface(u, np.ones(60), *PLANE, draws=50)
    assert failing_share(surface, np.full((41, 41), fails)).share == pytest.approx(expected)


def test_the_interval_holds_the_true_share_about_as_often_as_it_says() -> None:
    """P = expit(8 (0.55 − s)), so that people agree left of 0.55; the classifier always fails."""
    draw = np.random.default_rng(3)
    held = []
    for number in range(40):
        u = draw.random((120, 2))
        agree = draw.random(120) < expit(8 * (0.55 - u[:, 0]))
        surface = agreement_surface(u, agree, *PLANE, draws=120, seed=number)
        share = failing_share(surface, np.ones((2, 2), bool))
        held.append(share.low <= 0.55 <= share.high)
    assert np.mean(held) >= 0.85
