"""What the tests of blindness see of a page: every body that came, and nothing asked for twice."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import App, wait_until_ready
from tests.browser.received import Record

pytestmark = pytest.mark.browser


def test_a_record_outlives_the_blobs_that_a_page_makes_and_drops(app: App, page: Page) -> None:
    record = Record(page)
    page.goto(app.url)
    wait_until_ready(page)
    address = page.evaluate(
        """async () => {
            const address = URL.createObjectURL(new Blob(["export default 1"], {
                type: "text/javascript",
            }));
            await import(address);
            URL.revokeObjectURL(address);
            return address;
        }"""
    )
    page.goto(app.url)
    wait_until_ready(page)

    received = record.received()

    assert address in record.spoken, "the page's blob was never asked for"
    assert any(part.startswith(f"{app.url}/".encode()) for part in received)
