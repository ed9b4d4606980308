"""Files of what the Results page shows, each with its experiment and judging rule in it."""

from __future__ import annotations

from math import isinf

import pandas as pd
import plotly.graph_objects as go

from app.charts.theme import chart_menu
from app.figures import figures
from app.results_stamp import Stamp, stamped
from labelling.distances import MEANS
from labelling.estimands import RAW, Estimand
from labelling.exchange import write_table


def stamped_file(frame: pd.DataFrame, stamp: Stamp, format: str) -> bytes:
    """The frame as "csv" or "parquet", the stamp in every row."""
    return write_table(stamped(frame, stamp), format)


def html_file(figure: go.Figure, name: str) -> bytes:
    """The figure as a page of its own that needs no network: Plotly's script is in it."""
    page = figure.to_html(include_plotlyjs=True, full_html=True, config=chart_menu(name))
    return page.encode("utf-8")


#: Of the columns `labelling.distances.MEANS`.
DISTANCE_HEADINGS = ("Pixel ℓ2", "Pixel ℓ∞", "SSIM")


def table_1(table: pd.DataFrame, estimand: Estimand, limit: float) -> pd.DataFrame:
    """The rows of `labelling.means.table_of_means` as they are printed: headings and text.

    Where the table has the means of `labelling.distances.mean_distances`, they are printed, too.
    """
    columns = {
        "Layers": table["subset"],
        "Classifier": table["classifier"],
        f"Restricted mean to {figures(limit)}": [
            interval(row.restricted_mean, row.low, row.high) for row in table.itertuples()
        ],
        "Median": [
            interval(row.median, row.median_low, row.median_high) for row in table.itertuples()
        ],
        "n": table["n"].astype(str),
        f"Fooled by {figures(limit)}": [percent(share) for share in table["fooled_share"]],
        "Plain mean": [figures(known(value)) for value in table["plain_mean"]],
        "n of plain mean": table["n_plain"].astype(str),
    }
    if set(MEANS) <= set(table):
        for heading, name in zip(DISTANCE_HEADINGS, MEANS, strict=True):
            columns[heading] = [figures(known(value)) for value in table[name]]
    if estimand is not RAW:
        columns["Excluded by people"] = [percent(share) for share in table["removed_share"]]
        columns["Not judged"] = table["missing"].astype(str)
    return pd.DataFrame(columns)


def interval(value: float, low: float, high: float) -> str:
    """ "0.93 [0.88, 0.99]"; an end that was never reached is "∞"."""
    if known(value) is None:
        return "–"
    if isinf(value):
        return (
            "not reached" if known(low) is None or isinf(low) else f"not reached [{_end(low)}, ∞]"
        )
    if known(low) is None or known(high) is None:
        return f"{figures(value)} [too few]"
    return f"{figures(value)} [{_end(low)}, {_end(high)}]"


def percent(share: float) -> str:
    """ "64.0 %", an en dash for what is not known."""
    return "–" if known(share) is None else f"{figures(100 * share)} %"


def known(value: float) -> float | None:
    """None for NaN."""
    return None if pd.isna(value) else value


def _end(value: float) -> str:
    return "∞" if isinf(value) else figures(value)


def markdown_file(rows: pd.DataFrame, caption: str) -> str:
    """A Markdown table with its caption under it."""
    lines = [
        "| " + " | ".join(rows) + " |",
        "|" + "---|" * len(rows.columns),
        *("| " + " | ".join(map(str, row)) + " |" for row in rows.itertuples(index=False)),
    ]
    return "\n".join(lines) + f"\n\n{caption}\n"


def latex_file(rows: pd.DataFrame, caption: str) -> str:
    """A LaTeX table; it needs the package booktabs."""
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex(caption)}}}",
        rf"\begin{{tabular}}{{ll{'r' * (len(rows.columns) - 2)}}}",
        r"\toprule",
        " & ".join(_latex(name) for name in rows) + r" \\",
        r"\midrule",
        *(
            " & ".join(_latex(str(cell)) for cell in row) + r" \\"
            for row in rows.itertuples(index=False)
        ),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "−": "$-$",
    "∞": r"$\infty$",
    "“": "``",
    "”": "''",
    "‖": r"$\Vert$",
    "₂": "$_2$",
    "ℓ": r"$\ell$",
    "≤": r"$\le$",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)
