"""How fast the Results page is with 100 000 results and 1 000 000 judgements.

    python -m benchmarks.results_speed [--home HOME] [--browser] [--json FILE]
    python -m benchmarks.results_speed --print

With `--json` what was measured is kept; kept as docs/benchmarks/results_speed.json it is also the
table of docs/results-speed.md. `--print` prints that table again.

Without `--home` a large synthetic home is made first (benchmarks.large_database). What the page
computes for each view is timed in this process, first with nothing read yet and then after a change
of each filter, with the processor's time beside the clock's, since other work may share the
machine; with `--browser` also in Chromium (benchmarks.results_in_browser). Bars: 2 s to a first
drawing, 0.5 s after a change of a filter, 1 GB of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import plotly.graph_objects as go

from benchmarks.results_in_browser import in_browser

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "results-speed.md"
RECORD = ROOT / "docs" / "benchmarks" / "results_speed.json"
PAUSE_SECONDS = 3.0
FIRST_SECONDS, CHANGE_SECONDS, MOST_MEGABYTES = 2.0, 0.5, 1000


@dataclass(frozen=True)
class Timing:
    """Seconds by the clock and of processors, and the process's largest memory up to then.

    Of a drawing in the browser processors and memory are those of the process that serves pages.
    """

    what: str
    seconds: float
    processor_seconds: float
    megabytes: float
    bar: float

    @property
    def met(self) -> bool:
        return self.seconds <= self.bar and self.megabytes <= MOST_MEGABYTES


def measure(what: str, run: Callable[[], object], bar: float) -> Timing:
    """Run once."""
    began, used = time.perf_counter(), time.process_time()
    run()
    return Timing(
        what,
        time.perf_counter() - began,
        time.process_time() - used,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        bar,
    )


def views(root: Path) -> list[Timing]:
    """Each view's numbers and figure, from the database to the JSON that a browser gets."""
    os.environ["PLAINVIEW_HOME"] = str(root)
    from app.access import database
    from app.charts.differences import paired_differences
    from app.charts.funnel import funnel_bars
    from app.charts.success import risk_magnitudes, success_curves
    from app.charts.theme import classifier_colours
    from app.widgets import results_kept
    from app.widgets.results_data import SelectedResults, Selection
    from benchmarks.results_fools import fools
    from data.experiments import conditions, experiments
    from labelling.eligibility import JudgingRule

    experiment = experiments(database())[0]
    cells = conditions(database(), experiment.id)
    chosen = Selection(
        experiment,
        cells[0].search,
        cells[0].schedule_name,
        (300,),
        tuple(dict.fromkeys(cell.subset for cell in cells)),
        tuple(sorted({cell.classifier for cell in cells})),
        JudgingRule(),
    )
    colours = classifier_colours(chosen.classifiers)
    points: list[int] = []

    def sent(figure: go.Figure) -> None:
        figure.to_json()
        points.append(max((len(one.x) for one in figure.data if one.x is not None), default=0))

    def curves(selection: Selection, estimand: str = "fooled-while-people-agree") -> None:
        import pandas as pd

        results = SelectedResults(selection)
        assert results.judged and results.judged_so_far
        frames = [results.curves(estimand), results.curves("source-judged", bands=False)]
        frame = pd.concat(frames)
        risk = results.at_risk(estimand, risk_magnitudes(frame, False))
        sent(
            success_curves(
                frame, focus=estimand, colours=colours, subsets=selection.subsets, risk=risk
            )
        )

    def table_1(selection: Selection) -> None:
        results = SelectedResults(selection)
        results.means("fooled-while-people-agree", results.limit)

    def compare(selection: Selection) -> None:
        results = SelectedResults(selection)
        sent(
            paired_differences(
                results.comparisons("fooled-while-people-agree", "classifier", results.limit)
            )
        )

    def funnel(selection: Selection) -> None:
        results = SelectedResults(selection)
        sent(funnel_bars(results.funnel(results.limit), colours=colours))

    def forget() -> None:
        results_kept._stood.clear()
        for name in vars(results_kept).values():
            if hasattr(name, "cache_clear"):
                name.cache_clear()

    shown = {"Curves": curves, "Table": table_1, "Compare": compare, "Funnel": funnel}
    shown |= fools(colours, sent)
    timings = []
    for name, view in shown.items():
        forget()
        timings.append(
            measure(f"{name}, nothing read yet", lambda view=view: view(chosen), FIRST_SECONDS)
        )
    forget()
    for view in shown.values():
        view(chosen)
    SelectedResults(chosen).prepare()
    time.sleep(PAUSE_SECONDS)  # nobody changes the rule in the moment in which the page is drawn
    rule = JudgingRule("labeller", "synthetic-03")
    changes = {
        "unanimous": replace(chosen, rule=JudgingRule("unanimous")),
        "unclear as missing": replace(chosen, rule=JudgingRule(unclear="missing")),
        "one labeller": replace(chosen, rule=rule),
        "three labellers": replace(
            chosen, rule=JudgingRule(labellers=tuple(f"synthetic-{n:02}" for n in range(3)))
        ),
        "exclusion on": replace(chosen, rule=JudgingRule(exclusion=True)),
        "common set": replace(chosen, common=True),
        "two classifiers": replace(chosen, classifiers=chosen.classifiers[:2]),
    }
    for name, view in shown.items():
        for change, selection in changes.items():
            timings.append(
                measure(f"{name}: {change}", lambda v=view, s=selection: v(s), CHANGE_SECONDS)
            )
    for estimand in ("raw", "source-judged", "as-published"):
        timings.append(
            measure(f"Curves: {estimand}", lambda e=estimand: curves(chosen, e), CHANGE_SECONDS)
        )
    print(f"at most {max(points)} points a trace", file=sys.stderr)
    return timings


def shown_in_browser(root: Path) -> list[Timing]:
    """The same views, and others, as somebody sees them."""
    return [
        Timing(
            f"browser: {one.what}",
            one.seconds,
            one.processor_seconds,
            one.megabytes,
            FIRST_SECONDS if one.first else CHANGE_SECONDS,
        )
        for one in in_browser(root)
    ]


@dataclass(frozen=True)
class Machine:
    """What it was measured on: cores, and how many wanted one before and after."""

    cores: int
    load_before: float
    load_after: float


def table(timings: Sequence[Timing], machine: Machine) -> str:
    """All that was measured, a line each; what misses its bar says so."""
    lines = [
        "| what | s | processor, s | largest memory, MB | bar, s | |",
        "|---|---|---|---|---|---|",
        *(
            f"| {one.what} | {one.seconds:.2f} | {one.processor_seconds:.2f}"
            f" | {one.megabytes:.0f} | {one.bar} | {'' if one.met else '**over**'} |"
            for one in timings
        ),
    ]
    missed = sum(not one.met for one in timings)
    said = (
        f"{len(timings)} lines, {missed} over {'its' if missed == 1 else 'their'} bar, on"
        f" {machine.cores} cores. On average {machine.load_before:.1f} programs wanted a core in"
        f" the minute before, {machine.load_after:.1f} in the last one."
    )
    return "\n".join([*lines, "", said])


def recorded(file: Path = RECORD) -> tuple[list[Timing], Machine]:
    """What was measured last, and on what."""
    told = json.loads(file.read_text(encoding="utf-8"))
    return [Timing(**one) for one in told["timings"]], Machine(**told["machine"])


def written_into(document: str, table: str) -> str:
    """The document with this table in place of the one it has."""
    before, _, rest = document.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    if not after:
        raise ValueError(f"{DOCUMENT} has no place for the table: {_BEGIN} … {_END}.")
    return f"{before}{_BEGIN}\n{table}\n{_END}{after}"


_BEGIN, _END = "<!-- measured -->", "<!-- /measured -->"


def main() -> None:
    """Measure and print a line a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--json", type=Path, help="keep what was measured in this file")
    parser.add_argument("--print", action="store_true", help="what was measured last, as a table")
    arguments = parser.parse_args()
    if arguments.print:
        print(table(*recorded()))
        return
    began = os.getloadavg()[0]
    with TemporaryDirectory() as folder:
        root = arguments.home or Path(folder) / "home"
        if arguments.home is None:
            from benchmarks.large_database import build

            build(root)
        timings = views(root)
        if arguments.browser:
            timings += shown_in_browser(root)
    machine = Machine(os.cpu_count() or 1, began, os.getloadavg()[0])
    print(table(timings, machine))
    if arguments.json:
        record = {"machine": asdict(machine), "timings": [asdict(one) for one in timings]}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        if arguments.json.resolve() == RECORD:
            text = written_into(DOCUMENT.read_text(encoding="utf-8"), table(timings, machine))
            DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
