"""The ImageNet classes: torchvision's names, phrases a person can be asked, no two the same."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from timm.data import ImageNetInfo
from torchvision.models import ResNet50_Weights

from engine.imagenet_labels import ImageNetLabel, imagenet_labels, noun_phrase

LABELS = imagenet_labels()
BY_WNID = {label.wnid: label for label in LABELS}

#: An optional article, then words; at most one remark in brackets at the end.
FORM = re.compile(r"((an?) )?[A-Za-z][A-Za-z'-]*( [A-Za-z'-]+)*( \([a-z' ]+\))?")


def test_the_names_are_torchvisions_in_the_order_of_its_logits() -> None:
    categories = ResNet50_Weights.IMAGENET1K_V1.meta["categories"]
    assert [label.name for label in LABELS] == categories


def test_the_identifiers_are_wordnets_in_their_sorted_order() -> None:
    wnids = [label.wnid for label in LABELS]
    assert wnids == sorted(set(wnids))
    assert wnids == ImageNetInfo("imagenet-1k").label_names()


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("Komodo dragon", "a Komodo dragon"),
        ("Afghan hound", "an Afghan hound"),
        ("European gallinule", "a European gallinule"),
        ("unicycle", "a unicycle"),
        ("umbrella", "an umbrella"),
        ("hourglass", "an hourglass"),
        ("house finch", "a house finch"),
        ("iPod", "an iPod"),
        ("CD player", "a CD player"),
    ],
)
def test_the_article_follows_the_sound(name, phrase) -> None:
    assert noun_phrase(name) == phrase
    assert next(label.phrase for label in LABELS if label.name == name) == phrase


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("guacamole", "guacamole"),
        ("sunglasses", "sunglasses"),
        ("binoculars", "binoculars"),
        ("jean", "jeans"),
        ("Cardigan", "a Cardigan Welsh corgi"),
        ("cardigan", "a cardigan"),
        ("crane bird", "a crane (the bird)"),
        ("crane", "a crane (the machine)"),
        ("ear", "an ear of corn"),
        ("Newfoundland", "a Newfoundland dog"),
    ],
)
def test_what_the_rule_gets_wrong_is_in_the_file(name, phrase) -> None:
    assert next(label.phrase for label in LABELS if label.name == name) == phrase


def well_formed(label: ImageNetLabel) -> bool:
    article, _, noun = label.phrase.partition(" ")
    counted = article in {"a", "an"}
    return (
        FORM.fullmatch(label.phrase) is not None
        and (noun_phrase(noun) == label.phrase if counted else label.phrase[0].islower())
        and label.search == label.search.strip() != ""
        and (label.gloss is None or (label.gloss[0].islower() and label.gloss[-1] != "."))
    )


def test_every_label_has_the_form_of_one() -> None:
    """Without an article: a mass noun or a plural, in lower case."""
    assert [label for label in LABELS if not well_formed(label)] == []


def test_no_two_phrases_are_the_same_even_in_another_case() -> None:
    counts = Counter(label.phrase.casefold() for label in LABELS)
    assert [phrase for phrase, count in counts.items() if count > 1] == []


def test_labels_that_share_a_name_in_wordnet_have_a_gloss() -> None:
    """Two cranes, two maillots, and the two cardigans that differ by a capital."""
    info = ImageNetInfo("imagenet-1k")
    lemmas = {
        wnid: info.label_name_to_description(wnid, detailed=True).split(":")[0].split(",")[0]
        for wnid in BY_WNID
    }
    counts = Counter(lemma.casefold() for lemma in lemmas.values())
    shared = [wnid for wnid, lemma in lemmas.items() if counts[lemma.casefold()] > 1]
    assert {lemmas[wnid] for wnid in shared} >= {"crane", "maillot", "cardigan", "Cardigan"}
    for wnid in shared:
        assert BY_WNID[wnid].gloss, lemmas[wnid]
    glosses = [BY_WNID[wnid].gloss for wnid in shared]
    assert len(set(glosses)) == len(glosses)
