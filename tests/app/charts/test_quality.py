"""A study's quality in charts: shares of a row, a line a labeller, and the page's own theme."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from app.charts.quality import ANSWER_NAMES, confusion_chart, drift_chart
from app.charts.theme import OKABE_ITO, SCHEMES


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_row_of_the_confusion_is_what_others_say_where_one_says_that(scheme: str) -> None:
    counts = np.array([[6, 2, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1000]])
    figure = confusion_chart(counts, scheme=scheme)
    [cells] = figure.data
    assert cells.z.tolist() == [[0.75, 0.25, 0, 0], [1, 0, 0, 0], [0] * 4, [0, 0, 0, 1]]
    assert cells.text[0][1] == "2" and cells.text[3][3] == "1,000"
    assert tuple(cells.x) == tuple(cells.y) == ANSWER_NAMES
    assert figure.layout.template.layout.paper_bgcolor == SCHEMES[scheme].background


def test_drift_is_a_line_a_labeller_in_colours_that_everybody_can_tell_apart() -> None:
    drift = pd.DataFrame(
        {
            "labeller": ["Ada", "Ada", "Bob"],
            "part": [1, 2, 1],
            "said_label": [0.5, 0.75, 1.0],
            "judgements": [4, 4, 8],
        }
    )
    figure = drift_chart(drift, ["Ada", "Bob"])
    ada, bob = figure.data
    assert (ada.name, list(ada.x), list(ada.y)) == ("Ada", [1, 2], [0.5, 0.75])
    assert (bob.name, list(bob.customdata)) == ("Bob", [8])
    assert tuple(figure.layout.colorway) == tuple(OKABE_ITO)
