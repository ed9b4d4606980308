"""Where nothing can be stored, in a real browser: one sentence, and the answer stays to be seen.

The other troubles, and what becomes of the database: `tests/served/test_storage.py`. The robot that
presses the keys is synthetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from labelling.wording import ENGLISH
from tests.browser.label_session import (
    join,
    make_study,
    open_page,
    press,
    shown,
    wait_until_judgeable,
)
from tests.served.server import Server, running
from tests.served.troubles import no_larger_files, read_only, server_at


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(server_at(tmp_path_factory.mktemp("storage") / "home")) as server:
        yield server


@pytest.fixture(scope="module")
def study_id(server: Server) -> str:
    return make_study(server.home)


@pytest.mark.parametrize("trouble", [no_larger_files, read_only], ids=lambda it: it.__name__)
def test_the_answer_that_could_not_be_stored_stays_on_the_screen(
    page: Page, server: Server, study_id: str, trouble
) -> None:
    session = join(server.url, server.home, study_id)
    with closing(session.database):
        open_page(page, session)
        press(page, session, "2")
        before, on_show = session.stored(), shown(page, "left")
        with trouble(server):
            page.keyboard.press("3")
            expect(page.locator(".notice")).to_have_text(ENGLISH.not_stored)
            asked = page.locator(".panel.asked")
            expect(asked.get_by_role("button", pressed=True)).to_contain_text("It is unclear")
            assert shown(page, "left") == on_show
            assert session.stored() == before
        wait_until_judgeable(page)
        judgement = press(page, session, "3")
        assert (judgement.stimulus, judgement.answer) == (on_show, 3)
        expect(page.locator(".notice")).to_have_text("")
        expect(page.get_by_text("Traceback")).to_have_count(0)
