"""What to search: generator, points, classifier, label, target, seed, search and schedule.

The address holds every choice that is not a default, so that a link or Back brings it again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app.runner.choices import PRECISIONS, check_pair, default_schedule
from app.runner.menu import FULL_SAMPLES, GeneratorChoice, Menu
from app.runner.plan import LARGEST_SEED
from app.runner.request import RequestError, SearchRequest
from app.widgets.address import one_of, whole_number
from app.widgets.explore_points import (
    lit_points,
    points_from_address,
    points_picker,
    write_points,
)
from app.widgets.plain_text import plain

ANY_OTHER = "any other"
TRUNCATIONS = ("1", "0.9", "0.8", "0.7", "0.6", "0.5", "0.4", "0.3", "0.2", "0.1")
CONDITIONS = ("follows z", "stays")
LARGEST_BUDGET = 1_000_000
LARGEST_DRAWN_SEED = 999_999


def fill_in(menu: Menu, definition: Mapping[str, Any]) -> None:
    """Make the address name what a search was asked with; before any control is shown."""
    generator = menu.generators.get(definition["generator"])
    if generator is None:
        return
    [condition], trial = definition["conditions"], definition["trial"]
    names, search = distinct_names(generator.labels), condition["search"]
    schedule, budget = condition["schedule_name"], condition["schedule"]["budget"]
    first = next(iter(menu.generators))
    _write("generator", generator.name, first)
    _write("classifier", condition["classifier"], generator.classifiers[0])
    _write("label", names[trial["label"]], names[0])
    _write("target", ANY_OTHER if trial["target"] is None else names[trial["target"]], ANY_OTHER)
    _write("seed", trial["seed"], 0)
    _write("search", search, next(iter(menu.searches)))
    _write("schedule", schedule, default_schedule(menu, generator, search))
    _write("budget", budget, int(menu.schedules[schedule]["budget"]))
    _write("truncation", f"{definition['truncation']:g}", TRUNCATIONS[0])
    follows = definition.get("condition_follows_z", True)
    _write("condition", CONDITIONS[0 if follows else 1], CONDITIONS[0])
    _write("precision", definition.get("precision", PRECISIONS[0]), PRECISIONS[0])
    write_points(generator, lit_points(generator, condition["layer_weights"]))


def controls(menu: Menu, *, locked: bool, owner: str) -> tuple[SearchRequest, Any]:
    """Show the controls: what they ask for as they stand, and the place for Run and Stop."""
    refuse_impossible(menu)
    generator, classifier, label, target, seed = _first_row(menu, locked)
    weights = points_from_address(generator)
    points_picker(generator, weights, locked=locked)
    search, schedule, budget, precision, place = _search_row(menu, generator, locked)
    truncation, follows = _generator_options(generator, locked)
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
        truncation=truncation,
        condition_follows_z=follows,
        precision=precision,
        owner=owner,
    )
    return request, place


def refuse_impossible(menu: Menu) -> None:
    """Say so where the address names a generator and a classifier that no search can have.

    The pickers then stand at their defaults, which the address did not ask for.
    """
    first = next(iter(menu.generators))
    asked = st.query_params.get("generator", first)
    known = menu.generators.get(asked, menu.generators[first])
    classifier = st.query_params.get("classifier", known.classifiers[0])
    try:
        check_pair(menu, asked, classifier)
    except RequestError as error:
        st.warning(plain(str(error)))


def distinct_names(names: tuple[str, ...]) -> list[str]:
    """Label names as options: those that two labels share get their number, too."""
    return [
        f"{name} ({index})" if names.count(name) > 1 else name for index, name in enumerate(names)
    ]


def _first_row(menu: Menu, locked: bool) -> tuple[GeneratorChoice, str, int, int | None, int]:
    columns = st.columns([2.0, 2.1, 1.5, 1.5, 1.4, 0.9], vertical_alignment="bottom")
    generators = list(menu.generators)
    name = columns[0].selectbox(
        "Generator",
        generators,
        disabled=locked,
        # Another one may have other labels, which the classifier does not know.
        **_forgetting(one_of("generator", generators), "classifier"),
    )
    generator = menu.generators[name]
    about = "\n\n".join(
        f"**{one}**: {menu.classifiers[one].title}. {menu.classifiers[one].accuracy}"
        for one in generator.classifiers
    )
    classifier = _searchable(
        columns[1], "Classifier", "classifier", list(generator.classifiers), locked, about
    )
    names = distinct_names(generator.labels)
    label = _searchable(columns[2], "Label", "label", names, locked)
    target = _searchable(
        columns[3],
        "Target",
        "target",
        [ANY_OTHER, *(one for one in names if one != label)],
        locked,
        "What the classifier is to say instead. “any other”: whatever is easiest.",
    )
    columns[5].button(
        "Draw",
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
        max_value=LARGEST_SEED,
        step=1,
        disabled=locked,
        help="Draws z: the same seed and label are the same source picture.",
        **whole_number("seed", 0, LARGEST_SEED),
    )
    aim = None if target == ANY_OTHER else names.index(target)
    return generator, classifier, names.index(label), aim, int(seed)


def _generator_options(generator: GeneratorChoice, locked: bool) -> tuple[float, bool]:
    """Truncation, and whether the condition follows a perturbed z, where the generator has them."""
    preview = generator.scales_samples not in (None, FULL_SAMPLES)
    if not generator.options and not generator.remark and not preview:
        return 1.0, True
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        truncation, condition = TRUNCATIONS[0], CONDITIONS[0]
        if "truncation" in generator.options:
            truncation = st.selectbox(
                "Truncation",
                TRUNCATIONS,
                disabled=locked,
                width=140,
                help="1: z is standard normal. Below, z is cut and batch norm uses that"
                " truncation's statistics: cleaner pictures, less variety.",
                **one_of("truncation", list(TRUNCATIONS)),
            )
        if "condition_follows_z" in generator.options:
            condition = st.segmented_control(
                "The blocks' condition",
                CONDITIONS,
                required=True,
                disabled=locked,
                help="z also conditions the batch norm of every block. It may follow the perturbed"
                " z, or stay that of the unperturbed one.",
                **one_of("condition", list(CONDITIONS)),
            )
        if generator.remark:
            st.caption(generator.remark)
        elif preview:
            st.caption(
                f"σ is a preview over {generator.scales_samples} samples, good enough to explore;"
                f" `python -m app models scales {generator.name}` measures {FULL_SAMPLES:,}."
            )
    return float(truncation), condition == CONDITIONS[0]


def _search_row(
    menu: Menu, generator: GeneratorChoice, locked: bool
) -> tuple[str, str, int, str, Any]:
    columns = st.columns([2.4, 1.8, 1.2, 1.2, 2.3, 1.8], vertical_alignment="bottom")
    searches = list(menu.searches)
    search = columns[0].segmented_control(
        "Search",
        searches,
        required=True,
        disabled=locked,
        **_forgetting(one_of("search", searches), "schedule", "budget"),
    )
    schedules = list(menu.searches[search])
    usual = default_schedule(menu, generator, search)
    schedule = columns[1].segmented_control(
        "Schedule",
        schedules,
        required=True,
        disabled=locked,
        **_forgetting(one_of("schedule", schedules, usual), "budget"),
    )
    values = menu.schedules[schedule]
    budget = columns[2].number_input(
        "Budget",
        min_value=1,
        max_value=LARGEST_BUDGET,
        step=100,
        disabled=locked,
        help="Steps at most; then the search ends without success.",
        **whole_number("budget", int(values["budget"]), LARGEST_BUDGET, least=1),
    )
    precision = columns[3].selectbox(
        "Precision",
        PRECISIONS,
        disabled=locked,
        help="float32 is the reference. With bfloat16 only the gradients are, and float32 decides"
        " what is found: faster where the processor has such instructions. float64: for checks.",
        **one_of("precision", PRECISIONS),
    )
    columns[4].caption(_in_words(search, values))
    return search, schedule, int(budget), precision, columns[5]


def _in_words(search: str, schedule: Mapping[str, float]) -> str:
    if search == "relaxation":
        factor = f"×{schedule['growth']:g} " if schedule["growth"] != 1 else ""
        return (
            f"Rate {schedule['learning_rate']:g}; the bound on ‖p‖ begins at"
            f" {schedule['initial_magnitude']:g}, then {factor}+{schedule['increment']:g} a step."
        )
    return "Looks for the smallest ‖p‖ that suffices, and keeps the best until the budget is spent."


def _searchable(
    place: Any, title: str, name: str, options: list[str], locked: bool, about: str | None = None
) -> str:
    return place.selectbox(title, options, disabled=locked, help=about, **one_of(name, options))


def _forgetting(kept: dict[str, Any], *names: str) -> dict[str, Any]:
    """A widget's arguments, such that a change also forgets what depends on its value."""
    write: Callable[[], None] = kept["on_change"]

    def change() -> None:
        write()
        for name in names:
            st.query_params.pop(name, None)

    return {**kept, "on_change": change}


def _write(name: str, value: str | int, default: str | int) -> None:
    if value == default:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != str(value):
        st.query_params[name] = str(value)


def _draw_seed() -> None:
    st.query_params["seed"] = str(1 + secrets.randbelow(LARGEST_DRAWN_SEED))
