"""The form for a new map: of which space, by which classifiers, how finely."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from app.access import database, visitor
from app.figures import figures
from app.runner import map_request
from app.runner.menu import GeneratorChoice, Menu
from app.runner.request import RequestError
from app.widgets.page_link import page_link
from app.widgets.plain_text import plain
from data.found_directions import Found, found_directions, of_the_same_source
from data.home import bundled
from data.maps import add_map_file
from engine.maps import MapDescription
from engine.spaces.changes import TRANSFORMATIONS
from engine.spaces.description import Change, PhotoSource, Source, Transformations

SPACES = ("Perturbation plane", "Components", "Interpolation", "Transformations", "Viewpoint")
RANDOM = "random orthogonal direction"


def new_map(menu: Menu, *, unfold: bool) -> None:
    """Show the form; a map that is asked for becomes the one in the address."""
    with st.expander("New map", expanded=unfold, icon=":material/add:"):
        kind = st.segmented_control("Space", SPACES, default=SPACES[0], required=True, key="space")
        try:
            description = _asked(menu, kind)
        except RequestError as error:
            st.info(plain(str(error)))
            return
        if description is None:
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name", placeholder="Optional", key="map-name")
            if st.button("Compute", type="primary", icon=":material/grid_on:"):
                map_id = map_request.submit_map(
                    database(), description, name=name, owner=visitor().name
                )
                st.query_params.from_dict({"map": map_id})
                st.rerun()


def _asked(menu: Menu, kind: str) -> MapDescription | None:
    """The description as it stands in the form; None where something is to be done first."""
    if kind == SPACES[0]:
        return _plane(menu)
    usable = {
        name: choice
        for name, choice in menu.generators.items()
        if choice.problem is None and choice.checksum is not None
    }
    if not usable:
        raise RequestError("There is no generator whose weights are here: fetch one first.")
    left, middle, right = st.columns(3)
    generator = usable[
        left.selectbox(
            "Labels of" if kind == SPACES[4] else "Generator", list(usable), key="map-generator"
        )
    ]
    label = _label(generator, "Label", "map-label", middle)
    with right:
        classifiers = _classifiers(menu, generator)
    if kind == SPACES[1]:
        space = _components(generator, label)
    elif kind == SPACES[2]:
        space = _interpolation(generator, label)
    elif kind == SPACES[3]:
        space = _transformations(generator, label)
    else:
        space = _viewpoint()
    if space is None:
        return None
    resolution, tolerance = _grid(len(space.axes), 100 if generator.image_shape[1] < 64 else 24)
    return map_request.describe(
        menu,
        space,
        label=label,
        label_name=generator.labels[label],
        classifiers=classifiers,
        resolution=resolution,
        tolerance=tolerance,
    )


def _plane(menu: Menu) -> MapDescription | None:
    runs = found_directions(database())
    if not runs:
        st.info(
            "A perturbation plane needs a perturbation: run a search on the Explore page (or an"
            " experiment), and what it finds is an axis here."
        )
        page_link("explore", "Open Explore", ":material/arrow_forward:")
        return None
    left, right = st.columns(2)
    first = left.selectbox(
        "First perturbation", runs, format_func=lambda one: _told(menu, one), key="map-first"
    )
    others = of_the_same_source(database(), first)
    second = right.selectbox(
        "Second axis",
        [None, *others],
        format_func=lambda one: RANDOM if one is None else _told(menu, one),
        index=1 if others else 0,
        key="map-second",
        help="Another perturbation of the same picture, or noise of the same size at every point.",
    )
    choice = menu.generators.get(first.generator)
    if choice is None:
        raise RequestError(f"The generator {first.generator} is not in the catalogue any more.")
    one, two, three = st.columns(3)
    with one:
        classifiers = _classifiers(menu, choice, first.classifier)
    low, high = two.slider(
        "Range, in multiples of the perturbation", -2.0, 3.0, (-0.5, 1.5), 0.25, key="map-range"
    )
    if not low < high:
        raise RequestError("The range has to have some width.")
    seed = 0
    if second is None:
        seed = int(two.number_input("Seed of the noise", 0, 10**6, 0, key="map-noise"))
    with three:
        resolution, tolerance = _grid(2, 100 if choice.image_shape[1] < 64 else 24)
    return map_request.describe(
        menu,
        map_request.plane(first, second, seed=seed, lower=(low, low), upper=(high, high)),
        label=first.label,
        label_name=choice.labels[first.label],
        classifiers=classifiers,
        resolution=resolution,
        tolerance=tolerance,
    )


def _components(generator: GeneratorChoice, label: int) -> object:
    left, middle, right = st.columns(3)
    seed = int(left.number_input("Seed of the source", 0, 2**31, 0, key="map-seed"))
    points = [one.name for one in generator.points]
    point = middle.selectbox("Point", points, key="map-point")
    numbers = right.multiselect(
        "Components, the largest first",
        list(range(1, 21)),
        [1, 2],
        max_selections=2,
        key="map-components",
    )
    source = map_request.generated(generator, label, seed)
    return map_request.components(generator, source, point, numbers)


def _interpolation(generator: GeneratorChoice, label: int) -> object:
    left, middle, right = st.columns(3)
    first = int(left.number_input("Seed of the first source", 0, 2**31, 0, key="map-seed"))
    other = _label(generator, "Label of the second", "map-other-label", middle)
    second = int(right.number_input("Seed of the second", 0, 2**31, 1, key="map-other-seed"))
    return map_request.interpolation(
        map_request.generated(generator, label, first),
        map_request.generated(generator, other, second),
    )


def _transformations(generator: GeneratorChoice, label: int) -> object:
    left, middle = st.columns(2)
    names = middle.multiselect(
        "Transformations",
        list(TRANSFORMATIONS),
        ["rotation", "scale"],
        max_selections=2,
        key="map-changes",
    )
    if not names:
        raise RequestError("Choose one transformation, or two.")
    source: Source | None = None
    file = left.file_uploader(
        "A photo, or none for a picture of the generator", ["png", "jpg", "jpeg"], key="map-photo"
    )
    if file is not None:
        size = generator.image_shape[1] if generator.image_shape[0] == 3 else 0
        if not size:
            raise RequestError("The classifiers of these labels see grey digits: no photo fits.")
        sha256 = add_map_file(database(), file.name, file.getvalue())
        source = PhotoSource(file.name, sha256, 224)
    else:
        seed = int(left.number_input("Seed of the source", 0, 2**31, 0, key="map-seed"))
        source = map_request.generated(generator, label, seed)
    changes = []
    for column, name in zip(st.columns(2), names, strict=False):
        offered = TRANSFORMATIONS[name]
        low, high = column.slider(
            f"Range of {name} ({offered.unit})",
            float(offered.lower),
            float(offered.upper),
            (float(offered.lower), float(offered.upper)),
            key=f"map-range-{name}",
        )
        if not low < high:
            raise RequestError(f"The range of {name} has to have some width.")
        changes.append(Change(name, low, high))
    return Transformations(source, tuple(changes))


def _viewpoint() -> object | None:
    left, right = st.columns(2)
    shipped = sorted(
        file for suffix in map_request.MESHES for file in (bundled() / "meshes").glob(f"*.{suffix}")
    )
    names = {file.name: file for file in shipped}
    chosen = left.selectbox("Mesh", list(names), key="map-mesh") if names else None
    upload = right.file_uploader(
        "Or one of your own (OBJ, PLY or GLB)",
        list(map_request.MESHES),
        key="map-mesh-file",
        max_upload_size=32,
    )
    if upload is not None:
        name, content = upload.name, upload.getvalue()
    elif chosen is not None:
        name, content = chosen, names[chosen].read_bytes()
    else:
        st.info("Upload a mesh: an OBJ, PLY or GLB file.")
        return None
    if upload is not None and (problem := _mesh_problem(name, content)):
        raise RequestError(problem)
    return map_request.viewpoint(name, add_map_file(database(), name, content))


@st.cache_data(max_entries=20, show_spinner="Reading the mesh")
def _mesh_problem(name: str, content: bytes) -> str | None:
    """Why an uploaded mesh cannot be used, in a sentence."""
    from engine.spaces.mesh_files import MeshError, check_mesh

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, Path(name).name)
        file.write_bytes(content)
        try:
            check_mesh(file)
        except MeshError as error:
            return str(error)
    return None


def _label(generator: GeneratorChoice, title: str, key: str, place: object) -> int:
    return place.selectbox(  # type: ignore[attr-defined]
        title,
        range(len(generator.labels)),
        format_func=lambda label: generator.labels[label],
        key=f"{key}-{generator.name}",
    )


def _classifiers(menu: Menu, generator: GeneratorChoice, first: str | None = None) -> list[str]:
    there = [
        name
        for name in generator.classifiers
        if menu.classifiers[name].problem is None and menu.classifiers[name].checksum is not None
    ]
    default = [name for name in there if name == first] or there[:1]
    default += [name for name in there if name not in default][: 2 - len(default)]
    return st.multiselect("Classifiers", there, default, key=f"map-classifiers-{generator.name}")


def _grid(axes: int, usual: int) -> tuple[int, float | None]:
    resolution = int(
        st.number_input(
            "Points along an axis",
            2,
            400 if axes == 1 else 200,
            200 if axes == 1 else usual,
            key=f"map-resolution-{axes}-{usual}",
        )
    )
    refine = st.toggle(
        "Coarse first, finer where the score changes",
        key="map-refine",
        help="Points between neighbours whose scores differ by less than 0.05 are interpolated.",
    )
    return resolution, 0.05 if refine else None


def _told(menu: Menu, found: Found) -> str:
    """ "seven 4 → not a seven by mnist-standard, layers all, ‖p‖ 0.638"."""
    choice = menu.generators.get(found.generator)
    names = choice.labels if choice else ()
    label = names[found.label] if found.label < len(names) else str(found.label)
    target = "other" if found.target is None else str(found.target)
    if found.target is not None and found.target < len(names):
        target = names[found.target]
    gone = "" if found.perturbation else " · found again first"
    return (
        f"{label} {found.seed} → {target}, {found.classifier}, layers {found.subset},"
        f" {found.search}, ‖p‖ {figures(found.magnitude)}{gone}"
    )
