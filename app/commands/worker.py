"""`python -m app worker`: run the jobs that pages submit."""

from __future__ import annotations

import argparse

HELP = """Run the jobs that pages submit, on one device, until Ctrl-C.

`serve` starts a worker by itself, and pages start one when none is alive; run your own for a
further device. There is never more than one for a device and home folder. A worker that is ended
puts its jobs back into the queue, and one that is killed leaves them to the next: nothing that was
stored is computed again.

  python -m app worker --device cuda:0"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, … (default: cpu)")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="processor threads of an experiment (default: all)"
    )
    parser.add_argument(
        "--idle-minutes",
        type=float,
        metavar="M",
        help="end after so long without a job (default: never)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until the end is asked for."""
    from app.logs import start_logging
    from app.runner.interruption import interruption
    from app.runner.lock import worker_lock
    from data.home import home

    place = home(arguments.home)
    # The lock comes before torch is imported, so that of two workers started at once the second
    # ends at once.
    with interruption() as ended, worker_lock(place, arguments.device) as lock:
        start_logging(place.logs, f"worker-{arguments.device.replace(':', '-')}")
        from app.runner.worker import work

        work(
            place,
            arguments.device,
            threads=arguments.threads,
            idle_seconds=None if arguments.idle_minutes is None else arguments.idle_minutes * 60,
            ended=lambda: ended() or not lock.exists(),
        )
    return 0
