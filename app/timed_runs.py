"""A fragment that its timer runs anew brings no values of widgets: it was asked for by nobody.

Streamlit's browser sends with such a request what the page's widgets showed then. Where it crosses
a press, the values of before the press are put over those of after it while the page is drawn: a
tab that was just opened stayed empty (Streamlit 1.67). What a person changes always comes with a
request of its own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import wraps

from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests


def bring_no_values() -> None:
    """From now on a timer's request carries no widget's value; a second call changes nothing."""
    request = ScriptRequests.request_rerun
    if hasattr(request, "__wrapped__"):
        return

    @wraps(request)
    def request_rerun(requests: ScriptRequests, data: RerunData) -> bool:
        # None and not an empty message, which would take the values of a request it is merged with.
        return request(requests, replace(data, widget_states=None) if data.is_auto_rerun else data)

    ScriptRequests.request_rerun = request_rerun
