"""Grow regions from many starts, by any of the four methods, as one batch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.regions.moments import replicated_moments, replicated_points
from engine.regions.published import PUBLISHED, Descent, grow
from engine.regions.refined import budget, refine
from engine.regions.region import (
    EPSILON_MEAN,
    EPSILON_VARIANCE,
    Domain,
    Region,
    check_domain,
    make_region,
)
from engine.regions.rules import Settings
from engine.regions.scores import Gradient, Score

Floats = NDArray[np.float64]

METHODS = (*PUBLISHED, "refined")
#: Scores asked to estimate mean and variance of a region of the published methods.
SAMPLES = 512


def grow_region(
    score: Score,
    start: ArrayLike,
    *,
    lower: ArrayLike,
    upper: ArrayLike,
    method: str,
    steps: int = 800,
    learning_rate: float = 0.1,
    alpha: float = 0.05,
    beta: float = 0.0009,
    penalty: float = 0.1,
    initial_halfwidth: float = 1e-5,
    gradient: Gradient | None = None,
    gradient_halfstep: ArrayLike | None = None,
    epsilon_mean: float = EPSILON_MEAN,
    epsilon_variance: float = EPSILON_VARIANCE,
    seed: int = 0,
) -> Region:
    """The region that `method` grows from `start` (n,): `grow_regions` of one start."""
    return grow_regions(
        score,
        [np.atleast_1d(np.asarray(start, dtype=np.float64))],
        lower=lower,
        upper=upper,
        method=method,
        steps=steps,
        learning_rate=learning_rate,
        alpha=alpha,
        beta=beta,
        penalty=penalty,
        initial_halfwidth=initial_halfwidth,
        gradient=gradient,
        gradient_halfstep=gradient_halfstep,
        epsilon_mean=epsilon_mean,
        epsilon_variance=epsilon_variance,
        seed=seed,
    )[0]


def grow_regions(
    score: Score,
    starts: ArrayLike,
    *,
    lower: ArrayLike,
    upper: ArrayLike,
    method: str | Sequence[str],
    steps: int = 800,
    learning_rate: float = 0.1,
    alpha: float = 0.05,
    beta: float = 0.0009,
    penalty: float = 0.1,
    initial_halfwidth: float = 1e-5,
    gradient: Gradient | None = None,
    gradient_halfstep: ArrayLike | None = None,
    epsilon_mean: float = EPSILON_MEAN,
    epsilon_variance: float = EPSILON_VARIANCE,
    seed: int = 0,
    on_round: Callable[[int], None] = lambda done: None,
) -> list[Region]:
    """Robust regions (Hamdi & Ghanem 2020) around `starts`, all asked in the same batches.

    score
        Points u (k, n) in Ω → scores (k,) in [0, 1]. Adversarial regions are those of
        `adversarial(score)`. To stop, let it raise.
    starts
        (R, n), inside Ω, 1 ≤ n ≤ 10.
    lower, upper
        Ω's bounds (n,).
    method
        `naive`, `oir_b`, `oir_w` (the published rules, clipped to Ω) or `refined` (our own); one
        for all starts or one for each.
    steps
        Updates T. `refined` makes none: it may ask 5 % of the scores that `oir_b` asks in as
        many updates, at least 128 and at most 1500.
    learning_rate, alpha, beta, penalty, initial_halfwidth
        η, α, β, λ and half the side of the first box, of the published rules.
    gradient
        Points (k, n) → the score's gradient (k, n), for `oir_w`. Without it: central differences
        with `gradient_halfstep` (n,) on either side, in the space's units; when that is absent
        too, 0.5, or 1/200 of an axis narrower than 100.
    epsilon_mean, epsilon_variance
        Eq. 2's thresholds: mean ≥ 1 − ε_m and variance ≤ ε_v.
    seed
        Of the points where means and variances are estimated, and of `refined`.
    on_round
        Told after each batch how many there were.

    Raises ValueError where a start, a bound, a method or what the score gives cannot be used.
    """
    domain = check_domain(lower, upper)
    at = _check_starts(starts, domain)
    methods = [method] * len(at) if isinstance(method, str) else list(method)
    for name in methods:
        if name not in METHODS:
            raise ValueError(f"There is no method “{name}”; there are {', '.join(METHODS)}.")
    if len(methods) != len(at):
        raise ValueError(f"{len(methods)} methods for {len(at)} starts: give one for each, or one.")
    if steps < 1:
        raise ValueError(f"{steps} steps grow nothing: give 1 or more.")
    descent = Descent(
        gradient_halfstep=_halfstep(gradient_halfstep, domain),
        steps=steps,
        learning_rate=learning_rate,
        initial_halfwidth=initial_halfwidth,
        settings=Settings(alpha, beta, penalty),
    )
    thresholds = {"epsilon_mean": epsilon_mean, "epsilon_variance": epsilon_variance}
    searches: list[tuple[list[int], Generator[Floats, Floats, list[Region]]]] = []
    rows = [row for row, name in enumerate(methods) if name in PUBLISHED]
    if rows:
        by = [methods[row] for row in rows]
        growth = _published(by, at[rows], domain, descent, gradient, thresholds, seed)
        searches.append((rows, growth))
    for row, name in enumerate(methods):
        if name == "refined":
            searches.append(([row], _refined(at[row], domain, steps, thresholds, seed)))
    regions: dict[int, Region] = {}
    finished = _together([growth for _, growth in searches], score, on_round)
    for (rows, _), grown in zip(searches, finished, strict=True):
        regions |= zip(rows, grown, strict=True)
    return [regions[row] for row in range(len(at))]


def _published(
    methods: Sequence[str],
    starts: Floats,
    domain: Domain,
    descent: Descent,
    gradient: Gradient | None,
    thresholds: dict[str, float],
    seed: int,
) -> Generator[Floats, Floats, list[Region]]:
    grown = yield from grow(methods, starts, domain, descent, gradient)
    lower, upper = grown.traces[:, -1, 0], grown.traces[:, -1, 1]
    scores = yield replicated_points(lower, upper, SAMPLES, seed)
    found = replicated_moments(scores.reshape(len(starts), -1))
    return [
        make_region(
            method,
            start,
            trace,
            moments,
            domain=domain,
            evaluations=int(asked) + scores.size // len(starts),
            steps=descent.steps,
            **thresholds,
        )
        for method, start, trace, moments, asked in zip(
            methods, starts, grown.traces, found, grown.evaluations, strict=True
        )
    ]


def _refined(
    start: Floats, domain: Domain, steps: int, thresholds: dict[str, float], seed: int
) -> Generator[Floats, Floats, list[Region]]:
    asked = budget(steps, len(start))
    found = yield from refine(start, domain, asked, seed=seed, **thresholds)
    return [
        make_region(
            "refined",
            start,
            found.trace,
            found.moments,
            domain=domain,
            evaluations=found.evaluations,
            steps=steps,
            **thresholds,
        )
    ]


def _together(
    searches: Sequence[Generator[Floats, Floats, Any]],
    score: Score,
    on_round: Callable[[int], None],
) -> list[Any]:
    """Run coroutines that want points scored side by side: one call of the score a round."""
    results: list[Any] = [None] * len(searches)
    wanted = {number: next(search) for number, search in enumerate(searches)}
    done = 0
    while wanted:
        points = np.concatenate(list(wanted.values()))
        scores = np.asarray(score(points), dtype=np.float64)
        if scores.shape != (len(points),):
            raise ValueError(
                f"The score gave an array of shape {scores.shape} for {len(points)} points: it"
                f" must give one number a point, ({len(points)},)."
            )
        if not np.isfinite(scores).all():
            worst = points[np.flatnonzero(~np.isfinite(scores))[0]].tolist()
            raise ValueError(f"The score is not a finite number at u = {worst}.")
        first, still = 0, {}
        for number, asked in wanted.items():
            part = scores[first : first + len(asked)]
            first += len(asked)
            try:
                still[number] = searches[number].send(part)
            except StopIteration as finished:
                results[number] = finished.value
        wanted = still
        done += 1
        on_round(done)
    return results


def _check_starts(starts: ArrayLike, domain: Domain) -> Floats:
    at = np.asarray(starts, dtype=np.float64)
    dimensions = len(domain.lower)
    if at.ndim != 2 or at.shape[1] != dimensions:
        raise ValueError(
            f"The starts have shape {at.shape}: a row a start with {dimensions} numbers each is"
            " needed, as the bounds have."
        )
    outside = ~((at >= domain.lower) & (at <= domain.upper)).all(axis=1)
    if outside.any():
        raise ValueError(
            f"The start {at[outside][0].tolist()} lies outside the space, which goes from"
            f" {domain.lower.tolist()} to {domain.upper.tolist()}."
        )
    return at


def _halfstep(given: ArrayLike | None, domain: Domain) -> Floats:
    if given is None:
        return np.minimum(0.5, domain.widths / 200)
    halfstep = np.broadcast_to(np.asarray(given, dtype=np.float64), domain.widths.shape)
    if not (halfstep > 0).all():
        raise ValueError(f"The half-step of the differences, {given}, has to be above 0.")
    return halfstep
