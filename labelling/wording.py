"""Every sentence that a labeller reads, in one place: a study in another language adds its own.

Nothing here may hint at the purpose: no classifier, no change to a picture, no right answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from labelling.answers import SENTENCES


@dataclass(frozen=True)
class Wording:
    """The sentences of one language; {phrase}, {place}, {total} and {minutes} are filled in.

    `options` are the four answers in the order of their keys. Where the panels stand one under
    the other, `ask_first` and `ask_second` replace `ask_left` and `ask_right`.
    """

    options: tuple[str, ...]
    ask_left: str
    ask_right: str
    ask_first: str
    ask_second: str
    left: str
    right: str
    not_yet: str
    place: str
    pace: str
    unsure: str
    search: str
    gloss: str
    help_title: str
    help: tuple[str, ...]
    help_close: str
    slow: str
    not_stored: str
    not_available: str
    end_title: str
    end: str
    code: str


ENGLISH = Wording(
    options=tuple(SENTENCES.values()),
    ask_left="Which describes the image on the left best?",
    ask_right="… and the image on the right?",
    ask_first="Which describes this image best?",
    ask_second="… and this image?",
    left="Image on the left",
    right="Image on the right",
    not_yet="(not yet)",
    place="{place} of {total}",
    pace="about {minutes} min left",
    unsure="Not sure what {phrase} looks like?",
    search="Search the web for images",
    gloss="What is meant",
    help_title="Help",
    help=(
        "Look at the image, then choose the sentence that describes it best: press 1, 2, 3 or 4, "
        "or click the sentence. Sometimes a second image follows on the right; judge it by itself.",
        "There is no right or wrong answer: say what you see. Your answer is saved at once, and "
        "the next image follows.",
        "You may stop at any time. Open the same link again to go on where you stopped.",
    ),
    help_close="Close",
    slow="Your answer is still being saved. Please keep this page open.",
    not_stored="Your answer could not be saved. Please choose it again in a moment.",
    not_available="The next image cannot be shown. Please tell the person who invited you.",
    end_title="Thank you!",
    end="You are done, and all your answers are saved. You may close this page.",
    code="Your code",
)
