"""The 1000 ImageNet classes as people are asked about them: names, noun phrases, glosses, searches.

`data/bundled/imagenet_labels.json` holds one record a class in the order of the logits: WordNet
identifier, torchvision's name, and a phrase only where the rule below does not give the right one
("guacamole", "binoculars", "an ear of corn").
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "data" / "bundled" / "imagenet_labels.json"

#: Spelt with a vowel, but spoken with a consonant first: "a unicycle", "a European gallinule".
_CONSONANT_SOUND = re.compile(r"(uni|eu|one\b|use|uk)", re.IGNORECASE)
#: Spelt with a consonant, but spoken with a vowel first: "an hourglass".
_VOWEL_SOUND = re.compile(r"([aeiou]|hour|honest|heir)", re.IGNORECASE)


@dataclass(frozen=True)
class ImageNetLabel:
    """One class. `phrase` ends "This is an image of …"; `search` is what an image search is given.

    `gloss` says what is meant, where the name alone could be read as something else or says
    nothing to most people; else None.
    """

    wnid: str
    name: str
    phrase: str
    search: str
    gloss: str | None


@cache
def imagenet_labels() -> tuple[ImageNetLabel, ...]:
    """All 1000 classes in the order of an ImageNet classifier's logits."""
    records = json.loads(FILE.read_text(encoding="utf-8"))["labels"]
    return tuple(
        ImageNetLabel(
            wnid=record["wnid"],
            name=record["name"],
            phrase=record.get("phrase", noun_phrase(record["name"])),
            search=record.get("search", record["name"]),
            gloss=record.get("gloss"),
        )
        for record in records
    )


def noun_phrase(name: str) -> str:
    """The name with the article its sound asks for: "a Komodo dragon", "an Afghan hound"."""
    takes_an = _VOWEL_SOUND.match(name) and not _CONSONANT_SOUND.match(name)
    return f"{'an' if takes_an else 'a'} {name}"
