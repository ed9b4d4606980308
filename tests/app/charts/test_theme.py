"""Colours that stay what they are, in two schemes that fit the pages."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from app.charts.theme import (
    OKABE_ITO,
    SCHEMES,
    chart_menu,
    classifier_colours,
    headed,
    template,
    translucent,
)

CONFIG = Path(__file__).parents[3] / ".streamlit" / "config.toml"


def test_a_built_in_classifier_keeps_its_colour_in_any_company() -> None:
    alone = classifier_colours(["mnist-robust"])
    together = classifier_colours(["my-own", "mnist-standard", "mnist-robust", "a-net"])
    assert together["mnist-robust"] == alone["mnist-robust"]
    assert list(together) == sorted(together)


@pytest.mark.parametrize("count", [1, 5, 7])
def test_classifiers_differ_in_colour_as_long_as_there_are_colours(count: int) -> None:
    names = ["mnist-standard", *(f"net-{number}" for number in range(count - 1))]
    colours = classifier_colours(names)
    assert len(set(colours.values())) == count
    assert set(colours.values()) <= set(OKABE_ITO)


def test_more_classifiers_than_colours_still_get_one() -> None:
    colours = classifier_colours(f"net-{number:02}" for number in range(20))
    assert len(colours) == 20 and set(colours.values()) == set(OKABE_ITO)


@pytest.mark.parametrize("name", SCHEMES)
def test_the_built_in_classifiers_stand_out_in_both_schemes(name: str) -> None:
    """WCAG 2.1's contrast: 3 for what is drawn; on dark, where lines look thinner, 4.5."""
    names = ("mnist-standard", "mnist-robust", "efficientnet-b4-ns")
    colours = classifier_colours(names, name)
    assert len(set(colours.values())) == len(names) and set(colours.values()) <= set(OKABE_ITO)
    lowest = min(contrast(colour, SCHEMES[name].background) for colour in colours.values())
    assert lowest >= (4.5 if name == "dark" else 3)


def contrast(one: str, other: str) -> float:
    low, high = sorted(luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(weight * s for weight, s in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("name", SCHEMES)
def test_a_chart_lies_flush_in_its_page(name: str) -> None:
    page = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["theme"][name]
    layout = template(name).layout
    assert layout.paper_bgcolor == page["backgroundColor"]
    assert layout.font.color == page["textColor"]


def test_a_line_too_long_for_a_laptop_goes_on_below_and_the_chart_grows_by_as_much() -> None:
    """Such as a judging rule that names many people, one of them with a sign that HTML escapes."""
    rule = "by the majority; of " + ", ".join(f"Ann &amp; Bob {number}" for number in range(20))
    size = {"height": 400, "margin": {"t": 100, "b": 80}}
    short = headed("light", "A title", ["some trials", "some rule"], **size)
    long = headed("light", "A title", ["some trials", rule], **size)
    assert short["title"]["subtitle"]["text"] == "some trials<br>some rule"
    assert (short["height"], short["margin"]) == (400, size["margin"])
    first, *lines = long["title"]["subtitle"]["text"].split("<br>")
    assert (first, " ".join(lines)) == ("some trials", rule)
    assert len(lines) > 1 and max(map(len, lines)) <= 150
    more = long["height"] - 400
    assert more >= 13 * (len(lines) - 1)
    assert long["margin"] == {"t": 100 + more, "b": 80}


def test_translucent() -> None:
    assert translucent("#0072B2", 0.5) == "rgba(0, 114, 178, 0.5)"


def test_the_camera_saves_a_png_for_print() -> None:
    options = chart_menu("a-name")["toImageButtonOptions"]
    assert options == {"format": "png", "filename": "a-name", "scale": 3}


def test_no_button_sends_a_chart_away() -> None:
    """Plotly's "Share chart …" would upload it."""
    menu = chart_menu("a-figure")
    assert "sendChartToCloud" in menu["modeBarButtonsToRemove"] and menu["plotlyServerURL"] == ""
