"""What the first visitor would wait for, done beside the server as it starts.

The Results page imports pandas, SciPy and Plotly, reads the newest experiment with everybody's
judgements and computes its curves: two seconds where there are a million of them. The server
answers nobody before that is done, or has taken `MOST_SECONDS`: what is left would keep those
waiting who come at once, and everybody else who shares Python's interpreter with it.
"""

from __future__ import annotations

import logging
from threading import Thread

from app.access import current_home
from app.plotly_script import compressed
from app.promptly import imported
from data.database import DatabaseError
from data.home import HomeError

log = logging.getLogger(__name__)

#: So long the server's first answer waits for this at most.
MOST_SECONDS = 2.5


def start_warming() -> Thread:
    """Begin; to be joined for `MOST_SECONDS`. The thread does not keep the server from ending."""
    thread = Thread(target=warm, name="warming", daemon=True)
    thread.start()
    return thread


def warm() -> None:
    """Import and read. What cannot be read is told to whoever opens the page."""
    imported("app.pages.label")  # first: people who label are to wait for none of the rest
    compressed()
    imported("app.pages.results")
    try:
        if current_home().database.is_file():
            imported("app.widgets.results_kept").read_ahead()
    except (DatabaseError, HomeError):
        log.exception("Nothing was read ahead")
