"""The form for a new experiment: what to combine, over how many trials, and what it will cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from app.access import current_home, database, visitor
from app.guard import guarded
from app.runner import plan
from app.runner.choices import PRECISIONS
from app.runner.menu import GeneratorChoice, Menu, read_menu
from app.runner.plan import LARGEST_SEED, MOST_CONTROLS
from app.runner.request import ExperimentRequest, RequestError, point_weights
from app.runner.submit import default_device, ensure_worker, submit_experiment
from app.widgets.experiment_cost import show_cost
from app.widgets.experiment_toml import load_button, save_button, take_file
from app.widgets.plain_text import plain
from data.counted import counted
from data.jobs import job


def new_experiment(*, unfold: bool, on_started: Callable[[str], None]) -> None:
    """Show the form; `on_started` gets the id of an experiment that it has started."""
    with st.expander("New experiment", expanded=unfold, icon=":material/add:"):
        menu = read_menu(current_home())
        if menu is None:
            _wait_for_menu()
            return
        take_file(menu)
        names = [name for name, choice in menu.generators.items() if choice.problem is None]
        left, right = st.columns([1, 2])
        generator = menu.generators[left.selectbox("Generator", names, key="new-generator")]
        name = right.text_input("Name", key="new-name", placeholder="Optional")
        try:
            request = _asked(menu, generator)
            definition = plan.experiment(menu, request)
        except RequestError as error:
            request, definition = None, None
            st.info(str(error))
        else:
            st.caption(_summary(definition))
            show_cost(menu, definition)
        with st.container(horizontal=True, vertical_alignment="center"):
            started = st.button("Start", type="primary", disabled=definition is None)
            if request is not None:
                save_button(request, name)
            load_button()
        if started and request is not None:
            _start(request, name, on_started)


@st.fragment(run_every=1.0)
def _wait_for_menu() -> None:
    """Only the worker knows the catalogue; start it and look again."""
    guarded(_look_for_menu)()


def _look_for_menu() -> None:
    ensure_worker(current_home())
    if read_menu(current_home()) is not None:
        st.rerun()
    st.write("The worker is starting: the choices appear in a moment.")


def _asked(menu: Menu, generator: GeneratorChoice) -> ExperimentRequest:
    """The request as it stands in the form. Raises RequestError."""
    left, middle, right = st.columns(3)
    with left:
        usable = [name for name in generator.classifiers if menu.classifiers[name].problem is None]
        classifiers = _several("Classifiers", usable, usable[:2], "new-classifiers")
        presets = list(generator.presets)
        subsets = _several("Layer subsets", presets, presets[1:], "new-subsets")
    with middle:
        searches = _several(
            "Searches", list(menu.searches), list(menu.searches)[:1], "new-searches"
        )
        fitting = [name for search in searches for name in menu.searches[search]]
        schedules = _several(
            "Schedules",
            fitting,
            [],
            "new-schedules",
            placeholder=f"Default: {generator.schedule}",
            help="How the bound on the magnitude grows. The default is the generator's own.",
        )
    with right:
        trials = st.number_input("Trials", 1, 100_000, **_first(240, "new-trials"))
        seed = st.number_input("Seed", 0, LARGEST_SEED, **_first(0, "new-seed"))
        targeted = st.toggle(
            "Targeted", **_first(True, "new-targeted"), help="Off: any wrong label will do."
        )
    with st.popover("Controls and details", icon=":material/tune:"):
        more = _details(generator)
    own = more.pop("weights")
    if not (subsets or own):
        raise RequestError("Choose at least one layer subset.")
    return ExperimentRequest(
        generator=generator.name,
        classifiers=tuple(classifiers),
        subsets=(*subsets, *own),
        searches=tuple(searches),
        schedules=tuple(schedules),
        trials=int(trials),
        seed=int(seed),
        targeted=targeted,
        owner=visitor().name,
        **more,
    )


def _details(generator: GeneratorChoice) -> dict[str, object]:
    """What is seldom changed. Raises RequestError for layer weights that are none."""
    left, right = st.columns(2)
    with left:
        random = st.number_input(
            "Random directions",
            0,
            MOST_CONTROLS,
            **_first(0, "new-random"),
            help="Control: for each trial that is found, so many random directions of the same"
            " magnitude at the same points. Does the classifier change then?",
        )
        budget = st.number_input(
            "Budget", 1, None, **_first(None, "new-budget"), placeholder="The schedule's"
        )
        precision = st.selectbox("Precision", PRECISIONS, key="new-precision")
    with right:
        repeats = st.number_input(
            "Repeated runs",
            0,
            MOST_CONTROLS,
            **_first(0, "new-repeats"),
            help="Control: the same trials again. Any difference is noise of the device.",
        )
        slots = st.number_input(
            "Slots",
            1,
            None,
            **_first(None, "new-slots"),
            placeholder="128, or as many as trials",
            help="Trials searched side by side. Across numbers of slots, float noise can change a"
            " result, so that they are a part of the definition.",
        )
        device = st.text_input("Device", key="new-device", placeholder=default_device())
    weights = st.text_input(
        "Layer weights of your own",
        key="new-weights",
        placeholder=f"{generator.points[0].name}=1 {generator.points[1].name}=0.5",
        help="Points that are not named get 0; a semicolon begins another subset.",
    )
    truncation, follows = 1.0, True
    if "truncation" in generator.options:
        truncation = st.number_input("Truncation", 0.01, 1.0, **_first(1.0, "new-truncation"))
    if "condition_follows_z" in generator.options:
        follows = st.toggle("The condition follows z", **_first(True, "new-follows"))
    keep = st.toggle(
        "Keep the perturbations",
        **_first(False, "new-keep"),
        help="Their tensors, as long as the quota allows: the oldest go first.",
    )
    own: list[Mapping[str, float]] = [
        point_weights(part.split()) for part in weights.split(";") if part.strip()
    ]
    return {
        "weights": own,
        "random_directions": int(random),
        "repeats": int(repeats),
        "budget": budget and int(budget),
        "slots": slots and int(slots),
        "precision": precision,
        "truncation": float(truncation),
        "condition_follows_z": follows,
        "keep_perturbations": keep,
        "device": device.strip() or None,
    }


def _first(value: object, key: str) -> dict[str, object]:
    """A widget's key, with its first value unless a file has set another."""
    return {"key": key} if key in st.session_state else {"value": value, "key": key}


def _several(label: str, options: list[str], first: list[str], key: str, **more: str) -> list[str]:
    if key in st.session_state:  # what a change of the generator has taken away
        st.session_state[key] = [one for one in st.session_state[key] if one in options]
        return st.multiselect(label, options, key=key, **more)
    return st.multiselect(label, options, default=first, key=key, **more)


def _summary(definition: Mapping[str, object]) -> str:
    """ "4 conditions × 240 trials, and 4 of control. …" """
    roles = [one["role"] for one in definition["conditions"]]
    count, controls = roles.count("search"), len(roles) - roles.count("search")
    return (
        f"{counted(count, 'condition')} × {counted(definition['trials'], 'trial')}"
        + (f", and {controls} of control" if controls else "")
        + ". Every trial has its own seed, so that 240 trials are the first of 1000 later on."
    )


def _start(request: ExperimentRequest, name: str, on_started: Callable[[str], None]) -> None:
    try:
        job_id = submit_experiment(database(), current_home(), request, name)
    except RequestError as error:
        st.error(plain(str(error)))
        return
    started = job(database(), job_id)
    assert started is not None
    ensure_worker(current_home(), started.device)
    on_started(started.experiment_id)
