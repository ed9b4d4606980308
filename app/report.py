"""An experiment's summary report: one HTML file with everything in it, which needs no network."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs
from sqlite_utils import Database

from app.charts.differences import paired_differences
from app.charts.funnel import funnel_bars
from app.charts.success import risk_magnitudes, success_curves
from app.charts.theme import chart_menu, classifier_colours
from app.figures import figures
from app.results_files import table_1
from app.runner.differences import described
from data.experiments import Experiment, StoredCondition, conditions
from data.home import Home, code_version
from data.images import ImageError, image_file
from data.plans import PlanRow
from data.results import mean_distances, outcome_counts, result, source
from data.stamps import now
from data.studies import Study, judgements, labellers, studies
from labelling import curves
from labelling.analysis_plan import (
    AnalysisPlan,
    Comparison,
    adherence,
    compared,
    standing_plan,
)
from labelling.eligibility import ELIGIBILITY, JudgingRule, finished_part, trial_table
from labelling.entrants import entering
from labelling.estimands import ESTIMANDS, FOOLED_WHILE_PEOPLE_AGREE, RAW, Estimand
from labelling.funnel import funnel
from labelling.means import MEDIAN, PLAIN_MEAN, RESTRICTED_MEAN, common_limit, table_of_means
from labelling.paired import Dimension, comparisons
from labelling.paired_words import what_follows
from labelling.quality import study_quality

#: Trials whose pictures are shown.
PICTURED = 6
REASONS = 5

CAVEATS = (
    "A magnitude is one that suffices for this search on this schedule: an upper bound on the"
    " smallest one, and not comparable with another search's or schedule's.",
    "Magnitudes count standard deviations of the activations that are perturbed; the same number in"
    " other layers need not be the same change of the picture.",
    "Bands are 95 % and pointwise: a whole curve leaves its band more often than one point of it.",
    "“As published” removes the trials whose picture people no longer call by its label from the"
    " denominator too, so that it is conditional on what the search itself decided; the cumulative"
    " incidence is not.",
    "That a magnitude suffices assumes that a classifier, once fooled, stays fooled further along"
    " the perturbation: the strength sweep in Explore measures how often that holds.",
    "The search is chaotic: float noise moves some magnitudes by a few per cent between devices and"
    " numbers of slots. Repeated runs, where the experiment has them, show by how much.",
    "Labels are those of the generator's request: whether a source shows its label is what people"
    " were asked, and sources that they did not recognise do not count.",
)


@dataclass(frozen=True)
class _Analysis:
    """What the report's numbers rest on."""

    rule: JudgingRule
    estimand: Estimand
    limit: float | None
    plan: PlanRow | None
    synthetic: bool


def report(
    database: Database,
    home: Home,
    experiment: Experiment,
    *,
    rule: JudgingRule | None = None,
    limit: float | None = None,
    synthetic: bool = False,
) -> str:
    """The report as a page. Rule and M_max: the frozen plan's unless given, else the usual ones.

    `synthetic` says that nobody made the judgements, on every figure.
    """
    plan = standing_plan(database, experiment.id)
    planned = AnalysisPlan.of(plan.plan) if plan else None
    rule = rule or (planned.rule if planned else JudgingRule())
    trials = finished_part(trial_table(database, [experiment.id], rule))
    judged = bool((trials["source_judgement"] != "missing").any())
    usual = ESTIMANDS[planned.estimand] if planned else FOOLED_WHILE_PEOPLE_AGREE
    analysis = _Analysis(
        rule,
        usual if judged else RAW,
        limit or (planned.limit if planned else None) or common_limit(trials),
        plan,
        synthetic,
    )
    cells = conditions(database, experiment.id)
    parts = [
        *_head(database, experiment, analysis, trials),
        *_results(experiment, trials, analysis),
        *_pictures(database, home, cells),
        *_conditions(database, experiment, cells),
        *_studies(database, experiment),
        "<h2>What these results do not say</h2>",
        _list(CAVEATS),
        "<h2>Definition</h2>",
        _pairs(described(experiment, cells)),
        f"<p class=small>Experiment {experiment.id}, begun {experiment.created_at} with code"
        f" {escape(experiment.code_version)}; this report was written {now()} with code"
        f" {escape(code_version())}.</p>",
    ]
    return _page(experiment.name, parts)


def _head(
    database: Database, experiment: Experiment, analysis: _Analysis, trials: pd.DataFrame
) -> Iterator[str]:
    yield f"<h1>{escape(experiment.name)}</h1>"
    yield (
        "<p class=lead>By how much must the meaning of a picture shift before a classifier is"
        " fooled, while people still call it by the same name?</p>"
    )
    if analysis.synthetic:
        yield (
            "<p class=warning><strong>Synthetic judgements.</strong> A program made up the"
            " judgements in this database. No person judged these images: draw no conclusion.</p>"
        )
    held = adherence(
        database,
        experiment.id,
        rule=analysis.rule,
        estimand=analysis.estimand.key,
        limit=analysis.limit,
    )
    yield f"<p><strong>{escape(held.in_words())}</strong></p>"
    yield f"<p>{escape(_rule_in_words(analysis, trials))}</p>"


def _rule_in_words(analysis: _Analysis, trials: pd.DataFrame) -> str:
    if analysis.estimand is RAW:
        return "No judgement is used: some of these pictures may no longer show their label."
    asked = trials[entering(trials)]
    sources = asked.drop_duplicates("source_id")["source_judgement"] != "missing"
    fooling = asked[(asked["outcome"] == "found") & (asked["source_judgement"] == "agree")]
    known = (fooling["perturbed_judgement"] != "missing").sum()
    return (
        f"{ELIGIBILITY} People say so by {analysis.rule.in_words()}. Judged are {sources.sum()} of"
        f" {len(sources)} sources, and {known} of the {len(fooling)} perturbed pictures that start"
        " from one that shows its label."
    )


def _results(experiment: Experiment, trials: pd.DataFrame, analysis: _Analysis) -> Iterator[str]:
    yield "<h2>Results</h2>"
    if trials.empty:
        yield "<p>No trial has ended yet.</p>"
        return
    searches = trials.groupby(["search", "schedule_name"], sort=False)
    for (search, schedule), part in searches:
        if searches.ngroups > 1:
            yield f"<h3>{escape(search)} search, {escape(schedule)} schedule</h3>"
        yield from _of_search(experiment, part.reset_index(drop=True), analysis)
    if searches.ngroups > 1:
        lines = _for_whom(experiment, trials, analysis)[1:]
        yield from _compared(trials, analysis, "search", "searches", lines)


def _of_search(experiment: Experiment, part: pd.DataFrame, analysis: _Analysis) -> Iterator[str]:
    focus, limit = analysis.estimand, analysis.limit
    colours = classifier_colours(part["classifier"].unique())
    subsets = list(part["subset"].unique())
    lines = _for_whom(experiment, part, analysis)
    keys = [focus.key, *(key for key in ESTIMANDS if key != focus.key and focus is not RAW)]
    together = pd.concat([curves.success_curves(part, ESTIMANDS[key]) for key in keys])
    if together.empty or focus.key not in set(together["estimand"]):
        yield "<p>Nothing of these conditions enters a curve yet.</p>"
    else:
        risk = curves.at_risk(part, focus, risk_magnitudes(together, False))
        yield _figure(
            success_curves(
                together,
                focus=focus.key,
                colours=colours,
                subsets=subsets,
                risk=risk,
                title=f"Proportion fooled against perturbation magnitude: {focus.name.lower()}",
                subtitle=lines,
            ),
            "curves",
        )
        yield f"<p class=small><strong>{focus.name}.</strong> {escape(focus.definition)}</p>"
    if limit is not None:
        means = table_of_means(part, focus, limit).sort_values(
            "subset", key=lambda names: names.map(subsets.index), kind="stable"
        )
        yield f"<h3>Means to M_max = {figures(limit)}: {focus.name.lower()}</h3>"
        yield _table(table_1(means, focus, limit))
        yield (
            f"<p class=small>{escape(f'{RESTRICTED_MEAN} {MEDIAN} {PLAIN_MEAN}')} Intervals are"
            " 95 %, by bootstrap over sources.</p>"
        )
        yield from _compared(part, analysis, "classifier", "classifiers", lines)
        yield from _compared(part, analysis, "subset", "layer subsets", lines)
    bars = funnel(part, limit)
    if len(bars):
        yield _figure(
            funnel_bars(
                bars,
                colours=colours,
                subsets=subsets,
                title="From trials to those counted",
                subtitle=lines,
            ),
            "funnel",
        )


def _compared(
    part: pd.DataFrame, analysis: _Analysis, by: Dimension, named: str, lines: Sequence[str]
) -> Iterator[str]:
    found = comparisons(part, analysis.estimand, by, analysis.limit)
    if found.empty:
        return
    yield f"<h3>Paired comparison of {named}</h3>"
    yield (
        "<p class=small>Over the sources that enter on both sides; 95 % intervals by bootstrap over"
        " sources, tests after Holm's correction over all of a kind.</p>"
    )
    if found["low"].notna().any():
        yield _figure(
            paired_differences(
                found,
                title=f"Paired differences of min(X, M_max): {analysis.estimand.name.lower()}",
                subtitle=lines,
            ),
            f"compare-{by}",
        )
    planned = AnalysisPlan.of(analysis.plan.plan).comparisons if analysis.plan else ()
    yield _list(
        [
            (_planned(found.loc[[row.Index]], by, planned) if analysis.plan else "")
            + what_follows(row, analysis.estimand, by)
            for row in found.itertuples()
        ]
    )


def _planned(row: pd.DataFrame, by: Dimension, planned: Sequence[Comparison]) -> str:
    """Whether the plan has the comparison of this row."""
    was = any(one.same(other) for one in compared(row, by) for other in planned)
    return "Planned. " if was else "Not planned, so exploratory. "


def _for_whom(experiment: Experiment, part: pd.DataFrame, analysis: _Analysis) -> list[str]:
    counts = part.groupby("condition_id").size()
    finished = f"{counts.min()} to {counts.max()}" if counts.nunique() > 1 else f"{counts.max()}"
    first = part.iloc[0]
    lines = [
        f"{experiment.generator} · {first['search']} search, {first['schedule_name']} schedule ·"
        f" {finished} trials a condition · experiment {experiment.id}",
        "No judgement is used."
        if analysis.estimand is RAW
        else f"A picture shows its label by {analysis.rule.in_words()}.",
    ]
    lines = [escape(line, quote=False) for line in lines]
    return [*lines, "<b>SYNTHETIC JUDGEMENTS</b>"] if analysis.synthetic else lines


def _pictures(database: Database, home: Home, cells: Sequence[StoredCondition]) -> Iterator[str]:
    """The first trials that every searched condition found: the source, and what fools each."""
    searched = {cell.id: cell for cell in cells if cell.role == "search"}
    shared = [
        index
        for (index,) in database.execute(
            _FOUND_BY_ALL, [json.dumps(list(searched)), len(searched), PICTURED]
        )
    ]
    if not shared:
        return
    yield "<h2>Pictures</h2>"
    yield (
        f"<p class=small>The first {len(shared)} trials in which every condition"
        " found something: the source, and the picture with which each fools its classifier, with"
        " its magnitude. They are the first, not the fairest.</p><div class=scroll><table"
        " class=pictures><tr><th>trial<th>source"
    )
    for cell in searched.values():
        yield f"<th>{escape(cell.classifier)}<br>{escape(cell.subset)}, {escape(cell.search)}"
    for index in shared:
        rows = [result(database, cell, index) for cell in searched]
        origin = source(database, rows[0].source_id)
        yield f"<tr><td>{index}<td>{_picture(home, origin.stimulus)}"
        for row in rows:
            yield f"<td>{_picture(home, row.stimulus)}<br>{figures(row.magnitude)}"
    yield "</table></div>"


_FOUND_BY_ALL = """
SELECT trial_index FROM results
WHERE condition_id IN (SELECT value FROM json_each(?)) AND stimulus IS NOT NULL
GROUP BY trial_index HAVING count(*) = ? ORDER BY trial_index LIMIT ?
"""


def _picture(home: Home, sha256: str) -> str:
    try:
        content = image_file(home, sha256).read_bytes()
    except (OSError, ImageError):
        return "missing"
    data = base64.b64encode(content).decode()
    return f'<img alt="" src="data:image/png;base64,{data}">'


def _conditions(
    database: Database, experiment: Experiment, cells: Sequence[StoredCondition]
) -> Iterator[str]:
    counts, means = (
        outcome_counts(database, experiment.id),
        mean_distances(database, experiment.id),
    )
    yield "<h2>How trials ended</h2>"
    rows = []
    for cell in cells:
        of, mean = counts.get(cell.id, {}), means.get(cell.id)
        role = "" if cell.role == "search" else f"{cell.role.replace('-', ' ')} {cell.repetition}"
        rows.append(
            {
                "Classifier": cell.classifier,
                "Layers": cell.subset,
                "Search": f"{cell.search}, {cell.schedule_name}",
                "Control": role,
                **{name: of.get(name, 0) for name in ("found", "exhausted", "skipped", "failed")},
                **(
                    {name: of.get(name, 0) for name in ("changed", "unchanged")}
                    if any(one.role != "search" for one in cells)
                    else {}
                ),
                "missing": experiment.trials - sum(of.values()),
                "mean ‖p‖": figures(mean and mean.magnitude),
                "pixel ℓ2": figures(mean and mean.pixel_l2),
                "pixel ℓ∞": figures(mean and mean.pixel_linf),
                "SSIM": figures(mean and mean.ssim),
            }
        )
    yield _table(pd.DataFrame(rows))
    reasons = database.execute(
        "SELECT reason, count(*) FROM results JOIN conditions ON conditions.id = condition_id"
        " WHERE experiment_id = ? AND outcome = 'failed' GROUP BY reason ORDER BY 2 DESC LIMIT ?",
        [experiment.id, REASONS],
    ).fetchall()
    if reasons:
        yield _list([f"{count} failed: {reason}" for reason, count in reasons])


def _studies(database: Database, experiment: Experiment) -> Iterator[str]:
    over = [study for study in studies(database) if experiment.id in study.experiment_ids]
    if not over:
        return
    yield "<h2>Studies</h2>"
    yield _table(pd.DataFrame([_study(database, study) for study in over]))
    yield (
        "<p class=small>Agreement between labellers is Krippendorff's α over the four options;"
        " gold, false labels and catch pairs are left out of it.</p>"
    )


def _study(database: Database, study: Study) -> dict[str, object]:
    quality = study_quality(database, study.id)
    return {
        "Study": study.name,
        "People": sum(1 for _ in labellers(database, study.id)),
        "Judgements": len(judgements(database, study_id=study.id)),
        "Agreement α": quality.alpha.in_words(),
        "Left out by its rules": sum(bool(one.broken) for one in quality.labellers),
    }


def _figure(figure: go.Figure, name: str) -> str:
    drawn = figure.to_html(
        full_html=False, include_plotlyjs=False, config=chart_menu(name), default_width="100%"
    )
    return f"<figure>{drawn}</figure>"


def _table(frame: pd.DataFrame) -> str:
    return f"<div class=scroll>{frame.to_html(index=False, border=0)}</div>"


def _pairs(values: object) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}<td>{escape(value)}" for name, value in dict(values).items()
    )
    return f"<div class=scroll><table class=pairs>{rows}</table></div>"


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}' for line in lines)}</ul>"


def _page(title: str, parts: Sequence[str]) -> str:
    """The whole file. Its policy keeps it from the network, whatever a name may hold."""
    style = files("app").joinpath("report.css").read_text(encoding="utf-8")
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:\">"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f'<link rel=icon href="data:,"><title>{escape(title)}</title><style>{style}</style>'
        f"<script>{get_plotlyjs()}</script></head><body><main>"
        + "\n".join(parts)
        + "</main></body></html>\n"
    )
