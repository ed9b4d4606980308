"""The Results page in Chromium: from an address, or from a press, to what is painted.

Time is the page's own: from the start of the navigation, or from the press, until the frame in
which the chart is painted that says what is waited for; where a view has no chart, until the
server has no more to say. Nothing of the program that presses counts.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil
    from playwright.sync_api import Page

PATIENCE_MS = 40_000
PAUSE_MS = 1_500
#: With a program at the other end, as here, V8 looks up where in a script each function stands at
#: the first trace that it takes, for which it reads the whole script again: Plotly's takes a while,
#: which nobody else's browser spends. So it notes that as it compiles, which takes longer.
ARGUMENTS = ["--no-sandbox", "--js-flags=--no-enable-lazy-source-positions"]

_WATCH = """
addEventListener("click", (event) => (window.pressed = event.timeStamp), true);
window.painted = (where, words) => new Promise((resolve, reject) => {
  const late = performance.now() + PATIENCE_MS;
  const after = () => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(performance.now());
    port2.postMessage(null);
  };
  const look = () => {
    const app = document.querySelector("[data-testid=stApp]");
    const rests = where !== "page" || app?.dataset.testScriptState === "notRunning";
    const there = [...document.querySelectorAll(where === "page" ? ".stMain" : ".main-svg")];
    const told = there.map((one) => one.textContent).join();
    if (performance.now() > late) return reject(new Error("Never shown: " + words.join(", ")));
    requestAnimationFrame(rests && words.every((one) => told.includes(one)) ? after : look);
  };
  look();
});
"""


@dataclass(frozen=True)
class View:
    """A view of the page: its part of the address, and words that it shows once it is there, on its
    "chart", or anywhere on the "page".
    """

    address: str
    words: str
    where: str = "chart"


VIEWS = {
    "Curves": View("", "fooled while people agree"),
    "Table": View("view=Table", "Restricted mean: the average of", "page"),
    "Compare": View("view=Compare", "Paired differences"),
    "Funnel": View("view=Funnel", "From trials to"),
    "Gallery": View("view=Gallery", "The same sources across"),
}
_FOOLS = "view=What+fools+what&counted=both&fools="
PARTS = {
    "Other classifiers": View(f"{_FOOLS}Other+classifiers", "Found against one classifier"),
    "Labels": View(f"{_FOOLS}Labels", "Median magnitude"),
    "Layers": View(f"{_FOOLS}Layers", "Magnitude by layer"),
    "People": View(f"{_FOOLS}People", "Where people stop agreeing"),
}
#: A rule's button, and the words for it that every figure has.
_RULES = {"Unanimous": "all labellers who answered", "Any": "at least one labeller"}
#: Changes of the Curves: role and name of what is pressed, and what the chart says then.
_CHANGES = {
    "as published": ("radio", "As published", ["as published", "of the eligible removed"]),
    "common set": ("radio", "common set", ["as published", "trials that enter under every"]),
}


@dataclass(frozen=True)
class Shown:
    """One drawing: seconds to it, seconds of the server's processor, and the server's megabytes."""

    what: str
    seconds: float
    processor_seconds: float
    megabytes: float
    first: bool


def in_browser(root: Path) -> list[Shown]:
    """Every view from its address, on a server just started and on one that knows the data; then
    after changes of filters.
    """
    from playwright.sync_api import sync_playwright

    from benchmarks.pictures import CHROMIUM

    shown: list[Shown] = []
    with serving(root) as (url, server), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 1400})
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(_WATCH.replace("PATIENCE_MS", str(PATIENCE_MS)))
        stopwatch = _Stopwatch(page, server, shown)
        curves, pictures = VIEWS["Curves"], VIEWS["Gallery"]
        stopwatch.address("Curves, server just started", f"{url}/results", curves)
        for name, view in (VIEWS | PARTS).items():
            stopwatch.address(f"{name}, from its address", f"{url}/results?{view.address}", view)
            page.get_by_role("button", name="Judging rule").click()
            for rule, words in _RULES.items():
                press = page.get_by_text(rule, exact=True).click
                stopwatch.press(f"{name}, rule: {rule.lower()}", press, view, [words])
        stopwatch.address("Curves", f"{url}/results", curves, kept=False)
        for what, (role, button, words) in _CHANGES.items():
            press = page.get_by_role(role, name=button, exact=True).click
            stopwatch.press(f"Curves, {what}", press, curves, words)
        stopwatch.address("Gallery", f"{url}/results?view=Gallery", pictures, kept=False)
        press = page.get_by_role("button", name="Next", exact=True).click
        stopwatch.press("Gallery, next page", press, pictures, ["(page 2 of"])
        browser.close()
    return shown


class _Stopwatch:
    def __init__(self, page: Page, server: psutil.Process, shown: list[Shown]) -> None:
        self._page, self._server, self._shown = page, server, shown

    def address(self, what: str, url: str, view: View, *, kept: bool = True) -> None:
        """From the start of the navigation."""
        used = self._used()
        self._page.goto(url, wait_until="commit")
        painted = self.wait(view.where, [view.words])
        if kept:
            self._keep(what, painted, used, first=True)
        self._page.wait_for_timeout(PAUSE_MS)

    def press(self, what: str, act: Callable[[], None], view: View, words: list[str]) -> None:
        """From the press."""
        used = self._used()
        self._page.evaluate(
            "([where, words]) => { window.waiting = window.painted(where, words); }",
            [view.where, words],
        )
        act()
        painted = self._page.evaluate("async () => await window.waiting - window.pressed")
        self._keep(what, painted, used, first=False)
        self._page.wait_for_timeout(PAUSE_MS)

    def wait(self, where: str, words: list[str]) -> float:
        """Milliseconds from the start of the navigation to what is painted."""
        return self._page.evaluate("([where, words]) => painted(where, words)", [where, words])

    def _keep(self, what: str, milliseconds: float, used: float, *, first: bool) -> None:
        megabytes = self._server.memory_info().rss / 2**20
        self._shown.append(Shown(what, milliseconds / 1000, self._used() - used, megabytes, first))

    def _used(self) -> float:
        times = self._server.cpu_times()
        return times.user + times.system


@contextmanager
def serving(root: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The app on a free port, until it is no longer needed: its address, and the process that
    serves the pages; the worker beside it holds torch.
    """
    import psutil

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
        children = psutil.Process(server.pid).children(recursive=True)
        yield url, next(one for one in children if "streamlit" in one.cmdline())
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
