"""The one download button: a file that is made when somebody presses, and kept until it is fetched.

Streamlit by itself forgets such a file after two runs of anybody's script, which on a busy server
is before the browser has asked for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from threading import Thread, Timer
from typing import Literal
from uuid import uuid4

import streamlit as st
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

#: A browser asks for a file as soon as it hears that there is one; a busy one, a little later.
KEPT_SECONDS = 120

MIMES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/jsonl",
}
_TABLES = {"csv": "CSV", "parquet": "Parquet"}


def download(
    label: str,
    write: Callable[[], bytes | str],
    name: str,
    mime: str,
    *,
    icon: str | None = None,
    type: Literal["secondary", "tertiary"] = "secondary",
    help: str | None = None,
) -> None:
    """Offer what `write` makes as a file of this name. The page is not run anew.

    `write` is called in a thread of its own, so it opens a database connection of its own. No two
    buttons of a page offer the same name.
    """
    context = get_script_run_ctx()

    def kept() -> bytes | str:
        content = write()
        if context is not None:
            _keep(content, name, mime, replace(context, session_id=f"download {uuid4().hex}"))
        return content

    st.download_button(
        label,
        kept,
        name,
        mime,
        key=f"download-{name}",
        icon=icon,
        type=type,
        help=help,
        on_click="ignore",
    )


def download_table(label: str, write: Callable[[str], bytes], name: str) -> None:
    """Offer a table as CSV and as Parquet; `write` is given "csv" or "parquet"."""
    for format, title in _TABLES.items():
        download(f"{label} as {title}", partial(write, format), f"{name}.{format}", MIMES[format])


def _keep(content: bytes | str, name: str, mime: str, context: object) -> None:
    """Have a session that nobody's script belongs to refer to the file for a while."""
    media = get_instance().media_file_mgr
    data = content.encode("utf-8") if isinstance(content, str) else content
    # Whose session refers to a file is read off the thread.
    adding = Thread(
        target=media.add,
        args=(data, mime, "download"),
        kwargs={"file_name": name, "is_for_static_download": True},
    )
    add_script_run_ctx(adding, context)
    adding.start()
    adding.join()
    forgetting = Timer(KEPT_SECONDS, media.clear_session_refs, [context.session_id])
    forgetting.daemon = True
    forgetting.start()
