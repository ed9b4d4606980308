"""`python -m app serve`: the web app and its worker."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from app.commands.terminal import say
from app.runner.interruption import interruption
from app.runner.lock import worker_alive
from app.runner.request import RequestError
from data.home import CHECKOUT, home

HELP = """Start the web app and its worker on this computer, until Ctrl-C.

Prints the address once the app answers. Ctrl-C ends both: a search or an experiment that is running
goes on when the app is started again.

  python -m app serve --port 8600 --home ~/plainview"""

ADDRESS = "127.0.0.1"
FIRST_PORT = 8501
TRIED_PORTS = 50
LOOK_SECONDS = 0.2
START_SECONDS = 90
END_SECONDS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--port",
        type=int,
        help=f"the port to listen on (default: the first free from {FIRST_PORT})",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, … (default: cpu)")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="processor threads of an experiment (default: all)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Start both, watch both, end both."""
    place = home(arguments.home)
    port = arguments.port or _free_port()
    environment = {
        **os.environ,
        "PLAINVIEW_HOME": str(place.root),
        "PLAINVIEW_DEVICE": arguments.device,
    }
    worker_command = [*(sys.executable, "-m", "app", "worker"), *("--device", arguments.device)]
    if arguments.threads:
        worker_command += ["--threads", str(arguments.threads)]
    server_command = [
        *(sys.executable, "-m", "streamlit", "run", "streamlit_app.py"),
        *(f"--server.port={port}", f"--server.address={ADDRESS}"),
    ]
    with interruption() as asked, (place.logs / "serve.output").open("ab") as output:
        say(f"Starting Plainview; everything is kept in {place.root}.")
        worker: subprocess.Popen[bytes] | None = None
        server = _start(server_command, environment, output)
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
                if not told and _answers(port):
                    print(f"Plainview is ready: http://{ADDRESS}:{port}", flush=True)
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


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{ADDRESS}:{port}/_stcore/health", timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
