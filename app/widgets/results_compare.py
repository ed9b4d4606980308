"""The Compare view: two classifiers, layer subsets or searches on the same sources."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app.charts.differences import paired_differences
from app.figures import figures
from app.results_files import interval, percent
from app.widgets.address import one_of
from app.widgets.figure_files import chart, files
from app.widgets.plain_text import plain
from app.widgets.results_choices import chosen_estimand, chosen_limit, file_name, for_whom
from app.widgets.results_data import SelectedResults, Selection
from app.widgets.results_style import printed_table
from app.widgets.scheme import current_scheme
from labelling.analysis_plan import compared
from labelling.paired import FEWEST_PAIRS
from labelling.paired_words import what_follows

_BY = {"classifier": "Classifiers", "subset": "Layers", "search": "Searches"}
#: Fewer comparisons than this are all told in words at once.
_FEW = 6
_ONE_OF_A_KIND = {
    "classifier": "There is one classifier here: choose or run another one to compare it with.",
    "subset": "There is one choice of layers here: choose or run another one to compare it with.",
    "search": "This experiment has one search on one schedule: nothing to compare it with.",
}


def compare_view(selection: Selection, results: SelectedResults) -> None:
    """Paired differences, tests after Holm's correction, and what follows in words."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.segmented_control(
            "Compare",
            list(_BY),
            format_func=_BY.get,
            required=True,
            **one_of("compare", list(_BY)),
        )
        if by == "search":
            results = results.across_searches
        if results.limit is None:
            st.info("No trial of these conditions was fooled yet, so there is nothing to compare.")
            return
        focus = chosen_estimand(results.judged)
        limit = chosen_limit(results.limit)
    st.caption(f"**{focus.name}.** {focus.definition}")
    table = results.comparisons(focus.key, by, limit)
    if table.empty:
        st.info(_ONE_OF_A_KIND[by])
        return
    if table["wilcoxon_p"].isna().all():
        st.info(
            f"Too few: no two of them share {FEWEST_PAIRS} sources whose outcome and judgements"
            " are known, so no test is made."
        )
    name = file_name(selection, focus.key, f"compare-{by}")
    figure = paired_differences(
        table,
        title=f"Paired differences of min(X, M_max = {figures(table['limit'].iloc[0])}):"
        f" {focus.name.lower()}",
        subtitle=for_whom(selection, results, focus),
        scheme=current_scheme(),
    )
    chart(figure, name)
    sentences = [what_follows(row, focus, by) for row in table.itertuples()]
    with st.expander(f"In words ({len(sentences)})", expanded=len(sentences) <= _FEW):
        st.markdown("\n".join(f"- {plain(sentence)}" for sentence in sentences))
    rows = _rows(table)
    st.dataframe(rows.style.format(_FORMATS, na_rep=_TOO_FEW), hide_index=True, height="content")
    printed_table(rows.to_html(index=False, border=0, formatters=_FORMATS, na_rep=_TOO_FEW))
    st.caption(
        "This shows, over the trials that enter on both sides, how much more the first needs than"
        " the second: the mean of paired differences with its 95 % bootstrap interval over sources."
        " Tests are on one mean difference a source, after Holm's correction over all rows. Rank"
        " correlation: 1 where the first needs more on every source, −1 where the second does. It"
        " does not show what holds for sources that are missing on either side."
    )
    stamp = selection.held_to_plan(focus.key, float(table["limit"].iloc[0]), compared(table, by))
    st.caption(plain(stamp.analysis_plan))
    files({"Comparisons": (name, table.assign(in_words=sentences))}, stamp, figure)


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    columns = {
        "First": table["one"],
        "Second": table["other"],
        "Held": table["held"],
        "Difference": table["difference"],
        "95 %": [
            text[text.index("[") :] if "[" in text else ""
            for text in map(interval, table["difference"], table["low"], table["high"])
        ],
        "First needs more": table["one_larger"],
        "Rank correlation": table["rank_biserial"],
        "Signed-rank p (Holm)": table["wilcoxon_holm"],
        "Sign p (Holm)": table["sign_holm"],
        "Sources": table["sources"],
        "Not judged": table["missing"],
    }
    return pd.DataFrame(columns)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else figures(value)


_TOO_FEW = "too few"
_FORMATS = {
    "Difference": figures,
    "First needs more": percent,
    "Rank correlation": figures,
    "Signed-rank p (Holm)": _p,
    "Sign p (Holm)": _p,
}
