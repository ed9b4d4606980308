"""Everything that a page of a test receives, and what is to be found in it: words, and pictures."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import streamlit
from PIL import Image, UnidentifiedImageError
from playwright.sync_api import ConsoleMessage, Error, Page, Request, WebSocket
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


@dataclass
class Record:
    """Everything that a page receives, and asks for, from the moment it is watched."""

    page: Page
    frames: list[bytes] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    unread: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("websocket", self._socket)
        self.page.on("request", lambda request: self.spoken.append(request.url))
        self.page.on("requestfinished", self._finished)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.spoken.append(str(error)))

    def _finished(self, request: Request) -> None:
        # A blob is what the page itself has made of bytes that had come before, and its address is
        # often gone by the time somebody asks for it.
        if not request.url.startswith("blob:"):
            self.unread.append(request)

    def _console(self, message: ConsoleMessage) -> None:
        self.spoken.append(f"{message.text} {message.location}")

    def _socket(self, socket: WebSocket) -> None:
        self.spoken.append(socket.url)
        socket.on("framereceived", self._message)
        socket.on("framesent", lambda frame: self.frames.append(_bytes(frame)))

    def _message(self, frame: str | bytes) -> None:
        self.frames.append(_bytes(frame))
        self.messages.append(_bytes(frame))

    def received(self) -> list[bytes]:
        """Frames and responses so far. Call it before leaving a page: its bodies go with it."""
        while self.unread:
            answer = self.unread.pop().response()
            self.keep(f"{answer.url} {answer.all_headers()}".encode())
            if 300 <= answer.status < 400:
                continue
            try:
                self.keep(answer.body())
            except Error:  # it came out of the browser's cache, which keeps bodies to itself
                self.keep(self.page.request.get(answer.url).body())
        return [*self.frames, *self.answers]

    def keep(self, *answers: bytes) -> None:
        """Add to the responses, but for files of Streamlit's own."""
        self.answers += [
            answer for answer in answers if hashlib.sha256(answer).digest() not in STREAMLITS_OWN
        ]

    def look(self) -> None:
        """Keep what stands there now: the address, the title, the whole document, the storage."""
        kept = self.page.evaluate(
            """async () => [
                document.title,
                location.href,
                document.documentElement.outerHTML,
                ...[...document.querySelectorAll("*")].map((it) => it.shadowRoot?.innerHTML ?? ""),
                JSON.stringify([localStorage, sessionStorage]),
                JSON.stringify(await indexedDB.databases()),
                document.cookie,
                window.name,
            ]"""
        )
        cookies = self.page.context.cookies()
        self.answers += [text.encode() for text in {*kept, repr(cookies)}]
        self.answers += [_unwrapped(cookie["value"]) for cookie in cookies]

    def shake_hands(self, url: str) -> None:
        """Keep the headers of a websocket's handshake, of which Playwright tells none."""
        cookies = "; ".join(f"{it['name']}={it['value']}" for it in self.page.context.cookies())
        with connect(
            f"{url.replace('http', 'ws', 1)}/_stcore/stream",
            subprotocols=["streamlit", "none"],  # type: ignore[list-item]
            origin=url,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookies} if cookies else {},
        ) as socket:
            assert socket.response is not None
            self.keep(repr(socket.response.headers).encode())

    def everything(self) -> list[bytes]:
        """Frames, responses, console, and what has been looked at, now included."""
        self.look()
        said = [text.encode() for text in self.spoken]
        return [*self.received(), *said, *(texts(message) for message in self.messages)]


#: The very bytes of these files are on every Streamlit server in the world.
STREAMLITS_OWN = {
    hashlib.sha256(file.read_bytes()).digest()
    for file in (Path(streamlit.__file__).parent / "static").rglob("*")
    if file.is_file()
}


def _unwrapped(cookie: str) -> bytes:
    """What a cookie says to whoever decodes it: base64 before a signature."""
    text = cookie.strip('"').partition(".")[0]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _bytes(frame: str | bytes) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame


def texts(message: bytes) -> bytes:
    """The texts of a message of Streamlit's server, in quotes.

    In the message itself the length stands before a text, and one of 71 bytes is a "G".
    """
    quoted = re.findall(r'"(?:[^"\\]|\\.)*"', str(ForwardMsg.FromString(message)))
    return "".join(quoted).replace('\\"', '"').encode()


#: What may stand before a word: nothing, no letter, or a character as JSON writes it.
_BEFORE_A_WORD = re.compile(rb"(?:^|[^a-z]|\\[bfnrt]|\\u[0-9a-f]{4})\Z")


def found(words: Iterable[str], received: Iterable[bytes]) -> set[str]:
    """Those of the words that occur, whatever their case and ending, in what was received.

    A word begins where no letter stands before it: "eight" is not in "height".
    """
    text = b"\0".join(received).lower()
    return {word for word in words if _begins(word.lower().encode(), text)}


def _begins(word: bytes, text: bytes) -> bool:
    place = text.find(word)
    while place >= 0 and not _BEFORE_A_WORD.search(text[max(0, place - 6) : place]):
        place = text.find(word, place + 1)
    return place >= 0


def pictures(received: Iterable[bytes]) -> set[bytes]:
    """The pixels of every image in what was received: raw, or base64 in text, of any format."""
    return set().union(*map(_in_part, received))


@cache  # a session is looked through again at each of its tasks
def _in_part(part: bytes) -> frozenset[bytes]:
    found = _decoded(part)
    for run in re.findall(rb"[A-Za-z0-9+/_-]{60,}={0,2}", part):
        run = run.replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
        run = run[: len(run) - (len(run) % 4 == 1)]
        found |= _decoded(base64.b64decode(run + b"=" * (-len(run) % 4)))
    return frozenset(found)


def _decoded(content: bytes) -> set[bytes]:
    """The pixels of the images that begin anywhere in `content`."""
    found = set()
    for opening in re.finditer(
        rb"\x89PNG\r\n|\xff\xd8\xff|RIFF....WEBP|GIF8|BM", content, re.DOTALL
    ):
        try:
            with Image.open(io.BytesIO(content[opening.start() :])) as image:
                found.add(pixels(np.asarray(image.convert("L"))))
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
            continue
    return found


def pixels(image: np.ndarray) -> bytes:
    """Shape and grey values, so that one picture in two formats is one."""
    return repr(image.shape[:2]).encode() + image.tobytes()
