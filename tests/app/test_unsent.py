"""What a page has drawn is sent whole, also where a fragment runs before it has left."""

from __future__ import annotations

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from app.unsent import keep_unsent

TIMER = "fragment"


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> ForwardMsgQueue:
    """What a session has to send, as it is in the app; other tests have Streamlit's own."""
    monkeypatch.setattr(ForwardMsgQueue, "clear", ForwardMsgQueue.clear)
    keep_unsent()
    keep_unsent()
    return ForwardMsgQueue()


def drawn(*path: int, fragment: str = "", text: str = "", block: bool = False) -> ForwardMsg:
    """A message that draws a block, or a text, at `path`."""
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    message.delta.fragment_id = fragment
    if block:
        message.delta.add_block.allow_empty = True
    else:
        message.delta.new_element.markdown.body = text
    return message


def finished() -> ForwardMsg:
    message = ForwardMsg()
    message.script_finished = ForwardMsg.FINISHED_SUCCESSFULLY
    return message


PAGE = (
    drawn(0, 0, text="before"),
    drawn(0, 1, fragment=TIMER, block=True),
    drawn(0, 1, 0, fragment=TIMER, text="timing"),
    drawn(0, 2, text="after"),
    finished(),
)


def test_a_fragments_run_leaves_what_the_page_has_drawn(queue: ForwardMsgQueue) -> None:
    """Without its block at (0, 1), the browser would be told of (0, 2) where (0, 1) is the end."""
    for message in PAGE:
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[TIMER])
    again = drawn(0, 1, 0, fragment=TIMER, text="timed")
    queue.enqueue(again)
    assert queue.flush() == [*PAGE, again]


def test_a_run_of_the_page_begins_anew(queue: ForwardMsgQueue) -> None:
    for message in PAGE:
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True)
    [kept] = queue.flush()
    assert kept.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN


def test_what_has_been_sent_is_gone(queue: ForwardMsgQueue) -> None:
    queue.enqueue(PAGE[0])
    assert queue.flush() == [PAGE[0]]
    assert queue.is_empty()
