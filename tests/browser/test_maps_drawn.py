"""Maps of a generator's pictures from the form on: every space, a profile, a data semantic map."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from data.database import open_database
from data.home import Home
from data.maps import StoredMap, map_content, stored_maps
from engine.maps import SemanticMap, from_bytes
from tests.browser.conftest import App, Complaints, wait_until_ready
from tests.browser.test_maps import on_the_map
from tests.browser.test_maps_seen import chosen, computed


def newest(home: Path) -> tuple[StoredMap, SemanticMap]:
    """The map that was made last."""
    with closing(open_database(Home(home))) as database:
        stored = stored_maps(database)[0]
        return stored, from_bytes(map_content(database, stored.id))


#: Where the regions of a profile are: the lines above and below its scores.
REGIONS = """() => JSON.stringify(document.querySelector('.js-plotly-plot').data
    .filter(({ hovertemplate }) => /region/.test(hovertemplate)).map(({ x }) => x))"""


def test_spaces_of_digits_are_mapped_and_a_profile_regrows_from_a_dragged_start(
    own_app: App,
    page: Page,
    complaints: Complaints,
    screenshot: Callable[[Page, str], list[Path]],
) -> None:
    page.set_viewport_size({"width": 1280, "height": 1200})
    page.goto(f"{own_app.url}/maps")
    chosen(page, "Components")
    computed(page, "100", "5", "5 × 5 points, 25 asked")
    assert newest(own_app.home)[0].name == "zero 0: component 1 at z × component 2 at z"

    chosen(page, "Interpolation")
    page.get_by_role("combobox", name="Label of the second").click()
    page.get_by_role("option", name="seven").click()
    computed(page, "100", "6", "6 × 6 points, 36 asked")
    stored, found = newest(own_app.home)
    assert stored.name == "zero 0: latent × label"
    assert found.scores[0, 0, 0] > 0.5 > found.scores[0, 5, 5]  # from a zero to a seven

    chosen(page, "Transformations")
    page.get_by_role("button", name="Remove scale").click()
    page.get_by_role("combobox", name="Label", exact=True).click()
    page.get_by_role("option", name="seven").click()
    computed(page, "200", "61", "61 points, 61 asked")
    stored, found = newest(own_app.home)
    assert stored.name == "seven 0: rotation" and found.scores.shape == (2, 61)

    # A start is dragged along the only axis; its regions are grown from where it is let go.
    before = page.evaluate(REGIONS)
    upright = float(found.scores[0, 30])
    page.mouse.move(*on_the_map(page, 0, upright))
    page.mouse.down()
    page.mouse.move(*on_the_map(page, 20, upright / 2), steps=5)
    page.mouse.move(*on_the_map(page, 60, upright / 2), steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"starts=(59|60)(\.\d+)?(&|$)"))
    page.wait_for_function(f"before => ({REGIONS})() !== before", arg=before)
    wait_until_ready(page)
    screenshot(page, "maps-profile")

    # The mean over both networks is a map like any other.
    page.get_by_role("button", name="Data semantic map").click()
    expect(page.get_by_text("Data semantic map of 1 map, seven").first).to_be_visible()
    mean, averaged = newest(own_app.home)
    assert mean.origin == "averaged" and averaged.scores.shape == (1, 61)
    assert np.allclose(averaged.scores[0], found.scores.mean(0), atol=1e-6)
    wait_until_ready(page)  # the map before it is still shown until then
    expect(page.locator(".js-plotly-plot")).to_have_count(1)
    assert complaints.messages == []
