"""An experiment's summary report: one HTML file with everything in it, which needs no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape

from sqlite_utils import Database

from app import report_html as html
from app.report_analysis import Analysis, analysis_of
from app.report_conditions import controls, judging, outcomes
from app.report_fools import what_fools_what
from app.report_gallery import pictures
from app.report_results import results
from app.runner.differences import described
from app.runner.menu import read_menu
from data.experiments import Experiment, conditions
from data.home import Home, code_version
from data.stamps import now
from labelling.analysis_plan import adherence
from labelling.eligibility import JudgingRule
from labelling.votes import judgement_codes

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
    " numbers of slots. Repeated runs, where the experiment has them, show by how much (Controls).",
    "Labels are those of the generator's request: whether a source shows its label is what people"
    " were asked, and sources that they did not recognise do not count.",
)


def report(
    database: Database,
    home: Home,
    experiment: Experiment,
    *,
    rule: JudgingRule | None = None,
    limit: float | None = None,
    synthetic: bool = False,
    on_part: Callable[[str], None] = lambda part: None,
) -> str:
    """The report as a page. Rule and M_max: the frozen plan's unless given, else the usual ones.

    `synthetic` says that nobody made the judgements, on every figure. `on_part` is told what is
    being made, as it begins.
    """
    on_part("reading results and judgements")
    codes = judgement_codes(database)
    analysis = analysis_of(
        database,
        experiment,
        codes,
        rule=rule,
        limit=limit,
        synthetic=synthetic,
        menu=read_menu(home),
    )
    cells = conditions(database, experiment.id)
    parts: dict[str, Iterator[str]] = {
        "the judging rule": _head(database, analysis),
        "curves, means and comparisons": results(database, analysis),
        "pictures": pictures(database, home, analysis),
        "what fools what": what_fools_what(database, analysis),
        "how trials ended": outcomes(database, experiment, cells),
        "controls": controls(database, experiment),
        "studies": judging(database, experiment, codes),
    }
    written: list[str] = []
    for name, part in parts.items():
        on_part(name)
        written += part
    written += [
        "<h2>What these results do not say</h2>",
        html.listed(CAVEATS),
        "<h2>Definition</h2>",
        html.pairs(described(experiment, cells)),
        f"<p class=small>Experiment {experiment.id}, begun {experiment.created_at} with code"
        f" {escape(experiment.code_version)}; this report was written {now()} with code"
        f" {escape(code_version())}.</p>",
    ]
    return html.page(experiment.name, written)


def _head(database: Database, analysis: Analysis) -> Iterator[str]:
    yield f"<h1>{escape(analysis.experiment.name)}</h1>"
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
        analysis.experiment.id,
        rule=analysis.rule,
        estimand=analysis.estimand.key,
        limit=analysis.limit,
    )
    yield f"<p><strong>{escape(held.in_words())}</strong></p>"
    yield f"<p>{escape(analysis.rule_in_words())}</p>"
