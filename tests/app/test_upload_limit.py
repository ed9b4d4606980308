"""One limit for uploads: the page's, Streamlit's, the gate's, the proxy's, the reader's."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from app.gate import LARGEST_UPLOAD
from app.widgets.map_upload import LARGEST_BYTES
from engine.spaces import mesh_files

ROOT = Path(__file__).resolve().parents[2]


def test_whatever_the_page_promises_gets_through() -> None:
    streamlit = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    megabytes = streamlit["server"]["maxUploadSize"]
    [nginx] = re.findall(r"client_max_body_size (\d+)m;", (ROOT / "docs/serving.md").read_text())
    [told] = re.findall(r"files up to (\d+) MiB", (ROOT / "docs/maps.md").read_text())
    assert int(told) * 2**20 == LARGEST_BYTES == mesh_files.LARGEST_BYTES
    # Each lets pass what the one behind it has something to say about; pages count in millions.
    assert LARGEST_BYTES < megabytes * 10**6 < megabytes * 2**20 < LARGEST_UPLOAD
    assert int(nginx) * 2**20 >= LARGEST_UPLOAD
