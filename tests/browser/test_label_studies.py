"""From an experiment to a study, to an invited labeller, to progress: the Studies page."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.judgements import judgements
from data.labellers import labeller_of, labellers
from data.studies import close_study, items, studies
from labelling.answers import Answer
from labelling.options import ExclusionRules, StudyOptions, options_of
from labelling.queue import next_task, record
from labelling.stages import say_purpose
from labelling.studies import create_study, invite
from tests.browser.conftest import App, downloaded, wait_until_ready
from tests.browser.label_session import wait_until_judgeable
from tests.labelling.synthetic_study import add_experiment, at_once, label_text

Visit = Callable[[str], Page]


@pytest.fixture
def database(app: App) -> Iterator[Database]:
    with closing(open_database(Home(app.home), durable=True)) as database:
        yield database


def label_all(database: Database, study_id: str, name: str, *, yes_share: float) -> None:
    """A synthetic labeller of the whole study, in no time."""
    draws = random.Random(name)
    person = labeller_of(database, invite(database, study_id, name)).id
    kinds = {item.id: item.kind for item in items(database, study_id)}
    while (task := next_task(database, person)) is not None:
        false = kinds[task.item_id] == "false-label" and yes_share < 1
        yes = draws.random() < yes_share and not false
        answer = Answer.LABEL if yes else Answer.SOMETHING_ELSE
        record(
            database,
            person,
            task.item_id,
            task.side,
            answer,
            response_ms=700 + 900 * draws.random(),
        )


def card(page: Page, study_id: str) -> Locator:
    """The card of a study."""
    return page.locator(f".st-key-study-{study_id}")


def open_form(page: Page) -> None:
    """Unfold the form for a new study, which is folded where there are studies already."""
    form = page.get_by_test_id("stExpander").first
    expect(form).to_be_visible()
    if form.locator("details[open]").count() == 0:
        form.locator("summary").click()
    expect(page.get_by_role("button", name="Create study")).to_be_visible()


def test_a_study_is_made_a_labeller_invited_and_progress_shown(
    visit: Visit, app: App, database: Database, browser: Browser
) -> None:
    add_experiment(database, Home(app.home), trials=2, name="from experiment to judgement")
    explore = visit("/explore")
    expect(explore.get_by_role("button", name="Run", exact=True)).to_be_visible()

    page = visit("/studies")
    open_form(page)
    page.get_by_role("textbox", name="Name").first.fill("Two sources")
    page.get_by_role("combobox", name="Experiments").click()
    page.get_by_role("option", name="from experiment to judgement").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Create study").click()
    expect(page.get_by_role("heading", name="Two sources", exact=True)).to_be_visible()
    study = next(study for study in studies(database) if study.name == "Two sources")
    assert len(items(database, study.id)) == 8
    assert items(database, study.id)[0].phrase == "a three"

    card(page, study.id).get_by_role("button", name="Invite").click()
    page.locator("textarea:visible[aria-label=Names]").last.fill("Robot (synthetic)")
    page.get_by_role("button", name="Make the links").locator("visible=true").click()
    link = card(page, study.id).get_by_test_id("stCode")
    expect(link).to_contain_text(f"{app.url}/?invitation=")
    address = link.inner_text().strip()

    context = browser.new_context()
    labeller = context.new_page()
    labeller.goto(address)
    labeller.get_by_text("I have read this").click()
    labeller.get_by_role("button", name="Go on").click()
    labeller.get_by_role("button", name="Start").click()
    expect(labeller.locator(".judge.ready")).to_be_visible()
    wait_until_judgeable(labeller)
    labeller.keyboard.press("4")
    expect(labeller.locator(".count")).to_have_text("2 of 5")
    context.close()

    expect(card(page, study.id)).to_contain_text("4 of 8 items judged")
    page.reload()
    wait_until_ready(page)
    expect(card(page, study.id)).to_contain_text("4 of 8 items judged")
    expect(page.get_by_text(address)).to_have_count(0)


def test_a_closed_study_asks_nothing_and_a_revoked_link_opens_nothing(
    visit: Visit, app: App, database: Database, page: Page
) -> None:
    experiment_id = add_experiment(database, Home(app.home), trials=1, name="to be closed")
    study_id = create_study(
        database,
        [experiment_id],
        "To be closed",
        label_text=label_text,
        created_by="test",
        options=at_once(),
    )
    address = f"{app.url}/?invitation={invite(database, study_id, 'Robot (synthetic)')}"
    page.goto(address)
    expect(page.locator(".judge.ready .count")).to_be_visible()
    close_study(database, study_id)
    page.reload()
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()

    researcher = page.context.browser.new_context().new_page()
    researcher.goto(f"{app.url}/studies")
    wait_until_ready(researcher)
    study = card(researcher, study_id)
    study.get_by_role("button", name="Open again").click()
    expect(study.get_by_role("button", name="Close", exact=True)).to_be_visible()
    study.get_by_role("button", name="Revoke a link").click()
    researcher.get_by_role("button", name="Robot (synthetic)").locator("visible=true").click()
    expect(study.get_by_role("button", name="Revoke a link")).to_have_count(0)
    assert labellers(database, study_id)[0].revoked_at is not None
    researcher.context.close()

    page.reload()
    expect(page.get_by_text("not valid")).to_be_visible()
    expect(page.locator(".judge")).to_have_count(0)


def test_a_study_without_a_name_or_experiment_says_so(
    visit: Visit, app: App, database: Database
) -> None:
    add_experiment(database, Home(app.home), trials=1, name="one of them")
    page = visit("/studies")
    open_form(page)
    page.get_by_role("button", name="Create study").click()
    expect(page.get_by_text("Give the study a name.")).to_be_visible()


def test_pictures_of_the_studies_page(visit: Visit, app: App, database, screenshot) -> None:
    experiment_id = add_experiment(database, Home(app.home), trials=1, name="pictured")
    create_study(database, [experiment_id], "Pictured", label_text=label_text, created_by="test")
    page = visit("/studies")
    screenshot(page, "studies")
    open_form(page)
    page.get_by_role("combobox", name="Experiments").click()
    page.get_by_role("option", name="pictured").click()
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Checks").click()
    page.get_by_role("spinbutton", name="Practice items").fill("2")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Say what is right to answer")).to_be_visible()
    screenshot(page, "studies-form")


def test_quality_is_shown_live_and_goes_out_as_files(
    visit: Visit, app: App, database: Database, screenshot
) -> None:
    experiment_id = add_experiment(database, Home(app.home), trials=8, name="of quality")
    study_id = create_study(
        database,
        [experiment_id],
        "Quality (synthetic)",
        label_text=label_text,
        created_by="test",
        options=at_once(
            repeat_share=0.2,
            false_label_share=0.2,
            catch_share=0.2,
            exclusion=ExclusionRules(false_label=0.5),
        ),
    )
    label_all(database, study_id, "Careful (synthetic)", yes_share=0.9)
    label_all(database, study_id, "Yes (synthetic)", yes_share=1.0)
    say_purpose(database, labellers(database, study_id)[0].id, "How well people read digits?")
    page = visit("/studies")
    study = card(page, study_id)
    study.get_by_text("Quality and export").click()
    expect(study.get_by_text("Krippendorff's α")).to_be_visible()
    expect(study.get_by_text("Yes (synthetic) breaks a rule of this study")).to_be_visible()
    expect(study.get_by_text("Two people, one image")).to_be_visible()
    expect(study.get_by_text("In their own words")).to_be_visible()
    expect(study.locator("td", has_text="How well people read digits?")).to_be_attached()
    study.get_by_role("button", name="Export").click()
    lines = downloaded(page, "JSON Lines").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(judgements(database, study_id=study_id))
    page.keyboard.press("Escape")
    study.scroll_into_view_if_needed()
    screenshot(page, "studies-quality")


def test_a_study_of_images_made_elsewhere_is_made_on_the_page(
    visit: Visit, app: App, database: Database, tmp_path: Path, screenshot
) -> None:
    """What is wrong is said with its line, and what was typed stays."""
    for number, name in enumerate("ab"):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    table = tmp_path / "pairs.csv"
    table.write_text("source,perturbed,phrase\na.png,b.png,a cat\nc.png,,a cat\n")
    page = visit("/studies")
    open_form(page)
    if page.get_by_role("radio", name="Made elsewhere").count():
        page.get_by_role("radio", name="Made elsewhere").click()
    page.get_by_role("textbox", name="Folder").fill(str(tmp_path))
    page.get_by_role("textbox", name="Table").fill(str(table))
    page.get_by_role("textbox", name="Name").first.fill("Elsewhere")
    page.get_by_role("button", name="Create study").click()
    expect(page.get_by_text("line 3: source 'c.png' is not in the folder")).to_be_visible()
    screenshot(page, "studies-elsewhere")
    table.write_text("source,perturbed,phrase\na.png,b.png,a cat\n")
    page.get_by_role("button", name="Create study").click()
    expect(page.get_by_role("heading", name="Elsewhere", exact=True)).to_be_visible()
    study = next(study for study in studies(database) if study.name == "Elsewhere")
    assert [item.kind for item in items(database, study.id)] == ["outside"]
    assert options_of(database, study.id) == StudyOptions()
