"""Spaces that need no generator: a photo that is changed, and views of a 3-D mesh."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.runner import map_request
from app.runner.map_classifiers import coloured_labels
from app.runner.menu import LabelSet, Menu
from app.widgets.map_choices import PHOTOS, Asked, classifier_choice, label_choice
from app.widgets.map_upload import LIMIT, MapFile, uploaded_mesh, uploaded_photo
from data.home import bundled
from engine.spaces.description import Change, PhotoSource, SpaceDescription, Transformations
from engine.spaces.made_meshes import MADE

#: Pixels a side that a photo is cut to; views of meshes have as many.
SIDE = 224


def photo(menu: Menu, changes: Sequence[Change]) -> Asked | None:
    """The photo that is uploaded, changed; None before there is one."""
    coloured_labels(menu)  # before anybody uploads for nothing
    file = uploaded_photo(f"A photo (PNG or JPEG, {LIMIT})", "map-photo")
    if file is None:
        st.info("Upload a photo: a PNG or JPEG file.")
        return None
    space = Transformations(PhotoSource(file.name, file.sha256, SIDE), tuple(changes))
    return _scored(menu, space, file, shows=None)


def viewpoint(menu: Menu) -> Asked | None:
    """Views of a mesh that ships, or of an uploaded one."""
    coloured_labels(menu)
    made = {f"{one.name}.ply": one.class_name for one in MADE}
    files = {name: bundled() / "meshes" / name for name in made}
    left, right = st.columns(2)
    chosen = left.selectbox("Mesh", [name for name in files if files[name].is_file()], key="mesh")
    with right:
        file = uploaded_mesh(f"Or one of your own (OBJ, PLY or GLB, {LIMIT})", "map-mesh-file")
    shows = None
    if file is None:
        file, shows = MapFile(chosen, files[chosen].read_bytes()), made[chosen]
    return _scored(menu, map_request.viewpoint(file.name, file.sha256), file, shows)


def _scored(menu: Menu, space: SpaceDescription, file: MapFile, shows: str | None) -> Asked | None:
    """Which labels, which of them, and by whom: `shows` is chosen to begin with."""
    sets = coloured_labels(menu)
    places = st.columns(3 if len(sets) > 1 else 2)
    known = sets[0]
    if len(sets) > 1:
        known = places[0].selectbox("Labels", sets, format_func=_told, key="map-labels")
    index = known.labels.index(shows) if shows in known.labels else None
    # A name of its own for each file: another mesh shows something else.
    about = f"{file.name}-{len(known.labels)}"
    label = label_choice(known.labels, "Label", f"map-label-{about}", places[-2], index)
    classifiers = classifier_choice(
        known.classifiers, f"map-classifiers-{'-'.join(known.classifiers)}", places[-1]
    )
    if label is None:
        st.info("Choose the label that the scores are of.")
        return None
    return Asked(space, label, known.labels[label], classifiers, PHOTOS, file)


def _told(one: LabelSet) -> str:
    """ "1000: tench, goldfish, great white shark, …"."""
    return f"{len(one.labels)}: {', '.join(one.labels[:3])}, …"
