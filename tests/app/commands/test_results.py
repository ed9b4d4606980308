"""`python -m app results`: what is printed says by whose judgement; files say it in every row."""

from __future__ import annotations

import io
from contextlib import closing

import pandas as pd
import pytest

from app.__main__ import main
from data.database import open_database
from data.home import Home
from labelling.distances import MEANS
from labelling.eligibility import JudgingRule
from labelling.studies import create_study
from tests.browser.synthetic_home import add_synthetic_experiment, add_synthetic_judgements
from tests.labelling.synthetic_study import label_text


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One for all: to print results changes none."""
    return Home(tmp_path_factory.mktemp("results") / "home")


@pytest.fixture(scope="module")
def experiment(place: Home) -> str:
    experiment_id = add_synthetic_experiment(place.root, 12, "Twelve synthetic trials")
    add_synthetic_judgements(place.root, experiment_id)
    return experiment_id


def told(capsys: pytest.CaptureFixture[str], place: Home, *arguments: str) -> tuple[int, str, str]:
    status = main(["results", *arguments, "--home", str(place.root)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


CASES = [
    ((), JudgingRule()),
    (("--rule", "unanimous", "--unclear-missing"), JudgingRule("unanimous", unclear="missing")),
    (("--labeller", "synthetic-b"), JudgingRule("labeller", "synthetic-b")),
    (
        ("--labellers", "synthetic-a", "synthetic-b", "--exclusion"),
        JudgingRule(exclusion=True, labellers=("synthetic-a", "synthetic-b")),
    ),
]


@pytest.mark.parametrize("curves", [False, True], ids=["means", "curves"])
@pytest.mark.parametrize(("options", "rule"), CASES, ids=[" ".join(one) for one, _ in CASES])
def test_every_row_of_the_csv_says_what_it_rests_on(
    place: Home, experiment: str, capsys, options: tuple[str, ...], rule: JudgingRule, curves: bool
) -> None:
    what = ("--curves",) if curves else ()
    estimand = ("--estimand", "fooled-while-people-agree")
    status, out, _ = told(capsys, place, experiment, *estimand, "--csv", *what, *options)
    rows = pd.read_csv(io.StringIO(out), dtype={"experiment_id": str})  # some are all digits
    assert status == 0 and len(rows) >= 4
    assert set(rows["judging_rule"]) == {rule.in_words()}
    assert set(rows["experiment_id"]) == {experiment}
    assert set(rows["experiment"]) == {"Twelve synthetic trials"}
    assert rows["synthetic_judgements"].all()
    assert rows["analysis_plan"].str.contains("No analysis plan was frozen").all()
    assert curves or rows[list(MEANS)].notna().all(axis=None)


def test_the_printed_table_says_it_under_the_numbers(place: Home, experiment: str, capsys) -> None:
    for what in ((), ("--curves",)):
        status, out, err = told(
            capsys, place, *("--estimand", "source-judged", "--labeller", "synthetic-a"), *what
        )
        assert status == 0 and ("SSIM" in out) == (what == ())
        assert "Estimand: source-judged." in err and "SYNTHETIC JUDGEMENTS" in err
        assert f"Experiment Twelve synthetic trials ({experiment})" in err
        assert "by synthetic-a; “unclear” counts as no" in err


def test_another_labellers_word_is_another_number(place: Home, experiment: str, capsys) -> None:
    """Whose judgements count changes what is counted, not only what is said of it."""
    chosen = ("--estimand", "fooled-while-people-agree", "--csv")
    everybody, nobody = (
        pd.read_csv(io.StringIO(told(capsys, place, experiment, *chosen, *options)[1]))
        for options in ((), ("--studies", _other_study(place, experiment)))
    )
    assert everybody["restricted_mean"].notna().all() and nobody["restricted_mean"].isna().all()


def _other_study(place: Home, experiment: str) -> str:
    """A study of the same pictures in which nobody has judged."""
    with closing(open_database(place, durable=True)) as database:
        return create_study(
            database, [experiment], "Unjudged", label_text=label_text, created_by="test"
        )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--labeller", "Bob"), "no labeller “Bob”; there are: synthetic-a, synthetic-b."),
        (("--labellers", "synthetic-a", "Bob"), "no labeller “Bob”"),
        (("--studies", "none"), "No study “none” is of this experiment; there are: "),
        (("--labeller", "synthetic-a", "--rule", "any"), "Give --labeller NAME, or --rule"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_unknown_name_is_refused_with_those_that_there_are(
    place: Home, experiment: str, capsys, options: tuple[str, ...], said: str
) -> None:
    status, out, err = told(capsys, place, experiment, *options)
    assert (status, out) == (2, "") and said in err
