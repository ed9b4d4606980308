"""The four answers to "what does this image show?" (Dunn et al. 2020, appendix B.2, figure 6)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Answer(IntEnum):
    """What a person says of one image; the value is the number on the button and the key."""

    LABEL = 1
    SOMETHING_ELSE = 2
    UNCLEAR = 3
    MEANINGLESS = 4


#: The paper's sentences, with its "label y" replaced by the label's phrase ("a seven").
SENTENCES = {
    Answer.LABEL: "This is an image of {phrase}",
    Answer.SOMETHING_ELSE: "This is an image of something else",
    Answer.UNCLEAR: "It is unclear what this image shows",
    Answer.MEANINGLESS: "This is not an image of anything meaningful",
}


def options(phrase: str, sentences: Iterable[str] = SENTENCES.values()) -> list[str]:
    """The four sentences in the order of their keys, for a label's phrase such as "a seven"."""
    return [sentence.format(phrase=phrase) for sentence in sentences]
