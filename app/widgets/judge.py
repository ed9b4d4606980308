"""The judging component: two panels, four numbered answers, and keys that count once a press.

Whatever is passed here is sent to the labeller's browser, the three files beside this one included:
they know a left and a right image, and nothing of what differs between them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from app.widgets.component import component

#: The chosen answer shows for so long before the next image comes.
FEEDBACK_MS = 150

_component = component("judge", "judge_keys.js", "judge_clock.js", "judge_fit.js")


def judge(
    data: Mapping[str, Any],
    *,
    key: str,
    exposure_ms: int,
    beat_ms: int,
    on: Mapping[str, Callable[[], None]],
) -> None:
    """Mount the component; `st.session_state[key][name]` holds the message while `on[name]` runs.

    `data` is JSON: see `receive`, `refresh` and `fill` in judge.js. A press earlier than
    `exposure_ms` after its image appeared is no judgement. The messages, each a dict:
    - answer: `number`, `side` ("left" or "right"), `answer` (1 to 4), `milliseconds` from image to
      press, `hidden`, those of them in which the tab was hidden, `searches`, how often the image
      search was opened meanwhile, and `held`, the names of the images that the browser has and
      need not be sent again;
    - undo: `number` of the item on show, and `held`;
    - comment: `number`, `text`;
    - leave: `number`; the labeller asks how to withdraw;
    - beat: `number`; the labeller is there, told at most every `beat_ms`.
    """
    _component(
        key=key,
        data={
            **data,
            "timing": {"feedback": FEEDBACK_MS, "exposure": exposure_ms, "beat": beat_ms},
        },
        **{f"on_{message}_change": act for message, act in on.items()},
    )


def data_address(png: bytes) -> str:
    """PNG bytes as a data: address. There is no file on the server that anyone could ask for."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
