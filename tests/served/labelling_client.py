"""A labeller's browser without the browser: Streamlit's own protocol over a real websocket.

It does what judge.js does with a task: keeps the images it was sent, answers the one that is asked
about, sends an answer once more when the task comes back without a word, and shows what it is told.
Fifty of them fit beside a server on four cores, which fifty Chromiums do not. Who answers through
it is synthetic.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

#: So long a server may take for one answer before the client gives the connection up.
PATIENCE_SECONDS = 60.0
#: As in judge.js.
KEPT_IMAGES = 8
LARGEST_MESSAGE = 16 * 2**20

#: What a connection ends with when its server is killed or not there.
LOST = (OSError, WebSocketException, EOFError, TimeoutError)


@dataclass(frozen=True)
class Screen:
    """What the page shows: a task, or else only `texts`.

    `stimulus` is the SHA-256 of the image that is asked about, as its bytes came. `side` is "left"
    or "right". `problem` is the sentence above a task whose answer could not be stored.
    """

    texts: tuple[str, ...] = ()
    number: int | None = None
    side: str | None = None
    stimulus: str | None = None
    problem: str | None = None
    answered: int | None = None

    @property
    def task(self) -> tuple[int, str] | None:
        """Which question it is; None where there is none."""
        return None if self.number is None else (self.number, str(self.side))


@dataclass
class LabellingClient:
    """One labeller with one tab open.

    `seconds` has, for every answer, the time from the press to the next task with its image in the
    client's hands.
    """

    url: str
    invitation: str
    seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._socket: ClientConnection | None = None
        self._images: dict[str, str] = {}
        self._component: str | None = None
        self._fragment = self._page = ""
        self.screen = Screen()

    async def open(self) -> Screen:
        """Open the link, as after a reload: nothing is known but the address."""
        await self.close()
        place = urlsplit(self.url).netloc
        self._socket = await connect(
            f"ws://{place}/_stcore/stream",
            subprotocols=["streamlit", "none"],  # type: ignore[list-item]
            origin=f"http://{place}",  # type: ignore[arg-type]
            max_size=LARGEST_MESSAGE,
            open_timeout=PATIENCE_SECONDS,
            close_timeout=1,
            compression=None,
        )
        self._images.clear()
        self._component = None
        await self._send({})
        self.screen = await self._reply()
        return self.screen

    async def answer(self, answer: int, milliseconds: float = 900.0) -> Screen:
        """Press a key at the task on the screen; what the page shows then.

        The answer is acknowledged when that is another task, or none. One that shows a `problem`,
        or the same task again, was not stored.
        """
        asked = self.screen
        assert asked.task is not None, "there is nothing to answer"
        message = {
            "number": asked.number,
            "side": asked.side,
            "answer": answer,
            "milliseconds": milliseconds,
            "hidden": 0,
            "searches": 0,
            "held": list(self._images),
        }
        pressed = time.perf_counter()
        for _ in range(2):
            await self._send({"answer": message})
            self.screen = await self._reply()
            if self.screen.task != asked.task or self.screen.problem:
                break
        self.seconds.append(time.perf_counter() - pressed)
        return self.screen

    async def close(self) -> None:
        """Close the tab."""
        if self._socket is not None:
            socket, self._socket = self._socket, None
            await socket.close()

    async def _send(self, events: dict[str, Any]) -> None:
        assert self._socket is not None
        message = BackMsg()
        state = message.rerun_script
        state.query_string = f"invitation={self.invitation}"
        if events:
            state.fragment_id, state.page_script_hash = self._fragment, self._page
            widget = state.widget_states.widgets.add()
            widget.id = f"$$STREAMLIT_INTERNAL_KEY_{self._component}__events"
            widget.json_trigger_value = json.dumps(
                [{"event": event, "value": value} for event, value in events.items()]
            )
        else:
            state.widget_states.SetInParent()
        await self._socket.send(message.SerializeToString())

    async def _reply(self) -> Screen:
        """What the run that was asked for shows; a task counts as soon as it is there."""
        assert self._socket is not None
        task: dict[str, Any] | None = None
        texts: list[str] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                message = ForwardMsg()
                message.ParseFromString(await self._socket.recv())  # type: ignore[arg-type]
                kind = message.WhichOneof("type")
                if kind == "new_session":
                    task, texts = None, []
                elif kind == "navigation":
                    self._page = message.navigation.page_script_hash
                elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                    task = self._task(message) or task
                    texts += _texts(message)
                elif kind == "script_finished":
                    finished = ForwardMsg.ScriptFinishedStatus.Name(message.script_finished)
                    if finished != "FINISHED_EARLY_FOR_RERUN":
                        return self._screen(task, texts)

    def _task(self, message: ForwardMsg) -> dict[str, Any] | None:
        element = message.delta.new_element
        if element.WhichOneof("type") != "bidi_component":
            return None
        component = element.bidi_component
        self._component, self._fragment = component.id, message.delta.fragment_id
        content = component.json or component.mixed.json
        task: dict[str, Any] = json.loads(content)
        self._images |= task["images"]
        for name in list(self._images)[:-KEPT_IMAGES]:
            if name not in (task["left"], task["right"]):
                del self._images[name]
        return task

    def _screen(self, task: dict[str, Any] | None, texts: list[str]) -> Screen:
        if task is None:
            return Screen(tuple(texts))
        return Screen(
            texts=tuple(texts),
            number=task["number"],
            side=task["side"],
            stimulus=_sha256(self._images[task[task["side"]]]),
            problem=task["problem"],
            answered=task["answered"],
        )


def _texts(message: ForwardMsg) -> Iterator[str]:
    element = message.delta.new_element
    kind = element.WhichOneof("type")
    if kind in ("markdown", "heading", "alert"):
        yield getattr(element, kind).body


def _sha256(address: str) -> str:
    return hashlib.sha256(base64.b64decode(address.partition(",")[2])).hexdigest()
