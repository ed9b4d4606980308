"""What the tests of blindness see of a page: every body that came, and nothing asked for twice."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.conftest import App, wait_until_ready
from tests.browser.received import Record, found, texts

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


@pytest.mark.parametrize("before", ["", " ", '"', "-", "7", "\n", "\t", "“", "é"])
def test_a_word_is_found_whatever_stands_before_it_that_is_no_letter(before: str) -> None:
    text = f"{before}Golden"
    assert found(["gold"], [text.encode()]) == {"gold"}
    assert found(["gold"], [json.dumps([text]).encode()]) == {"gold"}


def test_a_word_within_another_one_is_not_found() -> None:
    assert found(["gold", "eight"], [b"marigold", b"\\nheight"]) == set()


def test_a_word_is_found_behind_a_texts_length_that_looks_like_a_letter() -> None:
    message = ForwardMsg()
    message.delta.new_element.markdown.body = 'Gold, "said" \\ ' + "x" * 56
    frame = message.SerializeToString()
    assert b"GGold" in frame
    assert found(["gold"], [frame]) == set()
    assert found(["gold"], [texts(frame)]) == {"gold"}
