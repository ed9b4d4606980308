"""The quality of one study's judgements, live, and the table of them to take away."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.access import database
from app.charts.quality import confusion_chart, drift_chart
from app.charts.theme import chart_menu
from app.guard import guarded
from app.widgets.download import MIMES, download
from app.widgets.drawn_figure import drawn_figure
from app.widgets.plain_text import plain
from app.widgets.scheme import current_scheme
from data.studies import Study
from labelling.exchange import FORMATS, codebook, judgement_table, write_table
from labelling.quality import LabellerQuality, Share, study_quality
from labelling.remarks import remarks

REFRESH_SECONDS = 10.0
#: A warning below this where the study has no rule of its own.
LOW = 0.8
FEW = 10


def quality(study: Study) -> None:
    """Show it below a card; it changes by itself while people judge."""

    @st.fragment(run_every=None if study.closed_at else REFRESH_SECONDS)
    @guarded
    def show() -> None:
        measured = study_quality(database(), study.id)
        if not measured.labellers:
            st.caption("Nobody has judged yet.")
            return
        for person in measured.labellers:
            for warning in _warnings(person):
                st.warning(warning, icon=":material/warning:")
        one, two, three = st.columns(3)
        one.markdown(f"**Krippendorff's α**, four answers  \n{measured.alpha.in_words()}")
        two.markdown(f"**α**, label or not  \n{measured.alpha_yes_no.in_words()}")
        three.markdown(f"**Fleiss' κ**  \n{measured.kappa.in_words()}")
        st.caption("95 % intervals by bootstrap over images that several people judged.")
        st.dataframe(_table(measured.labellers), hide_index=True, placeholder="–")
        st.caption(
            "Right of all known answers, with 95 % Wilson intervals. “Per hour” counts time at"
            " work: pauses over five minutes are left out."
        )
        names, scheme = [one.name for one in measured.labellers], current_scheme()
        charts = {
            "confusion": confusion_chart(measured.confusion, scheme=scheme),
            "drift": drift_chart(measured.drift, names, scheme=scheme),
        }
        for column, (name, figure) in zip(st.columns(2), charts.items(), strict=True):
            with column:
                drawn_figure(figure, chart_menu(f"{name}-{study.id}"), f"{name}-{study.id}")
        _words(study)

    show()
    _export(study)


def _warnings(person: LabellerQuality) -> list[str]:
    broken = [
        f"{plain(person.name)} breaks a rule of this study: {rule}." for rule in person.broken
    ]
    low = [
        f"{name} of {plain(person.name)} under {LOW:.0%}: {share.right} of {share.total} right."
        for name, share in (("Gold accuracy", person.gold), ("Catch accuracy", person.catch))
        if share.total >= FEW and share.right < LOW * share.total
    ]
    return broken or low


def _table(people: tuple[LabellerQuality, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Labeller": [one.name for one in people],
            "Judgements": [one.judgements for one in people],
            "Per hour": [one.per_hour and round(one.per_hour) for one in people],
            "Median time": [_seconds(one.median_ms) for one in people],
            "Tab hidden": [_percent(one.hidden_share) for one in people],
            "Gold": [_share(one.gold) for one in people],
            "False labels": [_share(one.false_label) for one in people],
            "Catch pairs": [_share(one.catch) for one in people],
            "Repeats alike": [_share(one.repeats) for one in people],
            "Searches": [one.searches for one in people],
            "Comments": [one.comments for one in people],
            "Left out": ["yes" if one.broken else "no" for one in people],
        }
    )


def _words(study: Study) -> None:
    """What labellers wrote, where any did."""
    written = remarks(database(), study.id)
    if written.empty:
        return
    st.markdown("**In their own words**")
    st.dataframe(
        written.rename(columns=str.capitalize),
        hide_index=True,
        placeholder="–",
        column_config={"Text": st.column_config.TextColumn("Text", width="large")},
    )
    st.caption("Whoever guessed what the study was for was not blind to it.")


def _seconds(milliseconds: float | None) -> str | None:
    return None if milliseconds is None else f"{milliseconds / 1000:.1f} s"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"


def _share(share: Share) -> str | None:
    if share.value is None:
        return None
    low, high = share.interval
    return f"{share.right}/{share.total} [{low:.0%}–{high:.0%}]"


def _export(study: Study) -> None:
    """The judgements as files, made when asked for, with their codebook."""
    with st.popover("Export", icon=":material/download:", type="tertiary"):
        st.write("Every judgement with its timing; `stands` marks those that count.")
        for format, title in FORMATS.items():
            download(
                title,
                lambda format=format: write_table(judgement_table(database(), [study.id]), format),
                f"judgements-{study.id}.{format}",
                MIMES[format],
            )
        download(
            "Codebook",
            codebook,
            "codebook.md",
            "text/markdown",
        )
