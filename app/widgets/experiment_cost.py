"""What an experiment will cost, beside the button that starts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.access import current_home
from app.guard import guarded
from app.runner.cost import in_words
from app.runner.cost_wishes import ask_cost
from app.runner.menu import Menu
from app.runner.submit import default_device, ensure_worker


def show_cost(
    menu: Menu, definition: Mapping[str, Any], missing: Sequence[int] | None = None
) -> None:
    """The cost in a sentence; while the worker times its steps, that it does."""
    remark = _not_there(menu, definition)
    if remark is not None:
        st.caption(f"{remark} What the experiment costs is known once they are there.")
        return
    device = definition.get("device") or default_device()
    ensure_worker(current_home(), device)
    if ask_cost(current_home(), device, definition, missing) is None:
        st.fragment(guarded(_wait), run_every=0.5)(device, definition, missing)
    else:
        _tell(device, definition, missing)


def _wait(device: str, definition: Mapping[str, Any], missing: Sequence[int] | None) -> None:
    """Only this line is drawn again, until the answer is there."""
    if ask_cost(current_home(), device, definition, missing) is None:
        st.caption(f":material/timer: Timing a few steps on {device}, to say what it will cost …")
    else:
        st.rerun()  # the whole page, so that nothing is asked any more


def _tell(device: str, definition: Mapping[str, Any], missing: Sequence[int] | None) -> None:
    answer = ask_cost(current_home(), device, definition, missing)
    if isinstance(answer, str):
        st.warning(f"What it will cost cannot be known: {answer}")
    elif answer is not None:
        st.caption(f":material/timer: {in_words(answer)}")


def _not_there(menu: Menu, definition: Mapping[str, Any]) -> str | None:
    """What is said of weights that are to be fetched first."""
    names = dict.fromkeys(one["classifier"] for one in definition["conditions"])
    entries = [menu.generators[definition["generator"]], *(menu.classifiers[n] for n in names)]
    return " ".join(entry.remark for entry in entries if entry.remark) or None
