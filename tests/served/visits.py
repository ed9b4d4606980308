"""Visits to a served app without a browser: requests with any header, and Streamlit's websocket.

Here a visitor may say what no browser would.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from app.sessions import COOKIE

PATIENCE_SECONDS = 60.0
LARGEST_MESSAGE = 64 * 2**20


@dataclass(frozen=True)
class Answer:
    """What came back; of a websocket that was closed on us, the status that its handshake had."""

    status: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    cookies: Mapping[str, str] = field(default_factory=dict)

    @property
    def cookie(self) -> str | None:
        """The session that came along."""
        return self.cookies.get(COOKIE, "").strip('"') or None


@dataclass(frozen=True)
class Visitor:
    """Somebody at a port of this computer who says to be at `host`, with a session's cookie."""

    port: int
    cookie: str | None = None
    host: str = ""
    origin: str = ""

    @property
    def name(self) -> str:
        return self.host or f"localhost:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Origin": self.origin or f"http://{self.name}"}
        return headers | ({"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {})

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers)

    def post(self, path: str, **form: str) -> Answer:
        return self.ask("POST", path, body=urlencode(form).encode())

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            sent = {"Host": self.name} | self.headers | dict(headers or {})
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
            return Answer(
                answer.status,
                text,
                {name.lower(): value for name, value in answer.getheaders()},
                dict(map(_name_and_value, answer.headers.get_all("Set-Cookie", []))),
            )
        finally:
            connection.close()

    @contextmanager
    def page(self) -> Iterator[Page]:
        """A page that is open. Raises Closed when the server does not speak with this visitor."""
        place = f"127.0.0.1:{self.port}"
        try:
            socket = connect(
                f"ws://{self.name}/_stcore/stream",
                sock=_socket(place),
                subprotocols=["streamlit", "none"],  # type: ignore[list-item]
                origin=self.headers["Origin"],  # type: ignore[arg-type]
                additional_headers=(
                    {"Cookie": self.headers["Cookie"]} if self.cookie is not None else {}
                ),
                max_size=LARGEST_MESSAGE,
                open_timeout=PATIENCE_SECONDS,
                compression=None,
            )
        except InvalidStatus as refused:
            raise Closed(refused.response.status_code) from refused
        with socket:
            yield Page(socket)


class Closed(Exception):
    """The server closed the websocket; the argument is the handshake's status, or a code."""


def _name_and_value(cookie: str) -> tuple[str, str]:
    name, _, value = cookie.partition(";")[0].partition("=")
    return name, value


def _socket(place: str):
    import socket

    host, _, port = place.partition(":")
    return socket.create_connection((host, int(port)), PATIENCE_SECONDS)


@dataclass
class Page:
    """Streamlit's own protocol: ask for a run of the page, and read what it sends."""

    socket: ClientConnection
    received: bytes = b""
    component: str | None = None
    fragment: str = ""
    script: str = ""
    session: str = ""

    def run(self, *, query: str = "", page: str = "", script: str = "") -> list[str]:
        """Open the page (named `page`, or by a script's hash); the texts that it shows."""
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.page_name = page
        message.rerun_script.page_script_hash = script
        message.rerun_script.widget_states.SetInParent()
        return self._ask(message)

    def send(self, event: str, value: Any) -> list[str]:
        """An event of the page's component, as if judge.js sent it."""
        assert self.component is not None, "there is nothing to judge"
        message = BackMsg()
        state = message.rerun_script
        state.fragment_id, state.page_script_hash = self.fragment, self.script
        widget = state.widget_states.widgets.add()
        widget.id = f"$$STREAMLIT_INTERNAL_KEY_{self.component}__events"
        widget.json_trigger_value = json.dumps([{"event": event, "value": value}])
        return self._ask(message)

    def _ask(self, message: BackMsg) -> list[str]:
        try:
            self.socket.send(message.SerializeToString())
            return list(self._texts())
        except ConnectionClosed as closed:
            raise Closed(closed.rcvd.code if closed.rcvd else 1006) from closed

    def _texts(self) -> Iterator[str]:
        """The texts of a run, until it is finished."""
        while True:
            frame = self.socket.recv(PATIENCE_SECONDS)
            assert isinstance(frame, bytes)
            self.received += frame
            message = ForwardMsg()
            message.ParseFromString(frame)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.session = message.new_session.initialize.session_id or self.session
            elif kind == "navigation":
                self.script = message.navigation.page_script_hash
            elif kind == "page_not_found":
                yield "Page not found"
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                shown = element.WhichOneof("type")
                if shown == "bidi_component":
                    self.component = element.bidi_component.id
                    self.fragment = message.delta.fragment_id
                    task = element.bidi_component.json or element.bidi_component.mixed.json
                    yield task
                elif shown in ("markdown", "heading", "alert", "text"):
                    yield getattr(element, shown).body
            elif kind == "script_finished":
                finished = ForwardMsg.ScriptFinishedStatus.Name(message.script_finished)
                if finished != "FINISHED_EARLY_FOR_RERUN":
                    return
