"""What people type is shown as what they typed: SQL, scripts, HTML and Markdown do nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from app.guard import FAILED
from app.runner.map_files import keep_imported, read_maps
from data.database import open_database
from data.home import Home
from data.judgements import add_comment
from data.labellers import add_labeller, labellers
from labelling.queue import next_task
from tests.browser.conftest import PATIENCE_MS, App, running_app, wait_until_ready
from tests.browser.label_session import make_study

HOSTILE = (
    "'; DROP TABLE studies; -- <img src=//evil.example/a onerror=alert(1)>"
    "<script>alert(2)</script> ![x](https://evil.example/b.png)"
    " [press](javascript:alert(3)) $\\href{https://evil.example}{c}$ :red[d] `e`"
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app in which every text that anybody may choose is hostile.

    They are written below what refuses them, as an earlier version or another program may have.
    """
    with running_app(tmp_path_factory.mktemp("hostile") / "home") as app:
        study_id = make_study(app.home, trials=2)
        with closing(open_database(Home(app.home))) as database:
            add_labeller(database, study_id, HOSTILE)
            [person] = labellers(database, study_id)
            task = next_task(database, person.id)
            add_comment(database, person.id, task.item_id, HOSTILE)
            for table in ("studies", "experiments"):
                database.execute(f"UPDATE {table} SET name = ?, created_by = ?", [HOSTILE] * 2)
            keep_imported(database, read_maps(map_file(), "maps.npz"), owner=HOSTILE)
            database.execute("UPDATE maps SET name = ?", [HOSTILE])
        yield app


def map_file() -> bytes:
    """A published map, of which nothing matters but that it is one."""
    file = BytesIO()
    np.savez(file, AlexNet_3_1=np.full((34, 120), 0.5, dtype=np.float32))
    return file.getvalue()


@pytest.fixture
def watched(browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """A page, and what it did that no text should make it do."""
    with closing(browser.new_context(viewport={"width": 1280, "height": 800})) as context:
        context.set_default_timeout(PATIENCE_MS)
        page, done = context.new_page(), []
        page.on("dialog", lambda dialog: (done.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda it: done.append(it.url) if _is_elsewhere(it.url) else None)
        yield page, done


def _is_elsewhere(address: str) -> bool:
    return urlsplit(address).hostname not in (None, "127.0.0.1")


#: Whoever sends somebody an address chooses its texts, too.
ADDRESSES = (
    "explore",
    f"explore?run={quote(HOSTILE)}",
    "results",
    f"results?experiment={quote(HOSTILE)}",
    "studies",
    "experiments",
    f"experiments?experiment={quote(HOSTILE)}",
    "experiments?experiment=THE-ONE",
    "maps",
    f"maps?map={quote(HOSTILE)}",
)


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address[:16])
def test_hostile_texts_are_shown_as_they_are(hostile: App, watched, address: str) -> None:
    page, done = watched
    with closing(open_database(Home(hostile.home))) as database:
        [experiment] = [row["id"] for row in database["experiments"].rows]
    page.goto(f"{hostile.url}/{address.replace('THE-ONE', experiment)}")
    wait_until_ready(page)
    page.wait_for_timeout(500)
    assert done == []
    # Streamlit makes a link of an address that stands in a text; nobody follows it unasked.
    for trace in ("onerror", "href^='javascript:'", "src*='evil'"):
        assert page.locator(f"[{trace}]").count() == 0
    if address in ("studies", "experiments?experiment=THE-ONE"):
        shown = HOSTILE.replace("--", "—")
        expect(page.locator("body")).to_contain_text(shown, use_inner_text=True)
    if address in ("explore", "results", "studies", "experiments", "maps"):
        expect(page.get_by_text(FAILED)).to_have_count(0)


def test_what_a_researcher_types_is_refused_and_stays_in_its_field(hostile: App, watched) -> None:
    """A name of a study, and of one of two whom it invites: nobody is invited then."""
    page, done = watched
    typed = "Ann'; DROP TABLE studies; --"
    log = hostile.home / "logs" / "app.log"
    with closing(open_database(Home(hostile.home))) as database:
        before = [(table.name, table.count) for table in database.tables]
        page.goto(f"{hostile.url}/studies")
        wait_until_ready(page)
        form = page.get_by_test_id("stExpander").first
        form.locator("summary").click()
        page.get_by_role("textbox", name="Name").first.fill(typed)
        page.get_by_role("combobox", name="Experiments").click()
        page.get_by_role("option").first.click()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Create study").click()
        expect(page.get_by_text("The study's name holds what reads as an SQL")).to_be_visible()
        expect(page.get_by_role("textbox", name="Name").first).to_have_value(typed)

        page.get_by_role("button", name="Invite").click()
        names = page.locator("textarea:visible[aria-label=Names]").last
        names.fill(f"Bob\n{typed}")
        page.get_by_role("button", name="Make the links").locator("visible=true").click()
        expect(page.get_by_text("A labeller's name holds what reads as an SQL")).to_be_visible()
        expect(names).to_have_value(f"Bob\n{typed}")
        assert [(table.name, table.count) for table in database.tables] == before
    noted = log.read_text(encoding="utf-8")
    assert "The study's name holds an SQL statement" in noted
    assert "A labeller's name holds an SQL statement" in noted
    assert typed not in noted
    assert done == []


def test_nothing_of_it_was_executed_by_the_database(hostile: App) -> None:
    with closing(open_database(Home(hostile.home))) as database:
        assert [row["name"] for row in database["studies"].rows] == [HOSTILE]
        assert [row["name"] for row in database["experiments"].rows] == [HOSTILE]
        assert [row["name"] for row in database["labellers"].rows] == [HOSTILE]
        assert [row["text"] for row in database["comments"].rows] == [HOSTILE]
