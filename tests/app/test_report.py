"""The report as a file: complete, light, and made of nothing that lies elsewhere."""

from __future__ import annotations

import re
from contextlib import closing, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from plotly.offline import get_plotlyjs

from app.__main__ import main
from app.control_rows import control_rows
from app.figures import figures
from app.report_analysis import analysis_of
from app.report_gallery import SOURCES, chosen_trials
from app.results_files import DISTANCE_HEADINGS
from data.database import open_database
from data.experiments import conditions, experiment
from data.home import Home
from labelling.distances import MEAN_DISTANCES, MEANS, means_and_distances
from labelling.votes import judgement_codes
from tests.browser.synthetic_home import (
    add_synthetic_experiment,
    add_synthetic_judgements,
    add_synthetic_transfers,
)


@dataclass(frozen=True)
class Report:
    """Of an experiment in a home: its text without Plotly's script, what the terminal was told."""

    place: Home
    experiment_id: str
    text: str
    told: str


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of a judged experiment whose third condition became a random direction of the first, and
    whose fourth a repetition of the second.
    """
    folder = tmp_path_factory.mktemp("report")
    place = Home(folder / "home")
    experiment_id = add_synthetic_experiment(place.root, 24, "Synthetic")
    add_synthetic_transfers(place.root, experiment_id)
    add_synthetic_judgements(place.root, experiment_id)
    with closing(open_database(place)) as database:
        cells = [cell.id for cell in conditions(database, experiment_id)]
        database.execute(
            "UPDATE conditions SET role = 'random-direction', controls = 0, repetition = 1"
            " WHERE id = ?",
            [cells[2]],
        )
        database.execute(
            "UPDATE results SET outcome = CASE WHEN trial_index < 6 THEN 'changed' ELSE 'unchanged'"
            " END WHERE condition_id = ? AND outcome = 'found'",
            [cells[2]],
        )
        database.execute(
            "UPDATE conditions SET role = 'repeat', controls = 1, repetition = 1 WHERE id = ?",
            [cells[3]],
        )
        # What is repeated found the same, but for one trial: a tenth more.
        database.execute(
            "UPDATE results SET (outcome, magnitude, bound, source_id, stimulus) = ("
            "     SELECT outcome, magnitude * (1 + 0.1 * (trial_index = 3)), bound, source_id,"
            "     stimulus FROM results AS first WHERE first.condition_id = ?"
            "     AND first.trial_index = results.trial_index) WHERE condition_id = ?",
            [cells[1], cells[3]],
        )
    told = StringIO()
    with redirect_stderr(told):
        text = written(place, experiment_id, folder)
    return Report(place, experiment_id, text, told.getvalue())


def written(place: Home, experiment_id: str, folder: Path) -> str:
    """The report, without Plotly's script, which is in it once."""
    file = folder / "report.html"
    assert main(["report", experiment_id, str(file), "--home", str(place.root)]) == 0
    text = file.read_text(encoding="utf-8")
    assert text.count(get_plotlyjs()) == 1
    return text.replace(get_plotlyjs(), "")


def test_it_names_no_address_and_is_light(synthetic: Report) -> None:
    text = synthetic.text
    assert re.findall(r"https?:", text) == []
    assert re.findall(r"""(?:src|href)=(?!["']?data:)\S+""", text) == []
    assert len(text) < 500_000
    assert re.search(r"report.html, \d\.\d+ MB", synthetic.told)


def test_the_terminal_is_told_what_is_being_made(synthetic: Report) -> None:
    parts = re.findall("Report: (.*) …", synthetic.told)
    assert parts[0] == "reading results and judgements"
    assert {"pictures", "what fools what", "controls", "studies"} < set(parts)


def test_beside_the_means_of_magnitudes_stand_those_of_pixel_distances(synthetic: Report) -> None:
    with closing(open_database(synthetic.place)) as database:
        analysis = analysis_of(
            database,
            experiment(database, synthetic.experiment_id),
            judgement_codes(database),
        )
        means = means_and_distances(
            database, analysis.trials, analysis.estimand, analysis.limit
        ).set_index("subset")
    [table] = (one for one in synthetic.text.split("</table>") if "<th>Plain mean</th>" in one)
    headings = re.findall("<th>(.*)</th>", table)
    places = [headings.index(name) for name in ("Plain mean", *DISTANCE_HEADINGS)]
    cells = [re.findall("<td>(.*)</td>", row) for row in table.split("<tr>")[1:]]
    assert {row[0]: [row[place] for place in places] for row in cells} == {
        subset: [figures(means.loc[subset, name]) for name in ("plain_mean", *MEANS)]
        for subset in ("first", "last")
    }
    assert MEAN_DISTANCES in synthetic.text


def test_the_controls_are_told_in_numbers(synthetic: Report) -> None:
    with closing(open_database(synthetic.place)) as database:
        random, repeated = control_rows(database, synthetic.experiment_id)
        (pictures,) = database.execute(
            "SELECT count(*) FROM results WHERE outcome IN ('changed', 'unchanged')"
        ).fetchone()
        (found,) = database.execute(
            "SELECT count(*) FROM results JOIN conditions ON conditions.id = condition_id"
            " WHERE role = 'repeat' AND outcome = 'found'"
        ).fetchone()
    [row] = random.rows.to_dict("records")
    assert (row["Pictures"], row["Changed"]) == (str(pictures), "6")
    assert row["Share changed"].startswith(f"{600 / pictures:.1f} [")
    [row] = repeated.rows.to_dict("records")
    assert row["Pairs that found something"] == str(found)
    assert (row["Median difference"], row["Largest"], row["Over 1%"]) == ("0.00 %", "10.0 %", "1")
    for one in (random, repeated):
        assert f"<h3>{one.title}</h3>" in synthetic.text
        assert all(cell in synthetic.text for cell in one.rows.iloc[0])


def test_many_comparisons_are_told_in_words_only_to_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Home(tmp_path / "home")
    experiment_id = add_synthetic_experiment(place.root, 12, "Synthetic")
    told = "<ul><li>On the same"
    assert written(place, experiment_id, tmp_path).count(f"</summary>{told}") == 0
    monkeypatch.setattr("app.report_results.MOST_SENTENCES", 1)
    text = written(place, experiment_id, tmp_path)
    # Two comparisons of classifiers, two of layers.
    assert text.count(f"<details><summary>In words (2)</summary>{told}") == 2


def test_the_first_trials_that_most_conditions_found_are_pictured() -> None:
    found = {1: [0, 2, 3, 4, 5, 6, 7], 2: [1, 2, 4, 5, 6, 7], 3: [0, 1, 3]}
    part = pd.DataFrame(
        [
            {
                "condition_id": condition,
                "trial_index": trial,
                "outcome": "found" if trial in trials else "exhausted",
            }
            for condition, trials in found.items()
            for trial in range(9)
        ]
    )
    shown, most = chosen_trials(part)
    assert most == 2
    assert shown.tolist() == [0, 1, 2, 3][:SOURCES]
