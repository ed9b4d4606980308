"""After a run: what each point contributes, and what other classifiers say of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from app.runner.live import Guess, PointView, Transfer, View
from app.runner.menu import GeneratorChoice
from app.widgets.explore_stage import address

STYLE = """<style>
.by-point{display:grid;grid-template-columns:minmax(6rem,max-content) repeat(2,minmax(0,1fr));
  gap:.5rem 1.5rem;align-items:center;max-width:56rem}
.by-point .view{display:flex;gap:.75rem;align-items:center}
.by-point img{width:5rem;aspect-ratio:1;object-fit:contain;image-rendering:pixelated;
  border-radius:3px}
.by-point .head{font-weight:600}.by-point .said{font-variant-numeric:tabular-nums;line-height:1.35}
.by-point .quiet{opacity:.75;font-size:.8125rem}
</style>"""


def points_panel(generator: GeneratorChoice, points: Sequence[PointView]) -> None:
    """Leave one point out, and keep it alone: which does the success need?"""
    if not points:
        st.write("There is no perturbation to take apart: the search ended without one.")
        return
    needed = [one.point for one in points if not one.without.fooled]
    enough = [one.point for one in points if one.alone.fooled]
    st.markdown(
        f"Without {needed_points(needed, len(points))} the classifier is not fooled."
        if needed
        else "No single point is needed: the classifier stays fooled without any one of them."
    )
    st.markdown(
        f"{_listed(enough)} alone would do."
        if enough
        else "No point alone would do: the success is theirs together."
    )
    cells = ['<div></div><div class="head">Without it</div><div class="head">It alone</div>']
    for one in points:
        cells.append(f'<div class="head">{escape(one.point)}</div>')
        cells += [_cell(generator, view) for view in (one.without, one.alone)]
    st.html(f'{STYLE}<div class="by-point">{"".join(cells)}</div>')
    st.caption(
        "The found perturbation with one point's part taken out, or kept alone, at its own"
        " magnitude; nothing is searched again."
    )


def transfer_panel(
    generator: GeneratorChoice, searched: str, label: int, transfers: Sequence[Transfer]
) -> None:
    """What the other classifiers of the same labels say of the two pictures."""
    if not transfers:
        st.write(
            f"{searched} is the only classifier of these labels whose weights are at hand, or the"
            " search found nothing."
        )
        return
    st.dataframe(
        pd.DataFrame(
            {
                "Classifier": [one.classifier for one in transfers],
                "The source": [_said(generator, one.before[0]) for one in transfers],
                "The perturbed picture": [_said(generator, one.after[0]) for one in transfers],
                "Fooled too": [fooled_too(label, one) for one in transfers],
                "What it says next": [
                    " · ".join(_said(generator, guess) for guess in one.after[1:])
                    for one in transfers
                ],
            }
        ),
        hide_index=True,
    )
    st.caption(
        f"The 8-bit picture that was found for {searched}, given to the others. “Fooled” asks for"
        " the same target, of a classifier that gave the source its label; classifiers whose"
        " weights are not on this computer are not asked."
    )


def fooled_too(label: int, transfer: Transfer) -> str:
    """In a word; who was wrong about the source already was not fooled by what was done to it."""
    if transfer.before[0].label != label:
        return "wrong before"
    return "yes" if transfer.fooled else "no"


def needed_points(needed: Sequence[str], count: int) -> str:
    """The names of the points that the success needs, of so many; all are not told one by one."""
    return "any single one of the points" if 1 < len(needed) == count else _listed(needed)


def _cell(generator: GeneratorChoice, view: View) -> str:
    said = escape(_said(generator, view.top[0]))
    verdict = "fooled" if view.fooled else "not fooled"
    return (
        f'<div class="view"><img src="{address(view.image)}" alt="{said}">'
        f'<div class="said">{said}<br><span class="quiet">{verdict}</span></div></div>'
    )


def _said(generator: GeneratorChoice, guess: Guess) -> str:
    return f"{generator.labels[guess.label]} {guess.confidence:.0%}"


def _listed(names: Sequence[str]) -> str:
    quoted = [f"**{name}**" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
