"""Gold items of a new study: sources of its experiments, and what its owner says is right."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.access import current_home, database
from app.widgets.judge import data_address
from app.widgets.plain_text import plain
from app.widgets.study_labels import label_text
from data.images import image_file
from labelling.answers import Answer
from labelling.controls import Gold
from labelling.options import StudyError

#: So many sources are offered to be marked as gold.
GOLD_OFFERED = 24
UNKNOWN = "not gold"
ANSWERS = {
    "shows it": Answer.LABEL,
    "something else": Answer.SOMETHING_ELSE,
    "unclear": Answer.UNCLEAR,
    "meaningless": Answer.MEANINGLESS,
}


def gold_table(experiment_ids: Sequence[str]) -> list[Gold]:
    """Sources of the chosen experiments, and what the researcher says is right."""
    offered = _offered(experiment_ids)
    if not offered:
        st.caption("Choose experiments first: their sources are offered here as gold items.")
        return []
    st.write("**Gold items.** Say what is right to answer about some of these sources.")
    table = pd.DataFrame(
        {
            "Image": [
                data_address(image_file(current_home(), stimulus).read_bytes())
                for stimulus, _, _ in offered
            ],
            "Asked about": [phrase for _, _, phrase in offered],
            "Right answer": [UNKNOWN] * len(offered),
        }
    )
    marked = st.data_editor(
        table,
        hide_index=True,
        disabled=["Image", "Asked about"],
        row_height=64,
        height=min(320, 40 + 64 * len(offered)),
        key=f"gold-{'-'.join(experiment_ids)}",
        column_config={
            "Image": st.column_config.ImageColumn("Image", width="small"),
            "Right answer": st.column_config.SelectboxColumn(
                "Right answer", options=[UNKNOWN, *ANSWERS], required=True
            ),
        },
    )
    return [
        Gold(stimulus, label, ANSWERS[answer])
        for (stimulus, label, _), answer in zip(offered, marked["Right answer"], strict=True)
        if answer != UNKNOWN
    ]


_OFFERED = """
SELECT DISTINCT sources.stimulus, results.label, experiments.generator
FROM results
JOIN sources ON sources.id = results.source_id
JOIN conditions ON conditions.id = results.condition_id
JOIN experiments ON experiments.id = conditions.experiment_id
WHERE experiments.id IN (SELECT value FROM json_each(?))
ORDER BY results.trial_index LIMIT ?
"""


def _offered(experiment_ids: Sequence[str]) -> list[tuple[str, int, str]]:
    """(stimulus, label, phrase) of the first sources."""
    rows = database().execute(_OFFERED, [json.dumps(experiment_ids), GOLD_OFFERED]).fetchall()
    try:
        return [(it, label, label_text(generator, label).phrase) for it, label, generator in rows]
    except StudyError as error:
        st.warning(plain(str(error)))
        return []
