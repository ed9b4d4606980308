"""How often the interval of the failing share holds the true share, on synthetic judgements.

    python -m benchmarks.surface_coverage [--runs 300] [--measure]

People who agree with a known probability are drawn at points that fill a plane, the surface is
fitted as the Maps page fits it (`labelling.agreement_surface`: 400 draws, the interval widened as
there), and the share where P ≥ ½ is compared with the true one. The classifier always fails, so
that the share is of people alone. A process for each row of the table, some minutes.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from engine.regions.moments import even_points
from labelling.agreement_surface import agreement_surface, failing_share
from labelling.intervals import wilson

Floats = NDArray[np.float64]

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "benchmarks" / "surface_coverage.json"
#: logit P at u (k, 2) in the unit square; half of the people agree where it is 0.
BOUNDARIES: dict[str, Callable[[Floats], Floats]] = {
    "straight": lambda u: 8 * (0.55 - u[:, 0]),
    "an ellipse": lambda u: 20 * (0.16 - (u[:, 0] - 0.45) ** 2 - 0.6 * (u[:, 1] - 0.5) ** 2),
}
POINTS = (40, 120)
_FINE = 2000


@dataclass(frozen=True)
class Row:
    """Of `runs` intervals at so many judged points, `held` had the true share in them."""

    boundary: str
    points: int
    runs: int
    truth: float
    held: int
    width: float
    bias: float


def measure(boundary: str, points: int, runs: int) -> Row:
    """Draw, fit and compare, `runs` times."""
    logit = BOUNDARIES[boundary]
    middles = (np.arange(_FINE) + 0.5) / _FINE
    truth = float(
        np.mean([(logit(np.stack([np.full(_FINE, s), middles], 1)) >= 0).mean() for s in middles])
    )
    held, widths, found = 0, [], []
    for run in range(runs):
        rng = np.random.default_rng([run, points])
        u = even_points(points, 2, rng)
        agree = rng.random(points) < expit(logit(u))
        surface = agreement_surface(u, agree, (0.0, 0.0), (1.0, 1.0), seed=run)
        share = failing_share(surface, np.ones((2, 2), bool))
        held += bool(share.low <= truth <= share.high)
        widths.append(share.high - share.low)
        found.append(share.share)
    width, bias = float(np.mean(widths)), float(np.mean(found)) - truth
    return Row(boundary, points, runs, truth, held, width, bias)


def table(rows: list[Row]) -> str:
    """Markdown."""
    lines = [
        "| where people agree | judged points | runs | true share | the interval held it"
        " (95 % of that) | mean width | mean error |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = wilson(row.held / row.runs, row.runs)
        lines.append(
            f"| {row.boundary} | {row.points} | {row.runs} | {row.truth:.3f} |"
            f" {row.held / row.runs:.1%} ({low:.1%}–{high:.1%}) | {row.width:.3f} |"
            f" {row.bias:+.3f} |"
        )
    return "\n".join(lines)


def recorded() -> list[Row]:
    """What was measured last."""
    return [Row(**row) for row in json.loads(RESULTS.read_text())["rows"]]


def main() -> None:
    """Measure, or print the table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=300, help="of each row (default: 300)")
    parser.add_argument("--measure", action="store_true", help=f"and write {RESULTS.name}")
    arguments = parser.parse_args()
    if arguments.measure:
        cases = [(boundary, points) for boundary in BOUNDARIES for points in POINTS]
        with ProcessPoolExecutor(len(cases)) as pool:
            work = [pool.submit(measure, *case, arguments.runs) for case in cases]
            rows = [one.result() for one in work]
        machine = {"processor": platform.machine(), "numpy": np.__version__}
        record = {"machine": machine, "rows": [asdict(row) for row in rows]}
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    print(table(recorded()))


if __name__ == "__main__":
    main()
