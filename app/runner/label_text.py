"""How people are asked about a generator's labels: the catalogue's phrases, searches, glosses."""

from __future__ import annotations

from app.runner.menu import Menu
from data.home import Home
from labelling.options import StudyError
from labelling.studies import LabelText, LabelTexts


def label_texts(menu: Menu, home: Home) -> LabelTexts:
    """A label's text by generator and number. What it gives raises StudyError."""

    def text(generator: str, label: int) -> LabelText:
        if generator not in menu.generators:
            raise StudyError(
                f"The generator {generator} is not in the catalogue, so that nobody knows what its"
                f" labels are called: put its entry into {home.models}."
            )
        choice = menu.generators[generator]
        return LabelText(
            phrase=choice.phrases[label],
            search_term=choice.searches[label],
            gloss=choice.glosses[label],
        )

    return text
