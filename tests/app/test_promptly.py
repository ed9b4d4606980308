"""A websocket's messages are not held back, on a listening socket such as Streamlit binds."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import uvicorn
from websockets.asyncio.client import connect

from app.gate import AsgiApp, Receive, Scope, Send
from app.promptly import Promptly, imported
from tests.app.processes import ROOT
from tests.event_loop import run_apart


async def tells_nodelay(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI app that sends its connection's TCP_NODELAY, and ends."""
    await send({"type": "websocket.accept"})
    connection = receive.__self__.transport.get_extra_info("socket")
    chosen = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    await send({"type": "websocket.send", "text": str(bool(chosen))})
    await send({"type": "websocket.close"})


async def nodelay(app: AsgiApp) -> str:
    """What the app says, served by the server and the protocol that Streamlit uses."""
    listener = socket.socket(family=socket.AF_INET)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.setblocking(False)
    server = uvicorn.Server(
        uvicorn.Config(app, ws="websockets-sansio", lifespan="off", log_level="error")
    )
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup(sockets=[listener])
    try:
        async with connect(f"ws://127.0.0.1:{listener.getsockname()[1]}") as client:
            return str(await client.recv())
    finally:
        await server.shutdown(sockets=[listener])


@pytest.mark.parametrize(
    ("app", "said"), [(tells_nodelay, "False"), (Promptly(tells_nodelay), "True")]
)
def test_nothing_waits_for_the_browsers_acknowledgement(app: AsgiApp, said: str) -> None:
    """Without it things wait, else there would be nothing to do here."""
    assert run_apart(asyncio.wait_for(nodelay(app), 20)) == said


def test_other_servers_are_left_alone() -> None:
    async def ended(*_: object) -> None:
        return None

    run_apart(Promptly(ended)({"type": "websocket"}, ended, ended))  # type: ignore[arg-type]


def test_a_page_that_is_there_does_not_wait_for_one_that_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow one ends when the other has been given: else this would hang."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "slow_page.py").write_text(
        "from tests.app.test_promptly import begun, given\nbegun.set()\nassert given.wait(60)\n"
    )
    monkeypatch.setitem(sys.modules, "tests.app.test_promptly", sys.modules[__name__])
    there = imported("json")
    slow = threading.Thread(target=imported, args=["slow_page"])
    slow.start()
    assert begun.wait(60)
    asking = threading.Thread(target=lambda: imported("json") is there and given.set())
    asking.start()
    assert given.wait(30)
    slow.join()


begun, given = threading.Event(), threading.Event()


def test_threads_give_way_at_once_and_imports_are_no_garbage() -> None:
    """In a process of its own: it is the whole process that is set so."""
    program = (
        "import gc, sys; from app.promptly import Promptly, imported; Promptly(None)"
        "; found = imported('json'); again = imported('json')"
        "; print(found.__name__, sys.getswitchinterval() < 0.001, gc.get_freeze_count() > 10_000)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert said.stdout.split() == ["json", "True", "True"], said.stderr
