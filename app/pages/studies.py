"""Studies: make one out of experiments, invite people to judge, and see how far they are."""

from __future__ import annotations

from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from app.access import INVITATION, current_home, database, visitor
from app.guard import guarded
from app.runner.menu import read_menu
from app.runner.submit import ensure_worker
from app.widgets.page_link import page_link
from app.widgets.ring import ring
from data.experiments import Experiment, experiments
from data.results import outcome_counts
from data.studies import Study, close_study, revoke_labeller, studies
from labelling.progress import LabellerProgress, StudyProgress, study_progress
from labelling.studies import LabelText, StudyError, completion_code, create_study, invite

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
    else:
        _new_study(choices, unfold=not made)
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
    def in_words(experiment_id: str) -> str:
        experiment, count = choices[experiment_id]
        return f"{experiment.name} · {experiment.created_at[:10]} · {count} found"

    with st.expander("New study", expanded=unfold, icon=":material/add:"):
        name = st.text_input(
            "Name", key="study-name", help="For researchers only: labellers never see it."
        )
        chosen = st.multiselect(
            "Experiments",
            list(choices),
            format_func=in_words,
            placeholder="Choose one or several",
            key="study-experiments",
        )
        count = sum(choices[one][1] for one in chosen)
        st.caption(
            f"Asks about up to {count} perturbed images, each beside its source; a source is judged"
            " once, and images that several trials share are asked about once."
            if chosen
            else "An experiment is a grid of trials in which a search tried to fool classifiers."
        )
        st.button(
            "Create study",
            type="primary",
            on_click=_create,
            args=(chosen, name),
        )
        _refusal("new")


def _create(experiment_ids: list[str], name: str) -> None:
    try:
        create_study(
            database(), experiment_ids, name, label_text=_label_text, created_by=visitor().name
        )
    except StudyError as error:
        st.session_state[REFUSED] = ("new", str(error))
        return
    st.session_state["study-name"] = ""
    st.session_state["study-experiments"] = []


def _label_text(generator: str, label: int) -> LabelText:
    """How people are asked about a label, from the catalogue."""
    menu = read_menu(current_home())
    if menu is None:
        ensure_worker(current_home())
        raise StudyError("The worker, which knows the labels, is starting: try again in a moment.")
    if generator not in menu.generators:
        raise StudyError(
            f"The generator {generator} is not in the catalogue, so that nobody knows what its"
            f" labels are called: put its entry into {current_home().models}."
        )
    choice = menu.generators[generator]
    return LabelText(
        phrase=choice.phrases[label],
        search_term=choice.searches[label],
        gloss=choice.glosses[label],
    )


def _card(study: Study) -> None:
    with st.container(border=True, key=f"study-{study.id}"):
        head, actions = st.columns([3, 2], vertical_alignment="center")
        with head:
            st.subheader(study.name, anchor=False)
            st.caption(
                f"Made by {study.created_by} on {study.created_at[:10]}"
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
        _refusal(study.id)
        _link(study)
        _numbers(study)


def _invitation(study: Study) -> None:
    key = f"invite-{study.id}"
    with st.popover(
        "Invite",
        icon=":material/person_add:",
        disabled=bool(study.closed_at),
        key=_popover(key),
        on_change="rerun",  # so that `_invite` may close it, over the link that it has made
    ):
        st.text_input("Name", key=key, help="For researchers only: how you tell people apart.")
        st.button("Make the link", key=f"{key}-make", on_click=_invite, args=(study, key))


def _invite(study: Study, key: str) -> None:
    name = st.session_state[key]
    try:
        token = invite(database(), study.id, name)
    except StudyError as error:
        st.session_state[REFUSED] = (study.id, str(error))
        return
    st.session_state[LINKS] = {study.id: (name.strip(), f"{_home_address()}?{INVITATION}={token}")}
    st.session_state[key] = ""
    st.session_state[_popover(key)] = False


def _popover(key: str) -> str:
    return f"{key}-open"


def _home_address() -> str:
    """The address of the app: this page's without its last part."""
    here = urlsplit(st.context.url)
    return f"{here.scheme}://{here.netloc}{here.path.rpartition('/')[0]}/"


def _link(study: Study) -> None:
    """A link just made, until another is made or the page is left: only its hash is kept."""
    name, address = st.session_state.get(LINKS, {}).get(study.id, (None, None))
    if address is None:
        return
    st.success(f"Send this link to {name}. It is shown only now: copy it.", icon=":material/link:")
    st.code(address, language=None, wrap_lines=True)


def _close(study: Study) -> None:
    close_study(database(), study.id, closed=study.closed_at is None)


def _refusal(place: str) -> None:
    """What could not be done, beside the button that was pressed."""
    if st.session_state.get(REFUSED, ("",))[0] == place:
        st.error(st.session_state.pop(REFUSED)[1])


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
        return f"{progress.items} items, none judged. Invite somebody to begin."
    answers = sum(labeller.judgements for labeller in progress.labellers)
    return (
        f"**{progress.judged}** of {progress.items} items judged by at least one labeller,"
        f" **{progress.open}** open · {answers} answers"
    )


COLUMNS = {
    "Done": st.column_config.ProgressColumn("Done", format="percent", min_value=0, max_value=1),
    "Median time": st.column_config.NumberColumn("Median time", format="%.1f s"),
    "Last answer": st.column_config.DatetimeColumn("Last answer", format="distance"),
}


def _table(labellers: tuple[LabellerProgress, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Labeller": [one.labeller.name for one in labellers],
            "Done": [one.done / one.total if one.total else 0.0 for one in labellers],
            "Items": [f"{one.done} of {one.total}" for one in labellers],
            "Answers": [one.judgements for one in labellers],
            "Median time": [one.median_ms and one.median_ms / 1000 for one in labellers],
            "Last answer": pd.to_datetime([one.last_at for one in labellers]),
            "Code": [completion_code(one.labeller) for one in labellers],
            "Link": ["revoked" if one.labeller.revoked_at else "valid" for one in labellers],
        }
    )


def _revocation(labellers: tuple[LabellerProgress, ...]) -> None:
    valid = [one.labeller for one in labellers if not one.labeller.revoked_at]
    if not valid:
        return
    with st.popover("Revoke a link", type="tertiary"):
        st.write("The link stops working; the answers given with it stay.")
        for labeller in valid:
            st.button(
                labeller.name,
                key=f"revoke-{labeller.id}",
                on_click=_revoke_link,
                args=(labeller.id,),
            )


def _revoke_link(labeller_id: int) -> None:
    revoke_labeller(database(), labeller_id)
