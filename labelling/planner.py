"""How many trials and judgements an interval of a wanted width takes, from pilot data.

Method. Sources are what a bootstrap resamples, so from a pilot of S sources the interval of an
experiment of n sources is foreseen by drawing n of the S with replacement (the n-out-of-S
bootstrap), many times, and computing what the Results page computes: no law of how the width
shrinks is assumed. The n that gives the wanted width is found by secant steps that start from
1/√n. How far the pilot itself could mislead is seen by planning from bootstrap resamples of it:
`trials_high` is what four in five of them need no more than. Judgements are counted as the queue
asks for them: a source once for all conditions, a perturbed picture only of a source that shows
its label, each by so many people. Hidden repeats and controls come on top.

The pilot has to be of the same kind: conditions, schedule, population of labellers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelling.analysis_plan import Comparison
from labelling.curves import conditions
from labelling.entrants import AGREE, MISSING, Entrants, known_trials
from labelling.estimands import Estimand
from labelling.incidence import restricted_mean, value_at
from labelling.intervals import percentile_interval, wilson
from labelling.options import StudyError
from labelling.replicates import Replicates, point_estimate, replicates

Quantity = Literal["restricted-mean", "proportion", "difference"]

METHOD = (
    "Foreseen by drawing that many sources from the pilot's, with replacement, and computing the"
    " interval as Results does; “to be safe” is enough for four in five resamples of the pilot"
    " itself. Judgements are those that the queue would ask for in the whole experiment of so many"
    " trials; hidden repeats and controls come on top."
)
DRAWS = 1000
#: Resamples of the pilot itself, and draws from each.
PILOTS, PILOT_DRAWS = 40, 300
SAFE = 0.8
SECANT_STEPS = 4
#: No experiment has so many trials.
MOST_TRIALS = 10_000_000
#: Fewer sources than this foretell nothing.
FEWEST_SOURCES = 10


@dataclass(frozen=True)
class Size:
    """What one interval takes.

    `what` is the condition or comparison in words; `estimate` and `width` are the pilot's, over
    `pilot_trials`. `trials` a condition give the wanted width, `trials_high` in four of five
    resamples of the pilot. Judgements are for the whole experiment of so many trials. All None,
    with a `reason`, where the pilot cannot tell.
    """

    what: str
    pilot_trials: int
    estimate: float | None = None
    width: float | None = None
    trials: int | None = None
    trials_high: int | None = None
    judgements: int | None = None
    judgements_high: int | None = None
    reason: str | None = None


def sizes(
    pilot: pd.DataFrame,
    estimand: Estimand,
    *,
    of: Quantity,
    width: float,
    limit: float,
    comparisons: Sequence[Comparison] = (),
    overlap: int = 1,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Size]:
    """A Size a condition of the pilot's trial table, or a comparison within each setting.

    `of`: the restricted mean to `limit`, the proportion fooled at magnitude `limit`, or the paired
    difference of restricted means in `comparisons`. `width` is from the interval's low end to its
    high one, in the quantity's unit. `overlap`: people an item. Raises StudyError.
    """
    if of not in get_args(Quantity):
        raise StudyError(
            f"There is no quantity {of!r}: choose from {', '.join(get_args(Quantity))}."
        )
    if not (width > 0 and isfinite(width)) or not (limit > 0 and isfinite(limit)):
        raise StudyError("The width and the magnitude must be numbers above 0.")
    if of == "proportion" and width >= 1:
        raise StudyError("The width of a proportion's interval must be below 1.")
    if of == "difference" and not comparisons:
        raise StudyError("Say which conditions are compared.")
    cells = list(conditions(pilot))
    sources = int(pilot["source_id"].nunique())
    trials = int(pilot["trial_index"].nunique())
    per_trial = overlap * judgements_per_trial(pilot, estimand)
    found = []
    for what, parts in _parts(cells, of, comparisons):
        interval = _Interval(parts, estimand, of, limit, sources)
        size = _size(interval, what, trials, width, np.random.default_rng(seed), draws)
        if size.trials is not None and size.trials_high is not None:
            size = Size(
                **{
                    **vars(size),
                    "judgements": ceil(size.trials * per_trial),
                    "judgements_high": ceil(size.trials_high * per_trial),
                }
            )
        found.append(size)
    if not found:
        raise StudyError("The pilot has no results of these conditions.")
    return found


def judgements_per_trial(pilot: pd.DataFrame, estimand: Estimand) -> float:
    """How many pictures of a trial index one person judges, over all conditions together.

    A source once; the perturbed picture of each condition that fooled, if the source shows its
    label. Where that is not known it is taken as shown as often as among the judged.
    """
    if not estimand.needs_source_judgements or pilot.empty:
        return 0.0
    entering = [cases for _, cases in conditions(pilot)]
    asked = len(np.unique(np.concatenate([cases.unit for cases in entering])))
    judged = sum(int((cases.source != MISSING).sum()) for cases in entering)
    agreed = sum(int((cases.source == AGREE).sum()) for cases in entering)
    fooled = sum(int((cases.fooled & (cases.source == AGREE)).sum()) for cases in entering)
    waiting = sum(int((cases.fooled & (cases.source == MISSING)).sum()) for cases in entering)
    share = agreed / judged if judged else 1.0
    perturbed = (fooled + share * waiting) if estimand.needs_perturbed_judgements else 0.0
    return (asked + perturbed) / pilot["trial_index"].nunique()


def _parts(
    cells: Sequence[tuple[dict[str, object], Entrants]],
    of: Quantity,
    comparisons: Sequence[Comparison],
) -> list[tuple[str, list[Entrants]]]:
    """What an interval is about, in words, and the one or two conditions that it is of."""
    if of != "difference":
        return [(_named(key, FACTORS), [cases]) for key, cases in cells]
    parts = []
    for comparison in comparisons:
        others = [name for name in FACTORS if name != comparison.factor]
        for key, one in cells:
            if key[comparison.factor] != comparison.one:
                continue
            for match, other in cells:
                alike = all(key[name] == match[name] for name in (*others, "experiment_id"))
                if alike and match[comparison.factor] == comparison.other:
                    parts.append((f"{comparison.in_words()}: {_named(key, others)}", [one, other]))
    return parts


FACTORS = ("classifier", "subset", "search", "schedule_name")


def _named(key: dict[str, object], names: Sequence[str]) -> str:
    return ", ".join(str(key[name]) for name in names)


@dataclass(frozen=True)
class _Interval:
    """One interval, as experiments of any size would have it; `sources` are the pilot's."""

    parts: Sequence[Entrants]
    estimand: Estimand
    of: Quantity
    limit: float
    sources: int

    def estimate(self) -> float:
        """What the pilot says; NaN for nothing known."""
        if any(not len(cases) for cases in self.parts):
            return float("nan")
        return float(self._read([point_estimate(cases, self.estimand) for cases in self.parts])[0])

    def width(
        self, n: int, generator: np.random.Generator, draws: int, weights: NDArray | None = None
    ) -> float:
        """The interval's foreseen width with n sources, drawn with these weights (default: alike).

        A proportion's is never narrower than Wilson's, as on the page.
        """
        chances = np.full(self.sources, 1 / self.sources) if weights is None else weights
        counts = generator.multinomial(n, chances, size=draws).T.astype(np.float32)
        drawn = self._read(
            [
                replicates(cases, self.estimand, counts, np.array([self.limit]))
                for cases in self.parts
            ]
        )
        known = min(
            len(np.unique(cases.unit[known_trials(cases, self.estimand)[1]]))
            for cases in self.parts
        )
        expected = max(int(n * known / self.sources), 0)
        low, high = percentile_interval(drawn, expected)
        if self.of == "proportion":
            bottom, top = wilson(np.nanmean(drawn), expected)
            return float(max(high - low, top - bottom))
        return float(high - low)

    def _read(self, curves: Sequence[Replicates]) -> NDArray[np.float64]:
        if self.of == "proportion":
            [curve] = curves
            return value_at(curve.times, curve.values, np.array([self.limit]))[..., 0]
        one, *other = (restricted_mean(c.centres, c.values, self.limit) for c in curves)
        return one - other[0] if other else one


def _size(
    interval: _Interval,
    what: str,
    trials: int,
    width: float,
    generator: np.random.Generator,
    draws: int,
) -> Size:
    sources = interval.sources
    estimate = interval.estimate()
    if sources < FEWEST_SOURCES or not isfinite(estimate):
        few = f"{sources} sources are too few: {FEWEST_SOURCES} at least"
        none = "nothing is judged under this rule yet"
        return Size(what, trials, reason=few if sources < FEWEST_SOURCES else none)
    pilots = interval.width(sources, generator, draws)
    if not pilots > 0:
        return Size(
            what, trials, estimate, reason="in the pilot nothing varies up to this magnitude"
        )
    # Known sources may be too few for an interval though the pilot's are not.
    if not isfinite(pilots):
        return Size(what, trials, estimate, reason="too few sources of the pilot are judged")
    n, foreseen = float(sources), pilots
    for _ in range(SECANT_STEPS):
        n = min(max(n * (foreseen / width) ** 2, FEWEST_SOURCES), MOST_TRIALS)
        # Far beyond the pilot the law of 1/√n holds, and so many draws would tell nothing more.
        if n > 50 * sources:
            break
        foreseen = interval.width(round(n), generator, draws)
    a_source = trials / sources
    needed = min(ceil(n * a_source), MOST_TRIALS)
    return Size(
        what,
        trials,
        estimate,
        pilots,
        needed,
        min(ceil(needed * _caution(interval, generator)), MOST_TRIALS),
    )


def _caution(interval: _Interval, generator: np.random.Generator) -> float:
    """By how much more sources four in five resamples of the pilot would ask, at least 1."""
    sources, squares = interval.sources, []
    for _ in range(PILOTS):
        weights = generator.multinomial(sources, np.full(sources, 1 / sources)) / sources
        found = interval.width(sources, generator, PILOT_DRAWS, weights)
        if isfinite(found):
            squares.append(found**2)
    middle = float(np.median(squares)) if squares else 0.0
    return max(float(np.quantile(squares, SAFE)) / middle, 1.0) if middle else 1.0
