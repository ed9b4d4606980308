"""Pictures of every page for docs/images, of the real app: `python -m benchmarks.page_pictures`.

In a throwaway home the demo experiment is run for real, on the classifiers and the generator that
ship with Plainview. The judgements of its study are synthetic: a program answers, and every page
says so in its banner. Then each page is opened in Chromium as a person would, and photographed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlite_utils import Database

# Before torch is imported: threads that spin are slow where other programs use the cores too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from app import api
from app.pages.results import VIEWS
from app.widgets.banner import MARKER
from app.widgets.results_states import DEMO, DEMO_NAME
from benchmarks.pictures import CHROMIUM
from data.database import open_database
from data.home import Home
from data.labellers import labeller_of
from labelling.analysis_plan import AnalysisPlan, Comparison, freeze
from labelling.answers import Answer
from labelling.eligibility import JudgingRule
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE
from labelling.options import StudyOptions
from labelling.queue import next_task, record
from labelling.studies import LabelText, create_study, invite

CHECKOUT = Path(__file__).resolve().parent.parent
PATIENCE_MS = 180_000
WIDTH, HEIGHT, TALLEST = 1280, 860, 2600
#: A page is photographed when nothing in it has moved for so long.
REST_MS = 1500
#: Pages that draw nothing before the worker was asked to compute it: picture → the button.
PRESSED = {"maps": "Compute", "results-what-fools-what": "Test them"}
#: M_max, as planned.
LIMIT = 8.0
PEOPLE = ("synthetic-a", "synthetic-b", "synthetic-c")


@dataclass(frozen=True)
class World:
    """What there is to see: the experiment's id and a labeller's invitation."""

    experiment: str
    invitation: str


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=CHECKOUT / "docs" / "images")
    parser.add_argument("--trials", type=int, default=DEMO.trials, help="of the experiment")
    parser.add_argument("--dark", action="store_true", help="in the dark theme, as NAME-dark.png")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="take these pictures alone")
    chosen = parser.parse_args()
    chosen.to.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        world = make_world(Home(Path(folder)), chosen.trials)
        report = Path(folder) / "report.html"
        _app("report", world.experiment, str(report), "--home", folder)
        with _served(folder) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for name, address in addresses(world).items():
                if chosen.only and name not in chosen.only:
                    continue
                file = chosen.to / f"{name}{'-dark' if chosen.dark else ''}.png"
                photograph(browser, f"{url}{address}", file, dark=chosen.dark)
                print(file)
            if not chosen.dark and "report" in (chosen.only or ["report"]):
                photograph(browser, report.as_uri(), chosen.to / "report.png")
                print(chosen.to / "report.png")
            browser.close()


def addresses(world: World) -> dict[str, str]:
    """Every page, and every view of the results: a name → its address, after the server's."""
    chosen = f"experiment={world.experiment}"
    found = {
        f"results-{view.lower().replace(' ', '-')}": f"results?{chosen}&view={view}&limit={LIMIT:g}"
        for view in VIEWS
    }
    # Explore has its own command, which runs a search first: benchmarks.explore_picture.
    pages = set(import_module("streamlit_app").RESEARCHER_PAGES) - {"explore", "results"}
    found |= {page: f"{page}?{chosen}" for page in sorted(pages)}
    return found | {"label": f"?invitation={world.invitation}"}


def make_world(home: Home, trials: int) -> World:
    """The demo experiment, run; an analysis plan; and a study that a program judges."""
    # Tensors are kept for a map of the plane that two perturbations span.
    request = replace(DEMO, trials=trials, keep_perturbations=True)
    experiment_id = api.define(request, home.root, name=DEMO_NAME)
    for _ in api.run(experiment_id, home.root):
        pass
    texts = api.menu(home.root).generators[request.generator]

    def text(_: str, label: int) -> LabelText:
        return LabelText(texts.phrases[label], texts.searches[label], texts.glosses[label])

    (home.root / MARKER).touch()
    with closing(open_database(home, durable=True)) as database:
        freeze(database, experiment_id, _plan(trials), created_by="demo")
        study_id = create_study(
            database,
            [experiment_id],
            "Digits, synthetic labellers",
            label_text=text,
            created_by="demo",
            options=StudyOptions(
                catch_share=0.05,
                repeat_share=0.1,
                information_sheet=False,
                instruction_page=False,
                purpose_question=False,
            ),
        )
        for seed, name in enumerate(PEOPLE):
            person = labeller_of(database, invite(database, study_id, name))
            assert person is not None
            judge(database, person.id, np.random.default_rng(seed))
        return World(experiment_id, invite(database, study_id, "next"))


def _plan(trials: int) -> AnalysisPlan:
    return AnalysisPlan(
        rule=JudgingRule(),
        estimand=FOOLED_WHILE_PEOPLE_AGREE.key,
        limit=LIMIT,
        trials=trials,
        comparisons=(Comparison("classifier", "mnist-standard", "mnist-robust"),),
    )


def judge(database: Database, labeller_id: int, draws: np.random.Generator) -> None:
    """A synthetic labeller answers everything: less often with the label the larger the magnitude.

    With 19 of 20 sources it agrees, with a perturbed picture of magnitude 7 every other time.
    """
    magnitudes = dict(
        database.execute("SELECT stimulus, magnitude FROM results WHERE stimulus IS NOT NULL")
    )
    while task := next_task(database, labeller_id):
        magnitude = magnitudes.get(task.perturbed_stimulus)
        share = 0.95
        if task.side == "perturbed" and magnitude is not None:
            share = 1 / (1 + np.exp(0.6 * (magnitude - 7)))
        agrees = draws.random() < share
        other = draws.choice([Answer.SOMETHING_ELSE, Answer.UNCLEAR, Answer.MEANINGLESS])
        record(
            database,
            labeller_id,
            task.item_id,
            task.side,
            Answer.LABEL if agrees else Answer(int(other)),
            number=task.number,
            response_ms=float(draws.lognormal(7.2, 0.4)),
            hidden_ms=0.0,
            searches=0,
            shown_at=None,
        )


def photograph(browser: Browser, address: str, file: Path, *, dark: bool = False) -> None:
    """The whole page, as far down as it goes."""
    page = browser.new_page(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark" if dark else "light"
    )
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    _settle(page)
    if pressed := PRESSED.get(file.stem.removesuffix("-dark")):
        page.get_by_role("button", name=pressed).click()
        expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=PATIENCE_MS)
        _settle(page)
    page.set_viewport_size({"width": WIDTH, "height": min(_height(page), TALLEST)})
    _settle(page)
    page.screenshot(path=file)
    page.close()


def _settle(page: Page) -> None:
    """Wait until Streamlit rests, if it is Streamlit's page, and what it shows is drawn."""
    app = page.get_by_test_id("stApp")
    if page.url.startswith("http"):
        expect(app).to_have_attribute(
            "data-test-script-state", re.compile("notRunning"), timeout=PATIENCE_MS
        )
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=PATIENCE_MS)
    page.mouse.move(5, 5)  # nothing is pointed at
    page.wait_for_timeout(REST_MS)


def _height(page: Page) -> int:
    return page.evaluate(
        "Math.ceil(Math.max(window.innerHeight, document.body.scrollHeight,"
        " ...[...document.querySelectorAll('[data-testid=stMain]')].map((one) =>"
        " one.scrollHeight + one.getBoundingClientRect().top)))"
    )


@contextmanager
def _served(folder: str) -> Iterator[str]:
    server = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--home", folder],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[-1].rstrip("/") + "/"
    finally:
        server.terminate()
        server.wait()


def _app(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "app", *arguments], cwd=CHECKOUT, check=True)


if __name__ == "__main__":
    main()
