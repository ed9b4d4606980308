"""The judging component: two panels, four numbered answers, and keys that count once a press.

Whatever is passed here is sent to the labeller's browser, the three files beside this one included:
they know a left and a right image, and nothing of what differs between them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

#: The chosen answer shows for so long before the next image comes.
FEEDBACK_MS = 150
#: A press is no judgement of an image that has been on the screen for less.
EXPOSURE_MS = 250

_FOLDER = Path(__file__).parent
_component = st.components.v2.component(
    "judge",
    html=(_FOLDER / "judge.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "judge.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "judge.js").read_text(encoding="utf-8"),
)


def judge(data: Mapping[str, Any], *, key: str, on_answer: Callable[[], None]) -> None:
    """Mount the component; `st.session_state[key].answer` holds the answer during `on_answer`.

    `data` is JSON: see `receive` and `show` in judge.js. An answer is a dict with `number`, `side`
    ("left" or "right"), `answer` (1 to 4), `milliseconds` from image to press, and `held`, the
    names of the images that the browser has and need not be sent again.
    """
    timing = {"feedback": FEEDBACK_MS, "exposure": EXPOSURE_MS}
    _component(key=key, data={**data, "timing": timing}, on_answer_change=on_answer)


def data_address(png: bytes) -> str:
    """PNG bytes as a data: address. There is no file on the server that anyone could ask for."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
