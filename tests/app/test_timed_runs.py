"""A timer's request for a run of a fragment leaves the widgets as the person has set them."""

from __future__ import annotations

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

from app.timed_runs import bring_no_values


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> ScriptRequests:
    """What a session is asked for, as it is in the app; other tests have Streamlit's own."""
    monkeypatch.setattr(ScriptRequests, "request_rerun", ScriptRequests.request_rerun)
    bring_no_values()
    bring_no_values()
    return ScriptRequests()


def shown(tab: str) -> WidgetStates:
    states = WidgetStates()
    states.widgets.add(id="view", string_value=tab)
    return states


PRESS = RerunData(widget_states=shown("Table"))
TIMER = RerunData(widget_states=shown("Curves"), fragment_id="timer", is_auto_rerun=True)
#: A press within a fragment, which is run alone, too.
PRESS_WITHIN = RerunData(widget_states=shown("Table"), fragment_id="panel")


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ([TIMER], None),
        ([PRESS], shown("Table")),
        ([PRESS_WITHIN], shown("Table")),
        ([PRESS, TIMER], shown("Table")),
        ([TIMER, PRESS], shown("Table")),
    ],
    ids=["timer", "press", "press within", "press, then timer", "timer, then press"],
)
def test_only_a_press_brings_values(
    requests: ScriptRequests, asked: list[RerunData], values: WidgetStates | None
) -> None:
    for one in asked:
        assert requests.request_rerun(one)
    assert requests.on_scriptrunner_ready().rerun_data.widget_states == values
