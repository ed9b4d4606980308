"""Which points are perturbed, and how much: the chain, the presets, and the layer weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import streamlit as st

from app.runner.choices import preset
from app.runner.menu import GeneratorChoice
from app.widgets.explore_chain import chain

#: In the address: a preset's name, or "z,conv-1:0.5".
POINTS = "points"
ALL = "all"
LARGEST_WEIGHT = 1000.0


def points_picker(
    generator: GeneratorChoice, weights: Mapping[str, float], *, locked: bool
) -> None:
    """The chain with its presets, and the weights of the lit points behind a button."""
    left, right = st.columns([10, 1.2], vertical_alignment="center")
    with left:
        chain(
            generator,
            weights,
            key="chain",
            locked=locked,
            on_chosen=lambda: _choose(generator, weights),
        )
    with right.popover("Weights", disabled=locked, width="stretch"):
        st.caption(
            "How much of p·σ is added at each lit point. 1 is the paper's; the perturbation's own"
            " size is counted without the weight."
        )
        for point, weight in weights.items():
            key = f"weight-{generator.name}-{point}"
            st.session_state[key] = weight
            st.number_input(
                point,
                min_value=0.0,
                max_value=LARGEST_WEIGHT,
                step=0.1,
                key=key,
                on_change=_weigh,
                args=(generator, dict(weights), point, key),
            )


def points_from_address(generator: GeneratorChoice) -> dict[str, float]:
    """Lit point → weight, in the chain's order. All points where the address names none."""
    text = st.query_params.get(POINTS, ALL)
    if text in generator.presets:
        return lit_points(generator, preset(generator, text)[1])
    named = {}
    for part in text.split(","):
        name, _, weight = part.partition(":")
        try:
            named[name] = min(float(weight or 1), LARGEST_WEIGHT)
        except ValueError:
            continue
    return lit_points(generator, [named.get(point.name, 0.0) for point in generator.points])


def write_points(generator: GeneratorChoice, weights: Mapping[str, float]) -> None:
    """Name the lit points in the address, by their preset where they are one."""
    text = ",".join(
        name if weight == 1 else f"{name}:{weight:g}" for name, weight in weights.items()
    )
    for name in generator.presets:
        if lit_points(generator, preset(generator, name)[1]) == weights:
            text = name
    if text == ALL:
        st.query_params.pop(POINTS, None)
    elif st.query_params.get(POINTS) != text:
        st.query_params[POINTS] = text


def lit_points(generator: GeneratorChoice, layer_weights: Iterable[float]) -> dict[str, float]:
    """The points whose weight is above 0, in the chain's order."""
    return {
        point.name: float(weight)
        for point, weight in zip(generator.points, layer_weights, strict=True)
        if weight > 0
    }


def _choose(generator: GeneratorChoice, before: Mapping[str, float]) -> None:
    chosen = st.session_state["chain"].chosen["points"]
    weights = [
        before.get(point.name, 1.0) if point.name in chosen else 0.0 for point in generator.points
    ]
    write_points(generator, lit_points(generator, weights))


def _weigh(generator: GeneratorChoice, weights: dict[str, float], point: str, key: str) -> None:
    changed = {**weights, point: st.session_state[key]}
    write_points(
        generator, lit_points(generator, [changed.get(one.name, 0) for one in generator.points])
    )
