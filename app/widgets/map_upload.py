"""Files that maps are of, given on the page: a photo or a mesh, looked at before it is kept."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app.runner.map_photo import photo_problem
from app.runner.map_request import MESHES
from app.runner.request import RequestError

#: Of a mesh, a photo, a file of maps. Streamlit's own limit (server.maxUploadSize) is higher, since
#: what it refuses it refuses without a sentence.
LARGEST_BYTES = 32 * 2**20
LIMIT = f"up to {LARGEST_BYTES // 2**20} MB"
_STYLE = """<style>
[class*=st-key-upload-] [data-testid=stFileUploaderDropzoneInstructions] { display: none; }
</style>"""
PHOTOS = ("png", "jpg", "jpeg")


@dataclass(frozen=True)
class MapFile:
    """A file's name and bytes."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        """What the database knows it by."""
        return hashlib.sha256(self.content).hexdigest()


def uploaded_photo(label: str, key: str) -> MapFile | None:
    """A photo, or None while there is none. Raises RequestError for what is no picture."""
    return _fit(uploaded(label, key, PHOTOS), _photo_problem)


def uploaded_mesh(label: str, key: str) -> MapFile | None:
    """A mesh, or None while there is none. Raises RequestError for what cannot be drawn."""
    return _fit(uploaded(label, key, MESHES), _mesh_problem)


def uploaded(label: str, key: str, kinds: Sequence[str]) -> MapFile | None:
    """A file of one of these kinds, or None while there is none.

    Raises RequestError for one that is too large.
    """
    st.html(_STYLE)
    with st.container(key=f"upload-{key}"):
        file = st.file_uploader(label, list(kinds), key=key)
    if file is None:
        return None
    if file.size > LARGEST_BYTES:
        raise RequestError(
            f"{file.name} has {file.size / 2**20:.1f} MB, and {LIMIT} can be taken: make it smaller"
            " (a mesh with fewer faces or smaller textures, a photo with fewer pixels, maps in"
            " several files)."
        )
    return MapFile(file.name, file.getvalue())


def _fit(file: MapFile | None, problem: Callable[[str, bytes], str | None]) -> MapFile | None:
    if file is not None and (sentence := problem(file.name, file.content)):
        raise RequestError(sentence)
    return file


@st.cache_data(max_entries=20, show_spinner=False)
def _photo_problem(name: str, content: bytes) -> str | None:
    """Why an uploaded photo cannot be used, in a sentence; looked at once."""
    return photo_problem(name, content)


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
