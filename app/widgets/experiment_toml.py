"""A definition as a file: loaded into the form, and saved from it."""

from __future__ import annotations

import streamlit as st

from app.access import visitor
from app.runner import plan
from app.runner.experiment_file import located, read_experiment_file, write_experiment_file
from app.runner.menu import Menu
from app.runner.request import ExperimentRequest, RequestError
from app.widgets.download import download
from app.widgets.plain_text import plain

PROBLEM = "new-file-problem"
LOADED = "new-files"  # how many were: each gets an uploader of its own, empty again


def load_button() -> None:
    """Offer to load a TOML file; `take_file` puts its values into the form."""
    with st.popover("Load a file", icon=":material/upload_file:", type="tertiary"):
        st.file_uploader(
            "A definition as TOML (docs/experiments.md has an example)",
            type="toml",
            key=_uploader(),
            max_upload_size=1,
        )
    if st.session_state.get(PROBLEM):
        st.error(plain(st.session_state[PROBLEM]))


def save_button(request: ExperimentRequest, name: str) -> None:
    """Offer the form's values as a TOML file."""
    text = write_experiment_file(request, name)
    download(
        "Save as a file",
        lambda: text,
        "experiment.toml",
        "application/toml",
        icon=":material/download:",
        type="tertiary",
        help="`python -m app experiment run experiment.toml` runs the same in a terminal.",
    )


def _uploader() -> str:
    return f"new-file-{st.session_state.get(LOADED, 0)}"


def take_file(menu: Menu) -> None:
    """What a file says becomes the state of the form's widgets; call it before they are drawn.

    Nothing is called when a file comes: such a call may be cut short by the page's next run, and
    the file would be lost. Here the next run takes it.
    """
    uploaded = st.session_state.get(_uploader())
    if uploaded is None:
        return
    st.session_state[PROBLEM] = None
    try:
        _put_into_form(menu, uploaded.getvalue(), uploaded.name)
    except RequestError as error:
        st.session_state[PROBLEM] = str(error)
    st.session_state[LOADED] = st.session_state.get(LOADED, 0) + 1


def _put_into_form(menu: Menu, content: bytes, called: str) -> None:
    """Raises RequestError, with the line that is wrong."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(f"{called} is no text in UTF-8: choose a TOML file.") from error
    request, name = read_experiment_file(text, owner=visitor().name, called=called)
    try:
        plan.experiment(menu, request)
    except RequestError as error:
        raise located(error, text, called) from error
    fill_form(menu, request, name)


def fill_form(menu: Menu, request: ExperimentRequest, name: str = "") -> None:
    """Put a request into the form, before it is drawn."""
    own = [subset for subset in request.subsets if not isinstance(subset, str)]
    presets = [subset for subset in request.subsets if isinstance(subset, str)]
    values = {
        "generator": request.generator,
        "name": name,
        "classifiers": list(request.classifiers),
        "subsets": presets or ([] if own else ["all"]),
        "weights": "; ".join(" ".join(f"{p}={w:g}" for p, w in one.items()) for one in own),
        "searches": list(request.searches),
        "schedules": list(request.schedules),
        "budget": request.budget,
        "trials": request.trials,
        "seed": request.seed,
        "targeted": request.targeted,
        "truncation": request.truncation,
        "follows": request.condition_follows_z,
        "slots": request.slots,
        "precision": request.precision,
        "random": request.random_directions,
        "repeats": request.repeats,
        "keep": request.keep_perturbations,
        "device": request.device or "",
    }
    for key, value in values.items():
        st.session_state[f"new-{key}"] = value
