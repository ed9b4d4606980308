"""`refined` against the largest feasible box that OIR_B ever passes, on the 40 published maps.

    python -m benchmarks.regions [--maps ../shared/data/semantic_maps.npz] [--measure]

From every start with a score of 0.5 or more: the paper's four, and a grid of them. Whether a box is
feasible is decided by integrals over the interpolated map, for both methods alike, and not by what
a method estimated. OIR_B is given the best box of its whole trace, chosen with those integrals and
at no cost; `refined` has to choose by its own estimates, and every score it asks is counted.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.regions import VolumeRatio, grid_score, grow_regions, volume_ratios
from engine.regions.grow import SAMPLES
from engine.regions.published import PUBLISHED
from engine.regions.region import EPSILON_MEAN, EPSILON_VARIANCE

Floats = NDArray[np.float64]

ROOT = Path(__file__).parents[1]
MAPS = ROOT.parent / "shared" / "data" / "semantic_maps.npz"
RESULTS = ROOT / "docs" / "benchmarks" / "regions.json"
LOWER, UPPER = np.array([0.0, -10.0]), np.array([360.0, 90.0])
AXES = (np.arange(0.0, 358.0, 3.0), np.arange(-10.0, 90.0, 3.0))
PAPERS = [(130.0, 30.0), (50.0, 20.0), (200.0, 15.0), (310.0, 50.0)]
GRID = [(float(a), float(e)) for a in range(15, 360, 30) for e in range(0, 81, 20)]
#: Cells of the integrals, in degrees, and edges of the boxes that an exhaustive search compares.
CELL, EDGE = 0.5, (3.0, 2.5)
TOP_1_ERRORS = {"AlexNet": 43.45, "VGG": 30.98, "ResNet50": 23.85, "Inceptionv3": 22.55}
PUBLISHED_RATIOS = {"AlexNet": 8.92, "VGG": 9.88, "ResNet50": 16.88, "Inceptionv3": 7.92}


@dataclass(frozen=True)
class Row:
    """One network's starts: summed volumes of feasible boxes, in square degrees, and scores asked.

    `all_boxes` is the largest feasible one of all boxes with edges on a grid, for each start: what
    there was to find. `claimed` counts the regions that `refined` calls feasible, `wrong` those
    among them that the integrals do not.
    """

    network: str
    maps: int
    starts: int
    oir_b: float
    oir_b_asked: int
    refined: float
    refined_asked: int
    claimed: int
    wrong: int
    all_boxes: float


class Integrals:
    """Mean and variance of the score over boxes, from sums over cells of half a degree."""

    def __init__(self, score: Callable[[Floats], Floats]) -> None:
        edges = [
            np.arange(low, high + CELL / 2, CELL) for low, high in zip(LOWER, UPPER, strict=True)
        ]
        middles = [axis[:-1] + CELL / 2 for axis in edges]
        cells = np.stack(np.meshgrid(*middles, indexing="ij"), -1)
        values = score(cells.reshape(-1, 2)).reshape(cells.shape[:2])
        self._sums = [grid_score(_cumulative(powers), edges) for powers in (values, values**2)]

    def feasible(self, lower: Floats, upper: Floats) -> tuple[NDArray[np.bool_], Floats]:
        """Which boxes (k, 2) meet eq. 2, and the areas of all."""
        area = np.maximum((upper - lower).prod(axis=1), 1e-30)
        mean, square = (self._over(sums, lower, upper) / area for sums in self._sums)
        met = (mean >= 1 - EPSILON_MEAN) & (square - mean**2 <= EPSILON_VARIANCE)
        return met, area

    @staticmethod
    def _over(sums: Callable[[Floats], Floats], lower: Floats, upper: Floats) -> Floats:
        crossed = np.stack([lower[:, 0], upper[:, 1]], 1), np.stack([upper[:, 0], lower[:, 1]], 1)
        return sums(upper) + sums(lower) - sums(crossed[0]) - sums(crossed[1])

    def largest(self, start: Floats) -> float:
        """The area of the largest feasible box around `start` with edges on the grid."""
        edges = [
            np.arange(low, high + 0.1, e) for low, high, e in zip(LOWER, UPPER, EDGE, strict=True)
        ]
        sides = [
            np.stack(np.meshgrid(axis[axis <= s], axis[axis > s]), -1).reshape(-1, 2)
            for axis, s in zip(edges, start, strict=True)
        ]
        first, second = (
            np.repeat(sides[0], len(sides[1]), 0),
            np.tile(sides[1], (len(sides[0]), 1)),
        )
        met, area = self.feasible(
            np.stack([first[:, 0], second[:, 0]], 1), np.stack([first[:, 1], second[:, 1]], 1)
        )
        return float(area[met].max(initial=0.0))


def _cumulative(values: Floats) -> Floats:
    return np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0))) * CELL**2


def measure(maps: dict[str, Floats], network: str, steps: int) -> Row:
    """Both methods on the maps of one network."""
    counts = dict.fromkeys(
        ["maps", "starts", "oir_b_asked", "refined_asked", "claimed", "wrong"], 0
    )
    areas = dict.fromkeys(["oir_b", "refined", "all_boxes"], 0.0)
    for name, values in maps.items():
        if network_of(name) != network:
            continue
        score = grid_score(values.T, AXES)
        starts = np.unique(np.array([*PAPERS, *GRID]), axis=0)
        starts = starts[score(starts) >= 0.5]
        counts["maps"] += 1
        counts["starts"] += len(starts)
        if not len(starts):
            continue
        truth = Integrals(score)
        settings = {"lower": LOWER, "upper": UPPER, "steps": steps}
        for region in grow_regions(score, starts, method="oir_b", **settings):
            met, area = truth.feasible(region.trace[:, 0], region.trace[:, 1])
            areas["oir_b"] += area[met].max(initial=0.0)
            # The growth alone: its estimates of mean and variance are not counted against it.
            counts["oir_b_asked"] += region.evaluations - SAMPLES
        for region in grow_regions(score, starts, method="refined", **settings):
            [met], [area] = truth.feasible(region.lower[None], region.upper[None])
            areas["refined"] += area * (met and region.feasible)
            counts["refined_asked"] += region.evaluations
            counts["claimed"] += region.feasible
            counts["wrong"] += bool(region.feasible and not met)
        areas["all_boxes"] += sum(truth.largest(start) for start in starts)
    return Row(network, **counts, **areas)


def ratios(maps: dict[str, Floats], network: str, steps: int) -> VolumeRatio:
    """SRVR of one network over its maps, the paper's starts and the average of its methods."""
    regions, objects = [], []
    for name, values in maps.items():
        if network_of(name) == network:
            regions += grow_regions(
                grid_score(values.T, AXES),
                PAPERS * len(PUBLISHED),
                lower=LOWER,
                upper=UPPER,
                method=[method for method in PUBLISHED for _ in PAPERS],
                steps=steps,
            )
            objects += [name] * len(PAPERS) * len(PUBLISHED)
    return volume_ratios(regions, [network] * len(regions), objects)[0]


def network_of(name: str) -> str:
    """The network of a key `network_class_object`."""
    return re.fullmatch(r"(.+)_\d+_\d+", name)[1]


def growth_table(rows: list[Row]) -> str:
    """Markdown: both methods, network by network and together."""
    lines = [
        "| network | maps | starts | OIR_B's best box, summed | scores asked | `refined`, summed |"
        " scores asked | volume | scores | of all boxes' best | called feasible, wrongly |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    numbers = [name for name in asdict(rows[0]) if name != "network"]
    total = Row("all", **{name: sum(getattr(row, name) for row in rows) for name in numbers})
    for row in [*rows, total]:
        lines.append(
            f"| {row.network} | {row.maps} | {row.starts} | {row.oir_b:,.0f} |"
            f" {row.oir_b_asked:,} | {row.refined:,.0f} | {row.refined_asked:,} |"
            f" ×{row.refined / row.oir_b:.2f} | {row.refined_asked / row.oir_b_asked:.1%} |"
            f" {row.refined / row.all_boxes:.0%} | {row.claimed}, {row.wrong} |"
        )
    return "\n".join(lines)


def ratio_table(found: dict[str, VolumeRatio]) -> str:
    """Markdown: SRVR beside the published one and the top-1 error."""
    lines = [
        "| network | maps | SRVR, % (95 %) | T | feasible | published, % | top-1 error, % |",
        "|---|---|---|---|---|---|---|",
    ]
    for network, one in found.items():
        lines.append(
            f"| {network} | {one.objects} | {100 * one.ratio:.1f}"
            f" ({100 * one.low:.1f}–{100 * one.high:.1f}) | {one.steps} | {one.feasible:.0%} |"
            f" {PUBLISHED_RATIOS[network]} | {TOP_1_ERRORS[network]} |"
        )
    return "\n".join(lines)


def recorded() -> tuple[list[Row], dict[str, VolumeRatio]]:
    """What was measured last."""
    told = json.loads(RESULTS.read_text())
    return [Row(**row) for row in told["growth"]], {
        name: VolumeRatio(**{**one, "methods": tuple(one["methods"])})
        for name, one in told["ratios"].items()
    }


def main() -> None:
    """Measure, or print the tables of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=Path, default=MAPS, help="the published maps")
    parser.add_argument("--steps", type=int, default=800, help="T (default: 800)")
    parser.add_argument("--measure", action="store_true", help=f"and write {RESULTS.name}")
    arguments = parser.parse_args()
    if arguments.measure:
        with np.load(arguments.maps) as stored:
            maps = {name: stored[name] for name in stored.files}
        growth = [measure(maps, network, arguments.steps) for network in TOP_1_ERRORS]
        found = {network: ratios(maps, network, arguments.steps) for network in TOP_1_ERRORS}
        record = {
            "growth": [asdict(row) for row in growth],
            "ratios": {network: asdict(one) for network, one in found.items()},
        }
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    growth, found = recorded()
    print(growth_table(growth), ratio_table(found), sep="\n\n")


if __name__ == "__main__":
    main()
