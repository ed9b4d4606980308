"""How fast the Results page is with 100 000 results and 1 000 000 judgements.

    python -m benchmarks.results_speed [--home HOME] [--browser] [--json FILE]

Without `--home` a large synthetic home is made first (benchmarks.large_database). What the page
computes for each view is timed in this process, first with nothing read yet and then after a change
of each filter, with the processor's time beside the clock's, since other work may share the
machine; with `--browser` also from an address to the drawn chart in Chromium, on a server just
started and on one that has shown a view before. Bars: 2 s to a first drawing, 0.5 s after a change
of a filter, 1 GB of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import plotly.graph_objects as go

PAUSE_SECONDS = 3.0
FIRST_SECONDS, CHANGE_SECONDS, MOST_MEGABYTES = 2.0, 0.5, 1000


@dataclass(frozen=True)
class Timing:
    """Seconds by the clock and of processors, and the process's largest memory up to then."""

    what: str
    seconds: float
    processor_seconds: float
    megabytes: float
    bar: float


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
    from app.widgets import results_data
    from app.widgets.results_data import SelectedResults, Selection
    from data.results import conditions, experiments
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
        points.append(max(len(trace.x) for trace in figure.data if trace.x is not None))

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

    def table(selection: Selection) -> None:
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
        for name in vars(results_data).values():
            if hasattr(name, "cache_clear"):
                name.cache_clear()

    shown = {"Curves": curves, "Table": table, "Compare": compare, "Funnel": funnel}
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


def in_browser(root: Path) -> list[Timing]:
    """From the address to the drawn chart, in Chromium; and from a press to the new chart."""
    import psutil
    from playwright.sync_api import Page, sync_playwright

    from benchmarks.pictures import CHROMIUM

    def memory(server: subprocess.Popen[bytes]) -> float:
        """That of the process that serves the pages; the worker beside it holds torch."""
        children = psutil.Process(server.pid).children(recursive=True)
        pages = [one for one in children if "streamlit" in one.cmdline()]
        return sum(one.memory_info().rss for one in pages) / 2**20

    def drawn(page: Page, text: str) -> None:
        page.locator(".main-svg").get_by_text(text).first.wait_for(timeout=60_000)

    timings = []
    with _serving(root) as (url, server), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        # The first page of a server imports what every page needs: that is no results page's time.
        page.goto(f"{url}/studies")
        page.get_by_role("heading").first.wait_for(timeout=60_000)

        def time_it(what: str, act: Callable[[], None], text: str, bar: float) -> None:
            began = time.perf_counter()
            act()
            drawn(page, text)
            seconds = time.perf_counter() - began
            timings.append(Timing(what, seconds, float("nan"), memory(server), bar))

        for what in ("server just started", "again"):
            time_it(
                f"browser: Curves, {what}",
                lambda: page.goto(f"{url}/results"),
                "fooled while people agree",
                FIRST_SECONDS,
            )
        for view, text in (("Compare", "Paired differences"), ("Funnel", "From trials to")):
            time_it(
                f"browser: {view}",
                lambda view=view: page.get_by_role("tab", name=view).click(),
                text,
                FIRST_SECONDS,
            )
        page.get_by_role("tab", name="Curves").click()
        drawn(page, "fooled while people agree")
        page.get_by_role("button", name="Judging rule").click()
        time_it(
            "browser: Curves, another rule",
            lambda: page.get_by_text("Unanimous", exact=True).click(),
            "all labellers who answered",
            CHANGE_SECONDS,
        )
        browser.close()
    return timings


@contextmanager
def _serving(root: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The app on a free port, until it is no longer needed."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", str(port)],
        env={**os.environ, "PLAINVIEW_HOME": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url, server
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def main() -> None:
    """Measure and print a line a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        root = arguments.home or Path(folder) / "home"
        if arguments.home is None:
            from benchmarks.large_database import build

            build(root)
        timings = views(root)
        if arguments.browser:
            timings += in_browser(root)
    print("| what | s | processor s | largest memory, MB | bar, s | |")
    print("|---|---|---|---|---|---|")
    for one in timings:
        missed = "over" if one.seconds > one.bar or one.megabytes > MOST_MEGABYTES else ""
        print(
            f"| {one.what} | {one.seconds:.2f} | {one.processor_seconds:.2f}"
            f" | {one.megabytes:.0f} | {one.bar} | {missed} |"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(one) for one in timings], indent=1) + "\n")


if __name__ == "__main__":
    main()
