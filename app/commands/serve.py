"""`python -m app serve`: the web app and its worker."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from app.commands.terminal import say
from app.logs import LARGEST_BYTES
from app.runner.interruption import interruption
from app.runner.lock import worker_alive
from app.runner.request import RequestError
from app.serving import SERVE_AT, Served, check_ways_in, served_at
from data.home import CHECKOUT, home

HELP = """Start the web app and its worker on this computer, until Ctrl-C.

Prints the address once the app answers. Ctrl-C ends both: a search or an experiment that is running
goes on when the app is started again.

Without --serve-at only this computer is answered, without sign-in. With it people elsewhere are, at
that address, through a proxy that speaks TLS (docs/serving.md); somebody has to be able to sign in.

  python -m app serve --port 8600 --home ~/plainview
  python -m app serve --port 8600 --serve-at https://labels.example.org"""

ADDRESS = "127.0.0.1"
FIRST_PORT = 8501
TRIED_PORTS = 50
LOOK_SECONDS = 0.2
START_SECONDS = 90
END_SECONDS = 10
#: The server's: products as small as its pages need take four times the processor on four cores,
#: three of which only wait. What computes at length is the worker.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--port",
        type=int,
        help=f"the port to listen on (default: the first free from {FIRST_PORT})",
    )
    parser.add_argument(
        "--serve-at",
        metavar="ADDRESS",
        help="the address that people elsewhere open (default: none, only this computer)",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, … (default: cpu)")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="processor threads of an experiment (default: all)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Start both, watch both, end both."""
    place = home(arguments.home)
    address = arguments.serve_at or os.environ.get(SERVE_AT)
    here = served_at(address) if address else None
    if here is not None:
        check_ways_in(place)
    port = arguments.port or _free_port()
    environment = {
        **os.environ,
        "PLAINVIEW_HOME": str(place.root),
        "PLAINVIEW_DEVICE": arguments.device,
        SERVE_AT: str(here or ""),
    }
    worker_command = [*(sys.executable, "-m", "app", "worker"), *("--device", arguments.device)]
    if arguments.threads:
        worker_command += ["--threads", str(arguments.threads)]
    server_command = [
        *(sys.executable, "-m", "streamlit", "run", "streamlit_app.py"),
        *(f"--server.port={port}", f"--server.address={ADDRESS}"),
        f"--server.baseUrlPath={here.base if here else ''}",
    ]
    with interruption() as asked, (place.logs / "serve.output").open("ab") as output:
        say(f"Starting Plainview; everything is kept in {place.root}, logs in {place.logs}.")
        worker: subprocess.Popen[bytes] | None = None
        server = _start(server_command, _ONE_THREAD | environment, output)
        try:
            told, deadline = False, time.monotonic() + START_SECONDS
            while not asked():
                if server.poll() is not None:
                    say(f"The app has ended by itself; {output.name} says why.")
                    return 1
                if (worker is None or worker.poll() is not None) and not worker_alive(
                    place, arguments.device
                ):
                    worker = _start(worker_command, environment, output)
                    time.sleep(1)  # a worker that cannot start is not started over and over
                _cut(Path(output.name))
                if not told and _answers(port, here):
                    print(f"Plainview is ready: {_where(port, here)}", flush=True)
                    say("Press Ctrl-C to end it.")
                    told = True
                if not told and time.monotonic() > deadline:
                    say(f"The app does not answer; {output.name} may say why.")
                    return 1
                time.sleep(LOOK_SECONDS)
            say("Ending. What was running goes on when Plainview is started again.")
            return 0
        finally:
            _end(server, worker)


def _start(
    command: list[str], environment: dict[str, str], output: object
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def _end(*processes: subprocess.Popen[bytes] | None) -> None:
    """Ask all to end, and make those that have not after a while."""
    living = [process for process in processes if process is not None]
    for process in living:
        process.terminate()
    for process in living:
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    for port in range(FIRST_PORT, FIRST_PORT + TRIED_PORTS):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((ADDRESS, port))
            except OSError:
                continue
            return port
    raise RequestError(
        f"All ports from {FIRST_PORT} to {FIRST_PORT + TRIED_PORTS - 1} are taken: choose another"
        " with --port."
    )


def _where(port: int, here: Served | None) -> str:
    listens = f"http://{ADDRESS}:{port}"
    return listens if here is None else f"{here}, which a proxy passes on to {listens}"


def _answers(port: int, here: Served | None) -> bool:
    base = here.base if here else ""
    address = f"http://{ADDRESS}:{port}{base}/_stcore/health"
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _cut(output: Path) -> None:
    """Keep what the processes print from filling the disk: begin anew, and keep one file before.

    They go on appending to the same file, so it is copied and emptied, not renamed.
    """
    if output.stat().st_size > LARGEST_BYTES:
        shutil.copyfile(output, output.with_name(f"{output.name}.1"))
        os.truncate(output, 0)
