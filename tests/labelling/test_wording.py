"""What labellers read stands in one file, whole in every language, and tells nothing."""

from __future__ import annotations

import ast
import re
import string
from dataclasses import asdict
from pathlib import Path

import pytest

from labelling.answers import SENTENCES, options
from labelling.wording import ENGLISH, LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
WIDGETS = ROOT / "app" / "widgets"
#: Everything whose output a labeller's browser may get.
LABELLER_FACING = [
    ROOT / "app" / "gate.py",
    ROOT / "app" / "pages" / "label.py",
    *WIDGETS.glob("label_*.py"),
]
SCRIPTS = sorted(WIDGETS.glob("judge*.js"))

HINTS = re.compile(
    r"classif|generat|perturb|adversar|robust|fool|attack|latent|layer|target|magnitude|"
    r"experiment|original|changed|alter|manipulat|repeat|gold|catch|correct|score",
    re.IGNORECASE,
)


def sentences_in(source: str) -> list[str]:
    """String literals that a person could read: two words, or one that is passed to Streamlit.

    Docstrings, log lines, error messages and addresses are for others.
    """
    tree = ast.parse(source)
    for_others = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log."))
        for part in ast.walk(node)
    }
    shown = {
        id(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and re.match(r"st\.(?!session_state)", ast.unparse(node.func))
        for argument in node.args
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in for_others
        if re.search(r"[A-Za-z]{2,}[.,:;…]? +[A-Za-z]{2,}", node.value)
        or (id(node) in shown and re.search("[A-Za-z]", node.value))
    ]


@pytest.mark.parametrize("file", LABELLER_FACING, ids=lambda file: file.name)
def test_no_module_has_a_sentence_of_its_own(file: Path) -> None:
    assert sentences_in(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    ['st.write("Thanks")', 'x = f"about {n} minutes left"', 'st.button(words.x, "Go on")'],
)
def test_the_search_for_sentences_finds_one(source: str) -> None:
    assert sentences_in(source)


def test_the_component_has_no_text_of_its_own() -> None:
    text = re.sub(r"<[^>]*>", "", (WIDGETS / "judge.html").read_text(encoding="utf-8"))
    assert re.findall(r"[A-Za-z]{2,}", text) == []
    for file in SCRIPTS:
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        for literal in re.findall(r'"([^"]*)"', code):
            assert not re.search(r"[A-Za-z]{2,} [a-z]{2,}[.!?]|[A-Z][a-z]+ [a-z]+", literal), (
                literal
            )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_whole_and_has_the_same_places(language: str) -> None:
    """A sentence may have other words in another order, but never another thing filled in."""
    english, words = asdict(ENGLISH), asdict(LANGUAGES[language])
    assert all(words.values())
    assert len(words["options"]) == len(SENTENCES)
    for name, text in words.items():
        assert fields(text) == fields(english[name]), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_hints_at_the_purpose(language: str) -> None:
    hints = {name: HINTS.findall(str(text)) for name, text in asdict(LANGUAGES[language]).items()}
    assert {name: found for name, found in hints.items() if found} == {}


def test_the_english_options_are_the_papers() -> None:
    assert options("a seven", ENGLISH.options) == [
        "This is an image of a seven",
        "This is an image of something else",
        "It is unclear what this image shows",
        "This is not an image of anything meaningful",
    ]


def fields(text: str | tuple[str, ...]) -> set[str | None]:
    """The names in braces."""
    whole = text if isinstance(text, str) else " ".join(text)
    return {name for _, name, _, _ in string.Formatter().parse(whole) if name}
