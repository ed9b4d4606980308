"""Studies: make one out of experiments, invite people to judge, and see how far they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from app.access import INVITATION, database, visitor
from app.guard import guarded
from app.serving import served
from app.widgets.page_link import page_link
from app.widgets.plain_text import plain
from app.widgets.ring import ring
from app.widgets.study_form import study_form
from app.widgets.study_quality import quality
from app.widgets.study_strengths import strength_progress
from data.counted import counted
from data.database import immediate
from data.experiments import Experiment, experiments
from data.labellers import revoke_labeller
from data.results import outcome_counts
from data.studies import Study, close_study, studies
from labelling.options import StudyError, StudyOptions
from labelling.progress import LabellerProgress, StudyProgress, study_progress
from labelling.stages import Stage
from labelling.studies import completion_code, invite

REFRESH_SECONDS = 5.0
#: This session's state: the link just made, by study, and what could not be done.
LINKS, REFUSED = "invitation-links", "study-refused"


def render() -> None:
    """Show the page: what a study is, the form for a new one, and a card a study."""
    st.title("Studies")
    st.write(
        "Would a person still call it by the same name? Whoever is invited judges the images blind,"
        " and the answers filter the curves on the Results page."
    )
    choices = _with_found_results()
    made = studies(database())
    if not choices:
        st.subheader("There is nothing to judge yet")
        st.write("A study asks about images on which a search has fooled a classifier.")
        page_link("experiments", "Run an experiment", ":material/arrow_forward:")
    if choices or not served():
        _new_study(choices, unfold=bool(choices) and not made)
    for study in made:
        _card(study)


def _with_found_results() -> dict[str, tuple[Experiment, int]]:
    """The experiments, and the explorations that were saved, that have found something."""
    kept = (one for one in experiments(database()) if one.kind == "experiment" or one.saved_at)
    counts = {
        one.id: (
            one,
            sum(of.get("found", 0) for of in outcome_counts(database(), one.id).values()),
        )
        for one in kept
    }
    return {key: value for key, value in counts.items() if value[1]}


def _new_study(choices: dict[str, tuple[Experiment, int]], *, unfold: bool) -> None:
    title = "New study" if choices else "New study of images made elsewhere"
    with st.expander(title, expanded=unfold, icon=":material/add:"):
        refused = study_form(choices)
        if refused:
            st.error("  \n".join(map(plain, refused.splitlines())))


def _card(study: Study) -> None:
    with st.container(border=True, key=f"study-{study.id}"):
        head, actions = st.columns([3, 2], vertical_alignment="center")
        with head:
            st.subheader(plain(study.name), anchor=False)
            st.caption(
                f"Made by {plain(study.created_by)} on {study.created_at[:10]}"
                + (f" · closed on {study.closed_at[:10]}" if study.closed_at else "")
            )
        with actions, st.container(horizontal=True, horizontal_alignment="right"):
            _invitation(study)
            st.button(
                "Open again" if study.closed_at else "Close",
                key=f"close-{study.id}",
                help="A closed study asks nothing more; nothing is deleted.",
                on_click=_close,
                args=(study,),
            )
        said = _options_in_words(StudyOptions.of(study.options))
        if said:
            st.caption(said)
        _refusal(study.id)
        _link(study)
        strength_progress(study)
        _numbers(study)
        with st.expander("Quality and export", key=f"quality-{study.id}", on_change="rerun"):
            if st.session_state[f"quality-{study.id}"]:
                quality(study)


def _invitation(study: Study) -> None:
    key = f"invite-{study.id}"
    with st.popover(
        "Invite",
        icon=":material/person_add:",
        disabled=bool(study.closed_at),
        key=_popover(key),
        on_change="rerun",  # so that `_invite` may close it, over the link that it has made
    ):
        st.text_area(
            "Names", key=key, help="One a line. For researchers only: how you tell people apart."
        )
        st.number_input("Valid for days", 1, 3650, None, placeholder="for ever", key=f"{key}-days")
        st.button("Make the links", key=f"{key}-make", on_click=_invite, args=(study, key))


def _invite(study: Study, key: str) -> None:
    names = [name for name in map(str.strip, st.session_state[key].splitlines()) if name]
    days = st.session_state[f"{key}-days"]
    until = datetime.now(UTC) + timedelta(days=days) if days else None
    try:
        with immediate(database()):  # all of them, or none
            tokens = [
                invite(database(), study.id, name, expires_at=until, by=visitor().name)
                for name in names or [""]
            ]
    except StudyError as error:
        st.session_state[REFUSED] = (study.id, str(error))
        return
    addresses = [f"{_home_address()}?{INVITATION}={token}" for token in tokens]
    st.session_state[LINKS] = {study.id: list(zip(names, addresses, strict=True))}
    st.session_state[key] = ""
    st.session_state[_popover(key)] = False


def _popover(key: str) -> str:
    return f"{key}-open"


def _home_address() -> str:
    """The address of the app: this page's without its last part."""
    here = urlsplit(st.context.url)
    return f"{here.scheme}://{here.netloc}{here.path.rpartition('/')[0]}/"


def _link(study: Study) -> None:
    """Links just made, until others are made or the page is left: only their hashes are kept."""
    links = st.session_state.get(LINKS, {}).get(study.id, [])
    if not links:
        return
    if len(links) == 1:
        [(name, address)] = links
        said, listed = f"Send this link to {plain(name)}. It is shown only now: copy it.", address
    else:
        said = f"{len(links)} links, a person each. They are shown only now: copy them."
        listed = "\n".join(f"{name}\t{address}" for name, address in links)
    st.success(said, icon=":material/link:")
    st.code(listed, language=None, wrap_lines=len(links) == 1)


def _close(study: Study) -> None:
    close_study(database(), study.id, closed=study.closed_at is None)


def _refusal(place: str) -> None:
    """What could not be done, beside the button that was pressed."""
    if st.session_state.get(REFUSED, ("",))[0] == place:
        st.error(plain(st.session_state.pop(REFUSED)[1]))


def _numbers(study: Study) -> None:
    """The part of a card that changes by itself while people judge."""

    @st.fragment(run_every=None if study.closed_at else REFRESH_SECONDS)
    @guarded
    def show() -> None:
        progress = study_progress(database(), study.id)
        with st.container(horizontal=True, vertical_alignment="center", gap="large"):
            ring(progress.judged / progress.items if progress.items else 0.0, "judged")
            with st.container():
                st.write(_in_words(progress))
                if progress.labellers:
                    st.dataframe(
                        _table(progress.labellers),
                        hide_index=True,
                        placeholder="–",
                        column_config=COLUMNS,
                    )
                    _revocation(progress.labellers)

    show()


def _in_words(progress: StudyProgress) -> str:
    if not progress.labellers:
        return f"{counted(progress.items, 'item')}, none judged. Invite somebody to begin."
    answers = sum(labeller.judgements for labeller in progress.labellers)
    if progress.wanted is not None:
        return (
            f"**{progress.judged}** of {counted(progress.items, 'item')} judged by as many people"
            f" as asked, {progress.resolved} of {counted(progress.wanted, 'time')} in all"
            f" · {counted(answers, 'answer')}"
        )
    return (
        f"**{progress.judged}** of {counted(progress.items, 'item')} judged by at least one"
        f" labeller, **{progress.open}** open · {counted(answers, 'answer')}"
    )


def _options_in_words(options: StudyOptions) -> str:
    """What a card says of a study's rules; nothing where all is as it ships."""
    shares = {
        "hidden repeats": options.repeat_share,
        "gold": options.gold_share,
        "false labels": options.false_label_share,
        "catch pairs": options.catch_share,
    }
    limits = {
        "{} at randomised strengths": options.strength_items or None,
        "overlap {}": options.overlap,
        "{} items a person": options.items_per_person,
        "{} of one source": options.source_cap,
        "{} for practice": options.practice_items or None,
    }
    said = [text.format(number) for text, number in limits.items() if number is not None]
    said += [f"{share:.0%} {name}" for name, share in shares.items() if share]
    return " · ".join(said)


STAGES = {
    Stage.INFORMATION: "invited",
    Stage.INSTRUCTIONS: "consented",
    Stage.PRACTICE: "practising",
    Stage.JUDGING: "judging",
    Stage.LATER: "waiting for others",
    Stage.UNQUALIFIED: "not qualified",
    Stage.PURPOSE: "last question",
    Stage.END: "finished",
    Stage.CLOSED: "closed",
    Stage.WITHDRAWN: "withdrew",
}
COLUMNS = {
    "Done": st.column_config.ProgressColumn("Done", format="percent", min_value=0, max_value=1),
    "Median time": st.column_config.NumberColumn("Median time", format="%.1f s"),
    "Last answer": st.column_config.DatetimeColumn("Last answer", format="distance"),
}


def _table(labellers: tuple[LabellerProgress, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Labeller": [one.labeller.name for one in labellers],
            "Now": [STAGES[one.stage] for one in labellers],
            "Done": [one.done / one.total if one.total else 0.0 for one in labellers],
            "Items": [f"{one.done} of {one.total}" for one in labellers],
            "Answers": [one.judgements for one in labellers],
            "Median time": [one.median_ms and one.median_ms / 1000 for one in labellers],
            "Last answer": pd.to_datetime([one.last_at for one in labellers]),
            "Code": [completion_code(one.labeller) for one in labellers],
            "Link": [one.labeller.link for one in labellers],
        }
    )


def _revocation(labellers: tuple[LabellerProgress, ...]) -> None:
    valid = [one.labeller for one in labellers if one.labeller.link == "valid"]
    if not valid:
        return
    with st.popover("Revoke a link", type="tertiary"):
        st.write("The link stops working; the answers given with it stay.")
        for labeller in valid:
            st.button(
                plain(labeller.name),
                key=f"revoke-{labeller.id}",
                on_click=_revoke_link,
                args=(labeller.id,),
            )


def _revoke_link(labeller_id: int) -> None:
    revoke_labeller(database(), labeller_id)
