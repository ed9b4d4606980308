"""What to search: generator, points, classifier, label, target, seed, search and schedule."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.runner.menu import GeneratorChoice, Menu
from app.runner.plan import default_schedule, preset
from app.runner.request import SearchRequest
from app.widgets.explore_chain import chain

ANY_OTHER = "any other"
#: Session keys; those that widgets have are the names in the address too.
WEIGHTS = "layer_weights"
POINTS = "points"
LARGEST_DRAWN_SEED = 999_999


def fill_in(menu: Menu, definition: Mapping[str, Any]) -> None:
    """Set every control to what a search was asked with; before any control is shown."""
    generator = menu.generators.get(definition["generator"])
    if generator is None:
        return
    [condition], trial = definition["conditions"], definition["trial"]
    state = st.session_state
    state["generator"] = generator.name
    state["classifier"] = condition["classifier"]
    names = _distinct(generator.labels)
    state["label"] = names[trial["label"]]
    state["target"] = ANY_OTHER if trial["target"] is None else names[trial["target"]]
    state["seed"] = trial["seed"]
    state["search"] = condition["search"]
    state["schedule"] = condition["schedule_name"]
    state[f"budget-{condition['schedule_name']}"] = condition["schedule"]["budget"]
    state[f"{WEIGHTS}-of"] = generator.name
    state[WEIGHTS] = _lit(generator, condition["layer_weights"])


def controls(menu: Menu, *, locked: bool, owner: str) -> tuple[SearchRequest, Any]:
    """Show the controls: what they ask for as they stand, and the place for Run and Stop."""
    generator, classifier, label, target, seed = _first_row(menu, locked)
    weights = _points(generator, locked)
    search, schedule, budget, place = _search_row(menu, generator, locked)
    request = SearchRequest(
        generator=generator.name,
        classifier=classifier,
        label=label,
        target=target,
        seed=seed,
        weights=weights,
        search=search,
        schedule=schedule,
        budget=budget,
        owner=owner,
    )
    return request, place


def _first_row(menu: Menu, locked: bool) -> tuple[GeneratorChoice, str, int, int | None, int]:
    columns = st.columns([2.2, 2.2, 1.6, 1.6, 1.3, 0.5], vertical_alignment="bottom")
    name = _chosen(columns[0], "Generator", list(menu.generators), "generator", locked)
    generator = menu.generators[name]
    classifier = _chosen(
        columns[1],
        "Classifier",
        list(generator.classifiers),
        "classifier",
        locked,
        help="\n\n".join(
            f"**{one}**: {menu.classifiers[one].title}. {menu.classifiers[one].accuracy}"
            for one in generator.classifiers
        ),
    )
    names = _distinct(generator.labels)
    label = _chosen(columns[2], "Label", names, "label", locked)
    target = _chosen(
        columns[3],
        "Target",
        [ANY_OTHER, *(one for one in names if one != label)],
        "target",
        locked,
        help="What the classifier is to say instead. “any other”: whatever is easiest.",
    )
    columns[5].button(
        "",
        icon=":material/casino:",
        help="Draw another seed",
        key="dice",
        disabled=locked,
        on_click=_draw_seed,
        width="stretch",
    )
    seed = columns[4].number_input(
        "Seed",
        min_value=0,
        max_value=2**53 - 1,
        step=1,
        key="seed",
        bind="query-params",
        disabled=locked,
        help="Draws z: the same seed and label are the same source picture.",
    )
    aim = None if target == ANY_OTHER else names.index(target)
    return generator, classifier, names.index(label), aim, int(seed)


def _points(generator: GeneratorChoice, locked: bool) -> dict[str, float]:
    weights = _current_weights(generator)
    left, right = st.columns([10, 1.2], vertical_alignment="center")
    with left:
        chain(
            generator,
            weights,
            key="chain",
            locked=locked,
            on_chosen=lambda: _choose_points(generator),
        )
    with right.popover("Weights", disabled=locked, width="stretch"):
        st.caption(
            "How much of p·σ is added at each lit point. 1 is the paper's; the perturbation's own"
            " size is counted without the weight."
        )
        for point in weights:
            st.number_input(
                point,
                min_value=0.0,
                max_value=1000.0,
                value=weights[point],
                step=0.1,
                key=f"weight-{generator.name}-{point}",
                on_change=_weigh,
                args=(generator.name, point),
            )
    _show_points_in_address(generator, weights)
    return weights


def _search_row(menu: Menu, generator: GeneratorChoice, locked: bool) -> tuple[str, str, int, Any]:
    columns = st.columns([2.4, 1.8, 1.2, 2.5, 1.8], vertical_alignment="bottom")
    search = _segment(columns[0], "Search", list(menu.searches), "search", locked)
    schedule = _segment(
        columns[1],
        "Schedule",
        list(menu.searches[search]),
        "schedule",
        locked,
        default_schedule(menu, generator, search),
    )
    values = menu.schedules[schedule]
    key = f"budget-{schedule}"
    budget = columns[2].number_input(
        "Budget",
        min_value=1,
        max_value=1_000_000,
        step=100,
        key=key,
        bind="query-params",
        disabled=locked,
        **({} if key in st.session_state else {"value": int(values["budget"])}),
        help="Steps at most; then the search ends without success.",
    )
    columns[3].caption(_in_words(search, values))
    return search, schedule, int(budget), columns[4]


def _in_words(search: str, schedule: Mapping[str, float]) -> str:
    if search == "relaxation":
        return (
            f"Rate {schedule['learning_rate']:g}; the bound on ‖p‖ begins at"
            f" {schedule['initial_magnitude']:g}, and each step ×{schedule['growth']:g}"
            f" + {schedule['increment']:g}."
        )
    return "Looks for the smallest ‖p‖ that suffices, and keeps the best until the budget is spent."


def _chosen(
    place: Any, title: str, options: list[str], key: str, locked: bool, help: str | None = None
) -> str:
    """A searchable choice that is in the address too; the first option by default."""
    if st.session_state.get(key) not in options:
        st.session_state.pop(key, None)
    return place.selectbox(title, options, key=key, bind="query-params", disabled=locked, help=help)


def _segment(
    place: Any, title: str, options: list[str], key: str, locked: bool, default: str | None = None
) -> str:
    """A choice between few, which is in the address too."""
    if st.session_state.get(key) not in options:
        st.session_state.pop(key, None)
    return place.segmented_control(
        title,
        options,
        key=key,
        bind="query-params",
        required=True,
        disabled=locked,
        **({} if key in st.session_state else {"default": default or options[0]}),
    )


def _draw_seed() -> None:
    st.session_state["seed"] = secrets.randbelow(LARGEST_DRAWN_SEED + 1)


def _current_weights(generator: GeneratorChoice) -> dict[str, float]:
    """Lit point → weight: this session's, else the address's, else all points."""
    if st.session_state.get(f"{WEIGHTS}-of") != generator.name:
        st.session_state[f"{WEIGHTS}-of"] = generator.name
        st.session_state[WEIGHTS] = _from_address(generator)
    return st.session_state[WEIGHTS]


def _from_address(generator: GeneratorChoice) -> dict[str, float]:
    text = st.query_params.get(POINTS, "all")
    if text in generator.presets:
        return _lit(generator, preset(generator, text)[1])
    weights = {}
    for part in text.split(","):
        name, _, weight = part.partition(":")
        try:
            weights[name] = float(weight or 1)
        except ValueError:
            continue
    known = {point.name: weights.get(point.name, 0.0) for point in generator.points}
    return {name: weight for name, weight in known.items() if weight > 0} or _lit(
        generator, [1.0] * len(generator.points)
    )


def _show_points_in_address(generator: GeneratorChoice, weights: Mapping[str, float]) -> None:
    text = ",".join(
        name if weight == 1 else f"{name}:{weight:g}" for name, weight in weights.items()
    )
    for name in generator.presets:
        if _lit(generator, preset(generator, name)[1]) == weights:
            text = name
    if st.query_params.get(POINTS, "all") != text:
        st.query_params[POINTS] = text


def _lit(generator: GeneratorChoice, layer_weights: Any) -> dict[str, float]:
    return {
        point.name: float(weight)
        for point, weight in zip(generator.points, layer_weights, strict=True)
        if weight > 0
    }


def _choose_points(generator: GeneratorChoice) -> None:
    chosen = st.session_state["chain"].chosen["points"]
    before = st.session_state[WEIGHTS]
    st.session_state[WEIGHTS] = {
        point.name: before.get(point.name, 1.0)
        for point in generator.points
        if point.name in chosen
    }


def _weigh(generator: str, point: str) -> None:
    weight = st.session_state[f"weight-{generator}-{point}"]
    weights = dict(st.session_state[WEIGHTS])
    if weight > 0:
        weights[point] = weight
    else:
        weights.pop(point, None)
    st.session_state[WEIGHTS] = weights


def _distinct(names: tuple[str, ...]) -> list[str]:
    """Names as options: those that two labels share get their number, too."""
    return [
        f"{name} ({index})" if names.count(name) > 1 else name for index, name in enumerate(names)
    ]
