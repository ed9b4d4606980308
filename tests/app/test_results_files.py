"""Files of the Results page: what stands in them, and that they say where it comes from."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from app.results_files import (
    DISTANCE_HEADINGS,
    html_file,
    interval,
    latex_file,
    markdown_file,
    percent,
    stamped_file,
    table_1,
)
from app.results_stamp import Stamp
from labelling.eligibility import JudgingRule
from labelling.estimands import FOOLED_WHILE_PEOPLE_AGREE, RAW
from labelling.means import table_of_means
from tests.labelling.trial_tables import trial_table

RULE = JudgingRule("labeller", "Ada & Co_1", "missing").in_words()
PLAN = "No plan was frozen."
STAMP = Stamp("An experiment", "3f9a", RULE, True, PLAN)
TABLE = table_of_means(
    trial_table("found 1 y y", "found 2 y n", "found 4 y y", "exhausted 9 y", "skipped 0 y"),
    FOOLED_WHILE_PEOPLE_AGREE,
    limit=6.0,
    draws=10,
)


@pytest.mark.parametrize(
    ("format", "read"), [("csv", pd.read_csv), ("parquet", pd.read_parquet)], ids=["csv", "parquet"]
)
def test_data_carry_their_experiment_and_rule_in_every_row(format: str, read) -> None:
    rows = read(io.BytesIO(stamped_file(TABLE, STAMP, format)))
    assert set(rows["judging_rule"]) == {RULE} and rows["synthetic_judgements"].all()
    assert set(rows["experiment_id"]) == {"3f9a"} and set(rows["analysis_plan"]) == {PLAN}
    assert rows["restricted_mean"].item() == pytest.approx(TABLE["restricted_mean"].item())


def test_a_table_in_print() -> None:
    (row,) = table_1(TABLE, FOOLED_WHILE_PEOPLE_AGREE, 6.0).to_dict("records")
    assert row["Restricted mean to 6.00"] == "4.25 [too few]"
    assert row["Median"] == "4.00 [too few]"
    assert row["Plain mean"] == "2.50" and row["n of plain mean"] == "2"
    assert row["Excluded by people"] == "25.0 %" and row["n"] == "4"
    assert "Excluded by people" not in table_1(TABLE, RAW, 6.0)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.93, 0.88, 0.99), "0.930 [0.880, 0.990]"),
        ((-0.5, -1.0, 0.25), "−0.500 [−1.00, 0.250]"),
        ((6.0, 4.0, np.inf), "6.00 [4.00, ∞]"),
        ((np.inf, 4.0, np.inf), "not reached [4.00, ∞]"),
        ((np.inf, np.inf, np.inf), "not reached"),
        ((np.inf, np.nan, np.nan), "not reached"),
        ((2.0, np.nan, np.nan), "2.00 [too few]"),
        ((np.nan, np.nan, np.nan), "–"),
    ],
)
def test_numbers_with_their_intervals(values: tuple[float, ...], text: str) -> None:
    assert interval(*values) == text
    assert percent(np.nan) == "–"


def test_the_table_prints_pixel_distances_where_it_has_them() -> None:
    beside = TABLE.assign(mean_pixel_l2=1.25, mean_pixel_linf=0.5, mean_ssim=float("nan"))
    (row,) = table_1(beside, RAW, 6.0).to_dict("records")
    assert [row[name] for name in DISTANCE_HEADINGS] == ["1.25", "0.500", "–"]
    assert not set(DISTANCE_HEADINGS) & set(table_1(TABLE, RAW, 6.0))
    assert latex_file(table_1(beside, RAW, 6.0), "").isascii()


def test_latex_compiles_whatever_a_name_holds() -> None:
    latex = latex_file(table_1(TABLE, FOOLED_WHILE_PEOPLE_AGREE, 6.0), STAMP.in_words())
    assert r"Ada \& Co\_1" in latex and r"25.0 \%" in latex and "SYNTHETIC" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 1
    rows = [line for line in latex.splitlines() if line.endswith(r"\\")]
    columns = latex.split(r"\begin{tabular}{")[1].split("}")[0]
    assert {line.replace(r"\&", "").count("&") for line in rows} == {len(columns) - 1}
    assert latex.isascii()


def test_markdown_has_a_row_a_condition_and_its_caption() -> None:
    text = markdown_file(table_1(TABLE, RAW, 6.0), STAMP.in_words())
    lines = text.splitlines()
    assert len({line.count("|") for line in lines[:3]}) == 1
    assert RULE in lines[-1]


def test_a_figure_alone_needs_no_network() -> None:
    figure = go.Figure(layout_title_text=f"by {RULE}")
    page = html_file(figure, "a-figure").decode()
    assert "Ada" in page and "<script src=" not in page and len(page) > 1_000_000
