"""What a paired comparison says, in words: what follows from it, and what does not."""

from __future__ import annotations

from typing import Any

from labelling.estimands import AS_PUBLISHED, RAW, SOURCE_JUDGED, Estimand
from labelling.paired import FEWEST_PAIRS, SIGNIFICANT, Dimension

_FOOLED = {
    RAW.key: "to be fooled",
    SOURCE_JUDGED.key: "to be fooled",
    AS_PUBLISHED.key: "to be fooled",
}
_AGREE = "to be fooled while people agree"

_DOES_NOT: dict[Dimension, str] = {
    "classifier": (
        "It holds for the sources that both classifiers got right, and says what suffices for this"
        " search on this schedule: not which classifier has the smaller perturbation in truth, nor"
        " anything about other layers, labels or generators."
    ),
    "subset": (
        "A magnitude counts standard deviations of the activations that are perturbed, so more of"
        " it in other layers need not be a larger change of the picture; and it says what suffices"
        " for this search, not what is smallest."
    ),
    "search": (
        "It compares searches, not classifiers: the one that needs less came nearer to the smallest"
        " perturbation, which neither is known to reach."
    ),
}


def what_follows(row: Any, estimand: Estimand, by: Dimension) -> str:
    """A row of `labelling.paired.comparisons` in a few sentences."""
    sources = f"{row.sources} source{'' if row.sources == 1 else 's'}"
    if row.sources < FEWEST_PAIRS:
        return (
            f"{row.one} and {row.other} ({row.held}): too few. They share {sources} whose outcome"
            f" and judgements are known under both; from fewer than {FEWEST_PAIRS} nothing follows."
            f"{_left_out(row)}"
        )
    verdict = _verdict(row)
    return f"{_finding(row, estimand, sources)} {verdict}{_left_out(row)} {_DOES_NOT[by]}"


def _finding(row: Any, estimand: Estimand, sources: str) -> str:
    purpose = _FOOLED.get(estimand.key, _AGREE)
    more, less = (row.one, row.other) if row.difference >= 0 else (row.other, row.one)
    low, high = sorted([row.low, row.high]) if row.difference >= 0 else (-row.high, -row.low)
    larger = row.one_larger if row.difference >= 0 else row.other_larger
    smaller = row.other_larger if row.difference >= 0 else row.one_larger
    return (
        f"On the same {sources} ({row.held}), {more} needed on average"
        f" {_number(abs(row.difference))} [{_number(low)}, {_number(high)}] more than {less}"
        f" {purpose}, whatever lies beyond M_max = {_number(row.limit)} counting as M_max. It"
        f" needed more on {larger:.0%} of the sources and less on {smaller:.0%}."
    )


def _verdict(row: Any) -> str:
    wilcoxon, sign = row.wilcoxon_holm < SIGNIFICANT, row.sign_holm < SIGNIFICANT
    values = (
        f"signed-rank test {_p(row.wilcoxon_holm)}, sign test {_p(row.sign_holm)}, after Holm's"
        f" correction for {row.comparisons} comparison{'' if row.comparisons == 1 else 's'}"
    )
    if wilcoxon and sign:
        return f"Chance alone would hardly give such a difference ({values})."
    if wilcoxon or sign:
        which = "signed-rank" if wilcoxon else "sign"
        return (
            f"Only the {which} test finds a difference ({values}): how often one needs more and by"
            " how much do not tell the same story, so take it as a hint."
        )
    if not row.low <= 0 <= row.high:
        return (
            f"The interval leaves zero out, but neither test finds a difference ({values}): the"
            " interval is of the mean, which few sources can pull, and is not corrected for the"
            " other comparisons, so take it as a hint."
        )
    return (
        f"No difference is shown ({values}); nor is it shown that there is none: the interval has"
        " all that the data leave open."
    )


def _left_out(row: Any) -> str:
    parts = []
    if row.missing:
        parts.append(f"{_trials(row.missing)} left out, for a judgement is missing")
    if row.not_tested:
        parts.append(f"{_trials(row.not_tested)} left out, for a search ended before M_max")
    return f" {'; '.join(parts)[0].upper()}{'; '.join(parts)[1:]}." if parts else ""


def _trials(count: int) -> str:
    return f"{count} trial{' is' if count == 1 else 's are'}"


def _number(value: float) -> str:
    return f"{value:#.3g}".rstrip(".").replace("-", "−")


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"
