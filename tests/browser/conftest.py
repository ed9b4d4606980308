"""The real app in a real browser: a server of its own, a Chromium, a page that keeps its errors."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

ROOT = Path(__file__).resolve().parents[2]
FAILURES = ROOT / "tests" / "browser" / "failures"
SCRIPT_RUNS = Path(__file__).with_name("script_runs.js").read_text(encoding="utf-8")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A name that is not the loopback's, for what a visitor from elsewhere is shown.
    "--host-resolver-rules=MAP plainview.test 127.0.0.1",
]
WIDTHS = (1280, 1920)
SCHEMES = ("light", "dark")
#: The first page imports torch; on a busy machine that takes a while.
PATIENCE_MS = 30_000
START_SECONDS = 180
END_SECONDS = 30
LOG_CHARACTERS = 4000

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a browser test."""
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class App:
    """A running server: where it listens, its home folder, and what it prints."""

    url: str
    home: Path
    output: Path


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def healthy(url: str) -> bool:
    """Whether the server at `url` says that it is ready."""
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def running_app(
    home: Path, *, port: int | None = None, serve_at: str | None = None
) -> Iterator[App]:
    """The app as `make run` starts it, on a free port, with `home` as its home folder.

    With `serve_at` it is served at that address, behind sign-in; it still listens on `port`. At the
    end its whole process group goes, the workers that it started included.
    """
    home.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    listens = f"http://127.0.0.1:{port}"
    app = App(serve_at or listens, home, home / "serve.txt")
    with app.output.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "app", "serve", "--port", str(port), "--threads", "1"),
                *(("--serve-at", serve_at) if serve_at else ()),
            ],
            cwd=ROOT,
            env={**os.environ, "PLAINVIEW_HOME": str(home), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not healthy(listens + urlsplit(app.url).path):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"The app did not start:\n{app.output.read_text()}")
            time.sleep(0.1)
        yield app
    finally:
        _end(process, home)


def _end(server: subprocess.Popen[bytes], home: Path) -> None:
    """End the server's process group, then the workers of its home, which outlive a server."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    workers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(home) in (process.info["cmdline"] or ())
    ]
    for worker in workers:
        worker.terminate()
    for worker in psutil.wait_procs(workers, timeout=10)[1]:
        worker.kill()


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One server for the whole session (one a pytest-xdist worker), with an empty home folder."""
    with running_app(tmp_path_factory.mktemp("browser") / "home") as app:
        yield app


@pytest.fixture
def own_app(tmp_path: Path) -> Iterator[App]:
    """A server of this test alone, with an empty home folder."""
    with running_app(tmp_path / "home") as app:
        yield app


def chromium() -> str:
    """Where Chromium is: PLAINVIEW_CHROMIUM, or the one that Debian installs."""
    named = os.environ.get("PLAINVIEW_CHROMIUM", "chromium")
    found = shutil.which(named) or shutil.which("chromium-browser")
    if found is None:
        pytest.fail(
            "The browser tests need Chromium: run `sudo apt-get install -y chromium`, "
            "or say where it is with PLAINVIEW_CHROMIUM=/path/to/chromium.",
            pytrace=False,
        )
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=CHROMIUM_ARGUMENTS, timeout=60_000
        )
        yield browser
        browser.close()


@dataclass
class Complaints:
    """What the browser complained about: console errors, and exceptions in the page."""

    messages: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.messages.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        # On /results Streamlit's front end first asks for /results/_stcore/…, which is not there.
        asks_below_page = re.search(r"//[^/]+/[^/]+/_stcore/", message.location["url"])
        if message.type == "error" and not asks_below_page:
            self.messages.append(f"{message.text} {message.location['url']}")


@pytest.fixture
def complaints() -> Complaints:
    """Console errors of this test's page; a test asserts that `complaints.messages == []`."""
    return Complaints()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser session at 1280 × 800. A file whose tests may share one widens its scope."""
    with closing(browser.new_context(viewport={"width": 1280, "height": 800})) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context


@pytest.fixture
def page(
    context: BrowserContext, complaints: Complaints, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A new tab; where a test fails, its picture is kept."""
    page = context.new_page()
    page.add_init_script(SCRIPT_RUNS)
    complaints.watch(page)
    failures_before = request.session.testsfailed
    yield page
    if request.session.testsfailed > failures_before:
        FAILURES.mkdir(exist_ok=True)
        name = re.sub(r"[^\w-]+", "-", request.node.name)
        page.screenshot(path=FAILURES / f"{name}.png", full_page=True)
        for server in {"app", "own_app"} & set(request.fixturenames):
            log = request.getfixturevalue(server).home / "logs" / "app.log"
            print(f"The end of {log}:\n{log.read_text()[-LOG_CHARACTERS:]}")
    page.close()


@pytest.fixture
def screenshot() -> Callable[..., list[Path]]:
    """`screenshot(page, name)` saves name-light-1280.png … name-dark-1920.png and returns them.

    `height`: of the window; without it, that of a screen as wide.

    They land in the folder PLAINVIEW_SCREENSHOTS. Where that names none there are none: they would
    take a fifth of the time of the tests in a browser.
    """
    asked = os.environ.get("PLAINVIEW_SCREENSHOTS")

    def save(page: Page, name: str, height: int | None = None) -> list[Path]:
        if asked is None:
            return []
        folder = Path(asked)
        folder.mkdir(parents=True, exist_ok=True)
        before = page.viewport_size
        saved = []
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": height or width * 9 // 16})
                page.wait_for_timeout(400)  # the page takes its colours without a sign of it
                wait_until_drawn(page)
                saved.append(folder / f"{name}-{scheme}-{width}.png")
                page.screenshot(path=saved[-1], full_page=True)
        page.emulate_media(color_scheme="light")
        if before is not None:
            page.set_viewport_size(before)
            wait_until_drawn(page)
        return saved

    return save


def wait_until_ready(page: Page) -> None:
    """Wait until Streamlit has shown the page, all that was pressed has run, and its script rests.

    What was pressed is known of the page that the fixture opens: script_runs.js.
    """
    page.wait_for_function(
        """() => {
            const app = document.querySelector("[data-testid=stApp]");
            return app?.dataset.testScriptState === "notRunning" && !window.scriptRuns?.size;
        }"""
    )


def wait_until_drawn(page: Page) -> None:
    """Wait until every chart in view is as wide as the page gives it room."""
    page.wait_for_function(
        """() => [...document.querySelectorAll('.js-plotly-plot')]
            .filter((chart) => chart.clientWidth)
            .every((chart) => Math.abs((chart._fullLayout?.width ?? 0) - chart.clientWidth) < 2)"""
    )


def downloaded(page: Page, button: str) -> Path:
    """The file behind a button of this name, once the page rests."""
    wait_until_ready(page)
    with page.expect_download() as download:
        page.get_by_role("button", name=button).locator("visible=true").click()
    return Path(download.value.path())


@pytest.fixture
def visit(app: App, page: Page) -> Callable[[str], Page]:
    """`visit("/results?study=x")` opens that address of the app and waits until it is shown."""

    def open_address(address: str = "/") -> Page:
        page.goto(app.url + address)
        wait_until_ready(page)
        return page

    return open_address
