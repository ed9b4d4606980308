"""One rotating log file a process, in the home folder: what people are not shown goes there."""

from __future__ import annotations

import logging
from functools import cache
from logging.handlers import RotatingFileHandler
from pathlib import Path

#: Our own packages report what they do; of others only warnings are kept.
PACKAGES = ("app", "data", "engine", "labelling")
#: Streamlit keeps its loggers apart from the root. These have the tracebacks of failed fragments,
#: and the connections and uploads that Streamlit itself refuses.
STREAMLITS = (
    "streamlit.error_util",
    "streamlit.web.server.starlette.starlette_websocket",
    "streamlit.web.server.starlette.starlette_routes",
)
LARGEST_BYTES = 5_000_000
KEPT_FILES = 5


@cache
def start_logging(folder: Path, process: str) -> Path:
    """Log to `folder`/`process`.log from now on, and print where; a second call does nothing.

    `process` names the kind of process ("app", "worker-cpu"): two processes never share a file,
    since a file that one of them rotates is lost to the other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{process}.log"
    handler = RotatingFileHandler(
        file, maxBytes=LARGEST_BYTES, backupCount=KEPT_FILES, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in (None, *STREAMLITS):
        logging.getLogger(name).addHandler(handler)
    for name in PACKAGES:
        logging.getLogger(name).setLevel(logging.INFO)
    print(f"Log: {file}", flush=True)
    return file
