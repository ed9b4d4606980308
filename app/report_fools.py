"""What fools what, in the report: other classifiers, labels, layers, and people."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from sqlite_utils import Database

from app import report_html as html
from app.charts.agreement import agreement
from app.charts.label_targets import label_target_map
from app.charts.layers import magnitude_by_layer
from app.charts.transfer import transfer_matrices
from app.fools_words import (
    AGREEMENT,
    SUCCESS,
    TRANSFER,
    counted_in_words,
    half_in_words,
    labels_caption,
    layers_caption,
)
from app.report_analysis import Analysis, subsets_of
from app.trial_words import label_name
from labelling.label_targets import EVERY, label_targets, most_met
from labelling.layer_shares import layer_shares, point_magnitudes
from labelling.strengths import (
    agreement_curves,
    agreement_fits,
    entering,
    fitted,
    strength_count,
    strength_table,
)
from labelling.transfers import Counted, transfer_matrix, transfer_table


def what_fools_what(database: Database, analysis: Analysis) -> Iterator[str]:
    """Four parts, search by search; each says so where there is nothing to show."""
    found = analysis.trials["outcome"] == "found"
    if not found.any():
        return
    yield "<h2>What fools what</h2>"
    counted: Counted = "both" if analysis.judged else "all"
    if analysis.judged:
        yield html.small(
            "Found pictures count where people say that the source and the picture show the label,"
            f" by {analysis.rule.in_words()}."
        )
    yield "<h3>Other classifiers</h3>"
    yield from _transfer(database, analysis, counted)
    yield "<h3>Labels</h3>"
    for _, part in analysis.searches():
        yield from _labels(analysis, part, counted)
    yield "<h3>Layers</h3>"
    for _, part in analysis.searches():
        yield from _layers(database, analysis, part, counted)
    yield "<h3>People</h3>"
    yield from _people(database, analysis)


def _transfer(database: Database, analysis: Analysis, counted: Counted) -> Iterator[str]:
    asked = transfer_table(database, analysis.experiment.id)
    if asked.empty:
        yield html.small(
            "No found picture was tested on another classifier yet: Results, What fools what, Test"
            " them."
        )
        return
    for _, part in analysis.searches():
        success = "any" if part["target"].isna().all() else "target"
        matrix = transfer_matrix(part, asked, success, counted)
        if matrix.empty:
            yield html.small("No found picture counts under this rule.")
            continue
        yield html.figure(
            transfer_matrices(
                matrix,
                subsets=subsets_of(part),
                title=f"Found against one classifier, tested on another: it {SUCCESS[success]}"
                f"{counted_in_words(counted)}",
                subtitle=analysis.lines(part),
            ),
            "transfer",
        )
    yield html.small(TRANSFER)


def _labels(analysis: Analysis, part: pd.DataFrame, counted: Counted) -> Iterator[str]:
    if part["target"].isna().all():
        yield html.small("These searches had no target: any other label would do.")
        return
    cells = label_targets(part, counted)
    if cells.empty:
        yield html.small("No trial has ended that counts under this rule.")
        return
    labels, targets = (most_met(cells, side) for side in ("label", "target"))
    shown = cells[cells["label"].isin([*labels, EVERY]) & cells["target"].isin([*targets, EVERY])]
    yield html.figure(
        label_target_map(
            shown,
            labels=labels,
            targets=targets,
            name_of=lambda label: label_name(label, analysis.labels),
            title="Median magnitude that turns a label into a target: all classifiers, all layer"
            f" subsets{counted_in_words(counted)}",
            subtitle=analysis.lines(part),
        ),
        "labels",
    )
    yield html.small(labels_caption(cells, len(labels), pooled=part["condition_id"].nunique() > 1))


def _layers(
    database: Database, analysis: Analysis, part: pd.DataFrame, counted: Counted
) -> Iterator[str]:
    found = part[(part["outcome"] == "found").to_numpy()]
    if found.empty:
        return
    of = {one: point_magnitudes(database, one) for one in found["condition_id"].unique().tolist()}
    frame = layer_shares(found, of, counted)
    if frame.empty:
        yield html.small(
            "No found trial that counts under this rule has its magnitudes by layer stored."
        )
        return
    most = int(frame["point"].max()) + 1
    points = analysis.points
    yield html.figure(
        magnitude_by_layer(
            frame,
            points=points if len(points) >= most else [f"point {one}" for one in range(most)],
            subsets=subsets_of(part),
            colours=analysis.colours,
            title=f"Magnitude by layer, found trials{counted_in_words(counted)}",
            subtitle=analysis.lines(part),
        ),
        "layers",
    )
    yield html.small(layers_caption(int(found.groupby("condition_id").size().max())))


def _people(database: Database, analysis: Analysis) -> Iterator[str]:
    if not strength_count(database, analysis.experiment.id):
        yield html.small(
            "No picture of this experiment was shown at a randomised strength, so nothing is known"
            " of where people stop agreeing: trials that need a large magnitude are different"
            " trials. A study can ask for such pictures."
        )
        return
    everything = strength_table(database, analysis.experiment.id, analysis.rule)
    for _, part in analysis.searches():
        table = everything[
            everything["condition_id"].isin(part["condition_id"].unique()).to_numpy()
        ]
        each = fitted(table)
        fits = agreement_fits(each)
        if fits.empty:
            continue
        if fits["problem"].isna().any():
            answers = table[entering(table).to_numpy()]
            yield html.figure(
                agreement(
                    agreement_curves(each),
                    fits,
                    answers,
                    against="magnitude",
                    subsets=subsets_of(part),
                    colours=analysis.colours,
                    title=f"Where people stop agreeing: {len(answers)} judged pictures at"
                    " randomised strengths",
                    subtitle=analysis.lines(part, judged=True),
                ),
                "people",
            )
        yield html.listed([half_in_words(row, "magnitude") for row in fits.itertuples()])
    yield html.small(AGREEMENT)
