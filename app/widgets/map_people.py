"""What people say of a plane's pictures: points, a surface of agreement, what is beneath them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from app.access import database
from app.charts.map_parts import Agreement, Point
from app.figures import figures
from app.runner.menu import Menu
from app.widgets.banner import synthetic
from app.widgets.judging_rule import judging_rule
from app.widgets.map_data import OpenMap, Start
from app.widgets.map_figure import Overlay
from app.widgets.map_files import stamped, table_files
from app.widgets.map_study import plane_study
from app.widgets.plain_text import plain
from data.counted import counted
from data.found_directions import found_stimulus, source_stimulus
from data.studies import studies
from engine.spaces.description import FoundDirection, PerturbationPlane
from labelling.agreement_surface import (
    FEWEST_POINTS,
    AgreementSurface,
    agreement_surface,
    failing_share,
    over_surface,
)
from labelling.eligibility import JudgingRule
from labelling.plane_study import JudgedPoint, judged_points, plane_studies

#: A click so near to a judged picture, in shares of the axes, is meant for it.
NEAR = 0.02
_ANSWERS = ("the label", "something else", "unclear", "nothing meaningful")


@dataclass(frozen=True, eq=False)
class Judged:
    """The judged pictures within a map, under a rule, and the surface where enough are judged."""

    opened: OpenMap
    rule: JudgingRule
    points: Sequence[JudgedPoint]
    surface: AgreementSurface | None

    @property
    def decided(self) -> int:
        """How many pictures are judged to show the label, or not to."""
        return sum(one.judgement != "missing" for one in self.points)

    def at(self, place: Start) -> JudgedPoint | None:
        """The picture that a click at the place is meant for, if it is near one."""
        size = np.subtract(self.opened.upper, self.opened.lower)
        away = [np.abs(np.subtract(one.u, place) / size).max() for one in self.points]
        nearest = int(np.argmin(away)) if away else 0
        return self.points[nearest] if away and away[nearest] < NEAR else None

    def told(self, point: JudgedPoint) -> list[str]:
        """What people say of a picture, in lines."""
        if not point.asked:
            return ["Nobody has judged this picture."]
        each = [f"{name} {count}" for name, count in zip(_ANSWERS, point.answers, strict=True)]
        comes_to = {
            "agree": "so it shows the label",
            "disagree": "so it does not show the label",
            "missing": "which is no judgement",
        }
        return [_counted(point), ", ".join(each), f"By the rule {comes_to[point.judgement]}."]


def judging(opened: OpenMap) -> JudgingRule:
    """The rule, to be chosen where there are judgements of the plane's pictures."""
    there = set(plane_studies(database(), _space(opened), _known(opened.plane)))
    over = [study for study in studies(database()) if study.id in there]
    return judging_rule(over) if over else JudgingRule()


def judged_plane(opened: OpenMap, rule: JudgingRule) -> Judged:
    """What people say of the pictures within the map."""
    every = judged_points(database(), _space(opened), _known(opened.plane), rule)
    points = [one for one in every if _inside(opened, one.u)]
    decided = tuple(
        (one.u, one.judgement == "agree") for one in points if one.judgement != "missing"
    )
    return Judged(opened, rule, points, _fitted(decided, opened.lower, opened.upper))


def overlay(opened: OpenMap, judged: Judged | None) -> Overlay:
    """What is drawn over the map; nothing where nobody was asked."""
    if judged is None or not judged.points:
        return Overlay()
    surface, agreement = judged.surface, None
    if surface is not None:
        agree = surface.probability >= 0.5
        agreement = Agreement(
            surface.coordinates,
            surface.probability,
            surface.low,
            surface.high,
            tuple(over_surface(fails) & agree for fails in failing(opened)),
        )
    points = [Point(one.u, one.answer, one.judgement, _counted(one)) for one in judged.points]
    asked = any(one.asked for one in judged.points)
    return Overlay(points, agreement, judged.rule.in_words() if asked else None)


def failing(opened: OpenMap) -> np.ndarray:
    """Where each classifier gives another label: (classifiers, p, q)."""
    return opened.found.predicted != opened.found.description.label


def people_panel(menu: Menu | None, judged: Judged) -> None:
    """How far the judging is, what the surface says, and a study of more pictures."""
    st.subheader("People", anchor=False)
    shares = share_rows(judged)
    if judged.surface is None:
        st.write(
            f"{counted(judged.decided, 'judged picture')} on this plane. From {FEWEST_POINTS} on, a"
            " surface of “people still agree” is drawn over the scores."
        )
    else:
        _shares(shares, judged.surface, judged.rule)
    if any(one.asked for one in judged.points):
        tables = {"Judgements": judgement_rows(judged), "Failing shares": shares}
        table_files(
            f"map-{judged.opened.stored.id}",
            {
                title: stamped([judged.opened], table).assign(synthetic_judgements=synthetic())
                for title, table in tables.items()
            },
        )
    plane_study(menu, judged.opened)


def judgement_rows(judged: Judged) -> pd.DataFrame:
    """A row a judged picture: u, stimulus, the answers, and what they come to by which rule."""
    names = [f"u {number + 1}" for number in range(len(judged.opened.axes))]
    return pd.DataFrame(
        [
            dict(zip(names, one.u, strict=True))
            | {"stimulus": one.stimulus, "yes": one.yes, "asked": one.asked}
            | {f"answered {name}": n for name, n in zip(_ANSWERS, one.answers, strict=True)}
            | {
                "answer": one.answer,
                "judgement": one.judgement,
                "rule": judged.rule.in_words(),
            }
            for one in judged.points
        ]
    )


def share_rows(judged: Judged) -> pd.DataFrame:
    """A row a classifier: the share of the plane in which it fails while people agree."""
    surface, opened = judged.surface, judged.opened
    if surface is None:
        return pd.DataFrame()
    rows = []
    for network, fails in zip(opened.networks, failing(opened), strict=True):
        share = failing_share(surface, fails)
        rows.append(
            {
                "classifier": network,
                "fails while people agree": share.share,
                "low": share.low,
                "high": share.high,
                "fails at all": float(fails.mean()),
                "judged pictures": surface.points,
                "of which people agree on": surface.agreed,
                "rule": judged.rule.in_words(),
            }
        )
    return pd.DataFrame(rows)


def _shares(shares: pd.DataFrame, surface: AgreementSurface, rule: JudgingRule) -> None:
    rows = [
        {
            "Classifier": one["classifier"],
            "Fails while people agree": (
                f"{figures(100 * one['fails while people agree'])} %"
                f" [{figures(100 * one['low'])}, {figures(100 * one['high'])}]"
            ),
            "Fails at all": f"{figures(100 * one['fails at all'])} %",
        }
        for one in shares.to_dict("records")
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="content")
    st.caption(
        f"Shares of this plane's area. People agree where the fitted probability is ½ or more: a"
        f" logistic surface of second degree (Firth's penalty) through {surface.points} judged"
        f" pictures, {surface.agreed} of which still show the label by {plain(rule.in_words())}."
        " 95 % intervals by the bootstrap over pictures; they do not hold what other people, or"
        " another form of surface, would say."
    )


def _space(opened: OpenMap) -> dict[str, object]:
    return dict(opened.stored.description["space"])


def _known(plane: PerturbationPlane) -> dict[tuple[float, float], str | None]:
    """The source, and what the searches of the axes found."""
    source = source_stimulus(
        database(),
        generator_checksum=plane.source.checksum,
        label=plane.source.label,
        seed=plane.source.seed,
        truncation=plane.source.truncation,
    )
    if source is None:
        return {}
    known: dict[tuple[float, float], str | None] = {(0.0, 0.0): source}
    for u, direction in (((1.0, 0.0), plane.first), ((0.0, 1.0), plane.second)):
        if isinstance(direction, FoundDirection):
            known[u] = found_stimulus(
                database(),
                source,
                classifier_checksum=direction.classifier_checksum,
                magnitude=direction.magnitude,
            )
    return known


@st.cache_resource(max_entries=20, show_spinner=False)
def _fitted(
    judged: tuple[tuple[tuple[float, float], bool], ...],
    lower: tuple[float, ...],
    upper: tuple[float, ...],
) -> AgreementSurface | None:
    if len(judged) < FEWEST_POINTS:
        return None
    return agreement_surface([u for u, _ in judged], [agree for _, agree in judged], lower, upper)


def _inside(opened: OpenMap, u: tuple[float, ...]) -> bool:
    ends = zip(u, opened.lower, opened.upper, strict=True)
    return all(low <= one <= high for one, low, high in ends)


def _counted(point: JudgedPoint) -> str:
    if not point.asked:
        return "not judged"
    people = counted(point.asked, "person", "people")
    return f"{point.yes} of {people} still {'sees' if point.asked == 1 else 'see'} the label"
