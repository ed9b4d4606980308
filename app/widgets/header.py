"""The right end of the researcher's header: the device, the running jobs, who is signed in."""

from __future__ import annotations

import streamlit as st

from app.access import database
from app.guard import guarded
from app.runner.submit import default_device
from app.serving import served
from app.sign_in import SIGN_OUT
from app.widgets.plain_text import plain
from app.widgets.scheme import follow_scheme
from data.counted import counted
from data.jobs import Job, active_jobs, cancel

#: How often the jobs are looked up: while one is active, and else. A look may cross a press.
REFRESH_SECONDS, IDLE_SECONDS = 2.0, 10.0

#: Streamlit's header has no room for widgets of an app, so these are laid over it: left of the
#: menu, as high as the header, and where it is empty clicks go through to the navigation.
#: Streamlit's sign of a running script moves to the middle, without its Stop: that would stop
#: the drawing of the page, where people expect it to stop a search.
#: Every page begins right below the header: what is not seen in its place takes no row of the
#: page, and a heading has little room of its own.
PLACE = """
<style>
.stMainBlockContainer :is(h1, h2) { padding: 0.375rem 0 0.75rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-header), .st-key-fetch-plotly { position: absolute; }
.st-key-header {
  position: fixed; top: 0; right: 3.5rem; height: 3.75rem; width: auto; z-index: 1000000;
  flex-flow: row nowrap; align-items: center; gap: 0.75rem; white-space: nowrap;
  pointer-events: none; font-variant-numeric: tabular-nums;
}
.st-key-header > * { width: auto; pointer-events: auto; }
.st-key-header > .st-key-scheme { position: absolute; }
.st-key-header a, .st-key-header a:visited { font-size: 0.875rem; color: inherit; }
.st-key-header button, .st-key-header button:is(:hover, :focus, :active) { color: inherit; }
.stStatusWidget { position: fixed; top: 0.9rem; left: 50%; }
.stStatusWidget button { display: none; }
</style>
"""


def render(name: str) -> None:
    """Show the header for the researcher called `name`."""
    st.html(PLACE)
    active = bool(active_jobs(database()))
    jobs = st.fragment(_jobs, run_every=REFRESH_SECONDS if active else IDLE_SECONDS)
    with st.container(key="header", horizontal=True):
        jobs()
        st.caption(plain(name))
        if (here := served()) is not None:
            st.html(f'<a href="{here.base}{SIGN_OUT}">Sign out</a>')
        follow_scheme()


@guarded
def _jobs() -> None:
    jobs = active_jobs(database())
    with st.popover(_summary(jobs), type="tertiary"):
        if not jobs:
            st.write("Nothing is running.")
        for job in jobs:
            _row(job)


def _summary(jobs: list[Job]) -> str:
    """ "cpu · idle", or "cpu · 2 jobs"."""
    devices = ", ".join(sorted({job.device for job in jobs} or {default_device()}))
    if not jobs:
        return f"{devices} · idle"
    return f"{devices} · {counted(len(jobs), 'job')}"


def _row(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.write(f"{job.kind.capitalize()} of {plain(job.owner)}: {_course(job)}")
        if st.button(
            "Stopping" if job.cancel else "Stop", key=f"stop-{job.id}", disabled=job.cancel
        ):
            cancel(database(), job.id)
            st.rerun(scope="fragment")


def _course(job: Job) -> str:
    """How far it is: experiments count trials, searches steps, what works on results pictures."""
    if job.state == "queued":
        return "waiting"
    if "preparing" in job.progress:
        return job.progress["preparing"]
    if "points" in job.progress:
        return f"{job.progress['points']} of {job.progress['of']} points"
    if "total" in job.progress:
        noun = "pictures" if job.kind in ("transfer", "strength") else "trials"
        return f"{job.progress['done']} of {job.progress['total']} {noun}"
    if "step" in job.progress:
        return f"step {job.progress['step']}"
    return "starting"
