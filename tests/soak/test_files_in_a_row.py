"""Definition files loaded one after another, each while the cost of the one before is worked out.

The line that waits for the cost runs by itself, twice a second: now and then right after a run of
the page, before what the page has drawn is sent, and with the values that the form had before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints

FILES = 40
DEFINITION = """generator = "mnist-conv"
classifiers = ["mnist-standard"]
subsets = ["{subset}"]
schedules = ["imagenet"]
budget = {budget}
trials = {trials}
"""


def test_every_file_is_taken_and_the_page_stays(
    visit: Callable[[str], Page], complaints: Complaints, tmp_path: Path
) -> None:
    """Every third file has a mistake, and says so."""
    page = visit("/experiments")
    page.get_by_role("button", name="Load a file").click()
    for index in range(FILES):
        wrong = index % 3 == 1
        file = tmp_path / f"{index}.toml"
        text = DEFINITION.format(
            subset="frist" if wrong else "first", budget=40 + index, trials=5 + index
        )
        file.write_text(text, encoding="utf-8")
        page.locator("input[type=file]").set_input_files(file)
        said = f"{index}.toml, line 3" if wrong else f"1 condition × {5 + index} trials"
        expect(page.get_by_text(said)).to_be_visible()
        page.wait_for_timeout(37 * index % 200)  # whenever in the half second of the timer
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert complaints.messages == []
