"""How people are asked about a label, for the pages: from the menu that the worker has written."""

from __future__ import annotations

from app.access import current_home
from app.runner.label_text import label_texts
from app.runner.menu import read_menu
from app.runner.submit import ensure_worker
from labelling.options import StudyError
from labelling.studies import LabelText


def label_text(generator: str, label: int) -> LabelText:
    """How people are asked about a label, from the catalogue. Raises StudyError."""
    menu = read_menu(current_home())
    if menu is None:
        ensure_worker(current_home())
        raise StudyError("The worker, which knows the labels, is starting: try again in a moment.")
    return label_texts(menu, current_home())(generator, label)
