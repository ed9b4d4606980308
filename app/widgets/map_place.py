"""The place on a map that was clicked: its picture, the five likeliest labels, what people say."""

from __future__ import annotations

import streamlit as st

from app.access import current_home
from app.guard import guarded
from app.runner.map_views import PictureView, ask_view
from app.runner.menu import Menu
from app.runner.submit import default_device, ensure_worker
from app.trial_words import label_name
from app.widgets.map_controls import read
from app.widgets.map_data import OpenMap, Start, label_names
from app.widgets.map_people import Judged
from app.widgets.plain_text import plain

#: In the address: the place that was clicked.
PLACE = "u"
LOOK_SECONDS = 0.3


def place_panel(menu: Menu | None, first: OpenMap, judged: Judged | None) -> None:
    """The picture at the place in the address; of a judged one also its judgements."""
    place = read(st.query_params.get(PLACE, ""), len(first.axes))
    if not first.drawable:
        st.caption("This map came as scores alone: its pictures are not here.")
        return
    if place is None:
        st.caption("Click on the map to see the picture there, and what each classifier says.")
        return
    point = None if judged is None else judged.at(place)
    if point is not None:
        place = point.u
    st.markdown(f"**Picture at {plain(', '.join(f'{value:.3g}' for value in place))}**")
    view = ask_view(current_home(), default_device(), first.stored.id, place)
    if view is None:
        ensure_worker(current_home())
        _wait(first.stored.id, place)
        return
    if isinstance(view, str):
        st.info(plain(view))
        return
    _answers(menu, first, view)
    if point is not None and judged is not None:
        st.markdown("People")
        st.caption("  \n".join(plain(line) for line in judged.told(point)))


@st.fragment(run_every=LOOK_SECONDS)
@guarded
def _wait(map_id: str, place: Start) -> None:
    if ask_view(current_home(), default_device(), map_id, place) is not None:
        st.rerun()
    st.caption("Drawing …")


def _answers(menu: Menu | None, first: OpenMap, view: PictureView) -> None:
    st.html("<style>.st-key-map-picture img{image-rendering:pixelated;width:100%}</style>")
    with st.container(key="map-picture"):
        st.image(view.image, output_format="PNG", width=240)
    for network, guesses in zip(first.networks, view.top, strict=True):
        names = label_names(menu, network)
        st.markdown(plain(network))
        lines = [f"{label_name(one.label, names)} {one.confidence:.3f}" for one in guesses]
        st.caption("  \n".join(plain(line) for line in lines))
