"""Answers come promptly, to fifty people at once: what keeps them waiting otherwise.

- Streamlit binds its listening socket without saying that it is TCP, so asyncio does not switch
  off Nagle's algorithm on the connections it accepts: the second message of a run, the next image,
  waited 40 ms for the browser's system to acknowledge the first.
- A thread that computes keeps Python's interpreter for 5 ms when others want it, and an answer asks
  for it some twenty times, after each word with the database.
- A full garbage collection stops all threads, and looks through every function of every package.
"""

from __future__ import annotations

import gc
import importlib
import socket
import sys
import threading
from types import ModuleType

from app.gate import AsgiApp, Receive, Scope, Send

#: Seconds for which a thread keeps the interpreter.
SWITCH_SECONDS = 0.0005


_importing = threading.Lock()
_imported: dict[str, ModuleType] = {}


def imported(module: str) -> ModuleType:
    """The module. What has been imported by then stays, and is collected as garbage no more.

    Nobody who wants one that is there waits for another that somebody is importing.
    """
    if module not in _imported:
        with _importing:
            if module not in _imported:
                _imported[module] = _import(module)
    return _imported[module]


def _import(module: str) -> ModuleType:
    found = importlib.import_module(module)
    gc.collect()
    gc.freeze()
    # A full collection waits until a quarter as much is new as the last one left: now, nothing.
    gc.collect()
    return found


class Promptly:
    """ASGI middleware, made once a server: sets TCP_NODELAY on the connection of each websocket."""

    def __init__(self, app: AsgiApp) -> None:
        self.app = app
        sys.setswitchinterval(SWITCH_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand everything on."""
        if scope["type"] == "websocket":
            _without_delay(receive)
        await self.app(scope, receive, send)


def _without_delay(receive: Receive) -> None:
    """`receive` is a method of uvicorn's protocol, which has the connection; else nothing is done.

    ASGI itself has no way to the socket.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    connection = transport.get_extra_info("socket") if transport is not None else None
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
