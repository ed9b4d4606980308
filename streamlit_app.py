"""Entry point: who are you, and which pages may you see. Run by `python -m app serve`.

`streamlit run` imports this file once for the server (`app`) and runs it for each visit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware

from app.access import Role, Visitor, current_home, visitor
from app.gate import Gate
from app.guard import guarded
from app.logs import start_logging
from app.plotly_script import FetchedEarly, script_route
from app.promptly import Promptly, imported
from app.timed_runs import bring_no_values
from app.unsent import keep_unsent
from app.warming import MOST_SECONDS, start_warming
from data.database import DatabaseError
from data.home import HomeError
from engine.allocator import share_arenas
from labelling.wording import ENGLISH

log = logging.getLogger(__name__)

#: Module in app.pages (and address) → title, in the order of the navigation; the first is the home.
RESEARCHER_PAGES = {
    "explore": "Explore",
    "results": "Results",
    "studies": "Studies",
    "experiments": "Experiments",
    "maps": "Maps",
}


def main() -> None:
    """Register what this visitor may see, and nothing else: Streamlit sends even hidden pages."""
    st.set_page_config("Plainview", layout="wide", initial_sidebar_state="collapsed")
    guarded(_open)()


def _open() -> None:
    try:
        who = visitor()
    except (DatabaseError, HomeError):
        # It may be a labeller, who is told no more than that.
        log.exception("Nobody knows who it is")
        who = Visitor(Role.REFUSED, refusal=ENGLISH.not_available)
    if who.role is Role.LABELLER:
        st.navigation([st.Page(_page("label"), title="Plainview")], position="hidden").run()
    elif who.role is Role.RESEARCHER:
        _open_for_researcher(who)
    else:
        st.navigation([st.Page(_refusal(who.refusal), title="Plainview")], position="hidden").run()


def _open_for_researcher(who: Visitor) -> None:
    from app.widgets import header
    from app.widgets.banner import synthetic_banner

    pages = [
        st.Page(_page(module), title=title, url_path=module, default=module == "explore")
        for module, title in RESEARCHER_PAGES.items()
    ]
    chosen = st.navigation(pages, position="top")
    header.render(who.name)
    synthetic_banner()
    chosen.run()


def _page(module: str) -> Callable[[], None]:
    """The page's `render`, imported when it is shown: a labeller's visit loads no other page."""

    def render() -> None:
        guarded(imported(f"app.pages.{module}").render)()

    return render


def _refusal(sentence: str) -> Callable[[], None]:
    def render() -> None:
        st.title("Plainview")
        st.write(sentence)

    return render


@asynccontextmanager
async def _prepared(server: st.App) -> AsyncIterator[None]:
    """Before any page opens: what is refused is logged already, memory stays flat, and what a first
    visitor would wait for is done, as a rule.
    """
    keep_unsent()
    bring_no_values()
    share_arenas()
    start_logging(current_home().logs, "app")
    await asyncio.to_thread(start_warming().join, MOST_SECONDS)
    yield


if __name__ == "__main__":
    main()
else:
    base = st.get_option("server.baseUrlPath")
    app = st.App(
        __file__,
        lifespan=_prepared,
        routes=[script_route(base)],
        middleware=[Middleware(Promptly), Middleware(Gate), Middleware(FetchedEarly, base=base)],
    )
