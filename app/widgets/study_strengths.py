"""How far a study's pictures at randomised strengths are, and a way on where they stopped."""

from __future__ import annotations

import streamlit as st

from app.access import current_home, database, visitor
from app.guard import guarded
from app.runner.submit import ensure_worker, submit_strengths
from app.widgets.plain_text import plain
from data.jobs import Job, jobs_of_study
from data.studies import Study
from labelling.options import StudyOptions

REFRESH_SECONDS = 2.0


def strength_progress(study: Study) -> None:
    """Nothing for a study that wants none, or has them all."""
    wanted = StudyOptions.of(study.options).strength_items
    if not wanted:
        return
    active = any(job.active for job in jobs_of_study(database(), study.id))
    if active:
        ensure_worker(current_home())

    @st.fragment(run_every=REFRESH_SECONDS if active else None)
    @guarded
    def show() -> None:
        jobs = jobs_of_study(database(), study.id)
        if active and not any(job.active for job in jobs):
            st.rerun()
        _state(study, jobs)

    show()


def _state(study: Study, jobs: list[Job]) -> None:
    newest = {job.experiment_id: job for job in reversed(jobs)}.values()
    if any(job.active for job in newest):
        done = sum(job.progress.get("done", 0) for job in newest)
        total = sum(len(job.request["strengths"]) for job in newest)
        said = next(
            (job.progress["preparing"] for job in newest if "preparing" in job.progress), ""
        )
        st.progress(
            min(done / total, 1.0),
            f"Rendering pictures at randomised strengths: {done} of {total}. {said}",
        )
        return
    ended = [job for job in newest if job.state in ("failed", "stopped")]
    if ended:
        why = next((job.message for job in ended if job.message), "They were stopped.")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(f"Not all pictures at randomised strengths are there. {plain(why)}")
            st.button(
                "Render the rest", key=f"strengths-{study.id}", on_click=_again, args=(study,)
            )
        return
    left_out = sum(
        len(job.request["strengths"]) - job.progress["done"]
        for job in newest
        if "done" in job.progress
    )
    if left_out:
        st.caption(
            f"{left_out} of the pictures at randomised strengths could not be rendered: a search"
            " did not find the same again, or σ has been measured anew since. They are left out."
        )


def _again(study: Study) -> None:
    ensure_worker(current_home())
    submit_strengths(database(), study.id, owner=visitor().name)
