"""The app's server as a process that a test may kill, choke and start again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.browser.conftest import ROOT, free_port, healthy

START_SECONDS = 90
END_SECONDS = 30


@dataclass
class Server:
    """One server, started and ended as often as one likes, always at the same address.

    `wrapper` goes before its command and `environment` over ours: a smaller disk, fewer rights.
    """

    home: Path
    wrapper: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> Path:
        """What it prints."""
        return self.home.with_name(f"{self.home.name}-output.txt")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended by itself."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    *self.wrapper,
                    *(sys.executable, "-m", "streamlit", "run", "streamlit_app.py"),
                    *(f"--server.port={self.port}", "--server.address=127.0.0.1"),
                ],
                cwd=ROOT,
                env={
                    **os.environ,
                    "PLAINVIEW_HOME": str(self.home),
                    "OMP_NUM_THREADS": "1",
                    **self.environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not healthy(self.url):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"The server did not start:\n{self.output.read_text()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9: it has no moment for anything."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            os.killpg(process.pid, number)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server, started; whatever became of it meanwhile, it is gone at the end."""
    server.home.mkdir(parents=True, exist_ok=True)
    server.start()
    try:
        yield server
    finally:
        server.stop()
