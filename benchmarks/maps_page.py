"""The Maps page in a real browser: a start let go → its new boxes drawn; Compute → a map drawn.

    python -m benchmarks.maps_page

Part of `python -m benchmarks.maps --measure`; alone it prints the seconds. The app is started as
`python -m app serve` starts it, in a home folder of its own, with a perturbation of one digit that
`mnist-standard` mistakes; maps are of its plane, of one classifier and of two.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter, sleep

import numpy as np
from playwright.sync_api import Page, sync_playwright

from app import api
from app.runner.request import SearchRequest

ROOT = Path(__file__).parents[1]
CHROMIUM = "/usr/bin/chromium"
METHODS = ("refined", "oir_w", "oir_b", "naive")
CLASSIFIERS = ("mnist-standard", "mnist-robust")
#: Where starts are let go, one after another: every place is new, so that nothing is known of it.
PLACES = [(0.31, 0.17), (0.12, 0.43), (-0.21, 0.08), (0.05, -0.24), (0.22, 0.29)]
PATIENCE_MS = 60_000
#: What the page may take, in seconds: a start let go until its boxes are drawn, Compute until a map
#: of 100×100 is.
DRAG_BAR, MAP_BAR = 1.0, 5.0

_ON_SCREEN = """([x, y]) => {
  const chart = document.querySelector('.js-plotly-plot');
  const { xaxis, yaxis } = chart._fullLayout;
  const frame = chart.getBoundingClientRect();
  return [frame.left + xaxis._offset + xaxis.d2p(x), frame.top + yaxis._offset + yaxis.d2p(y)];
}"""
#: Whether the chart's own mark of the first start, and its boxes, are those of a place.
_DRAWN = """([x, y]) => {
  const data = document.querySelector('.js-plotly-plot')?.data ?? [];
  const start = data.find((trace) => trace.name === 'start');
  const near = (a, b) => Math.abs(a - b) < 0.02;
  return start && near(start.x[0], x) && near(start.y[0], y);
}"""


@dataclass(frozen=True)
class PageRow:
    """Seconds until something is drawn: the median, and the longest, of several times."""

    what: str
    classifiers: int
    median: float
    longest: float
    times: int


def measure(points: int = 100) -> list[PageRow]:
    """All rows; Chromium has to be there."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        request = SearchRequest(
            "mnist-conv", CLASSIFIERS[0], "seven", seed=4, search="minimum-norm", budget=60
        )
        assert api.search(request, home)["outcome"] == "found"
        with _served(home) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 1200})
            page.set_default_timeout(PATIENCE_MS)
            rows = []
            for count in (1, 2):
                rows.append(_computed(page, address, count, points))
                map_id = re.search(r"map=(\w+)", page.url)[1]
                rows += [_dragged(page, address, map_id, count, method) for method in METHODS]
            browser.close()
    return rows


def _computed(page: Page, address: str, classifiers: int, points: int) -> PageRow:
    """Compute pressed → the map drawn; twice, since the first finds the models unread."""
    seconds = []
    for _ in range(2):
        page.goto(f"{address}/maps?map=")
        _ready(page)
        page.get_by_text("New map").wait_for()  # the worker has told what there is
        _ready(page)
        along = page.get_by_role("spinbutton", name="Points along an axis")
        page.wait_for_timeout(1000)  # an expander opens slowly
        if not along.is_visible():
            page.get_by_text("New map").click()
        along.wait_for()
        along.fill(str(points))
        along.press("Enter")
        _ready(page)
        if classifiers == 1:
            chosen = page.get_by_role("combobox", name=re.compile("Classifiers"))
            chosen.focus()
            chosen.press("Backspace")
            chosen.press("Escape")
            page.wait_for_timeout(500)
            _ready(page)
        page.get_by_role("button", name="Compute", exact=True).first.click()
        began = perf_counter()
        page.wait_for_function(
            "() => document.querySelector('.js-plotly-plot .heatmaplayer image')",
            polling="raf",
        )
        seconds.append(perf_counter() - began)
        _ready(page)
    return _row(f"Compute → a map of {points}×{points} drawn", classifiers, seconds)


def _dragged(page: Page, address: str, map_id: str, classifiers: int, method: str) -> PageRow:
    """A start let go → drawn there with its boxes, robust and adversarial, T = 800."""
    page.goto(f"{address}/maps?map={map_id}&method={method}&starts=0,0")
    page.wait_for_function(_DRAWN, arg=[0, 0])
    _ready(page)
    seconds, at = [], (0.0, 0.0)
    for place in PLACES:
        page.mouse.move(*page.evaluate(_ON_SCREEN, list(at)))
        page.mouse.down()
        # At once, so that nothing of it is asked for on the way: what is timed is all the growth.
        page.mouse.move(*page.evaluate(_ON_SCREEN, list(place)))
        page.mouse.up()
        began = perf_counter()
        page.wait_for_function(_DRAWN, arg=list(place), polling="raf")
        seconds.append(perf_counter() - began)
        _ready(page)
        at = place
    return _row(f"start let go → boxes drawn, {method}", classifiers, seconds)


def _row(what: str, classifiers: int, seconds: list[float]) -> PageRow:
    return PageRow(what, classifiers, float(np.median(seconds)), max(seconds), len(seconds))


def _ready(page: Page) -> None:
    page.wait_for_function(
        "() => document.querySelector('.stApp')?.dataset.testScriptState === 'notRunning'"
    )


@contextmanager
def _served(home: Path) -> Iterator[str]:
    """The app's address, while it runs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", str(port), "--home", str(home)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address, until = f"http://127.0.0.1:{port}", monotonic() + 120
    try:
        while not _answers(address):
            assert process.poll() is None and monotonic() < until, "The app did not start."
            sleep(0.2)
        yield address
    finally:
        os.kill(process.pid, signal.SIGINT)  # it ends its worker too
        process.wait(60)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def bar(row: PageRow) -> float:
    """What its median has to stay below."""
    return MAP_BAR if row.what.startswith("Compute") else DRAG_BAR


def table(rows: list[PageRow]) -> str:
    """Markdown."""
    lines = [
        "| on the page | classifiers | seconds, median | longest | times | bar, s |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.what} | {row.classifiers} | {row.median:.2f} | {row.longest:.2f} | {row.times} |"
        f" {bar(row):.0f}, {'met' if row.median < bar(row) else 'not met'} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    print(table(measure()))


if __name__ == "__main__":
    main()
