"""What a page has drawn reaches the browser, also where one of its fragments runs right after it.

Streamlit collects what a run draws and sends it every 10 ms. A fragment's run that begins before
that (it was asked for while the page was drawn, as its timer does now and then) throws away what
the page has just drawn of that fragment, its container included. What the page drew after it is
sent all the same, to places that are not there then, or are others: "Bad delta path index" in the
browser, and a blank page (Streamlit 1.67, `ForwardMsgQueue.clear`).
"""

from __future__ import annotations

from functools import wraps

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue


def keep_unsent() -> None:
    """From now on a fragment's run throws nothing away; a second call changes nothing.

    It draws anew what it draws, in messages of their own: none is merged into one of the page's.
    """
    throw_away = ForwardMsgQueue.clear
    if hasattr(throw_away, "__wrapped__"):
        return

    @wraps(throw_away)
    def clear(
        queue: ForwardMsgQueue,
        retain_lifecycle_msgs: bool = False,
        fragment_ids_this_run: list[str] | None = None,
    ) -> None:
        if retain_lifecycle_msgs and fragment_ids_this_run:
            queue._delta_index_map = {}
        else:
            throw_away(queue, retain_lifecycle_msgs, fragment_ids_this_run)

    ForwardMsgQueue.clear = clear
