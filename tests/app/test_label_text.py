"""How people are asked about a label: the catalogue's phrase, search and gloss reach a study."""

from __future__ import annotations

from app.runner.menu import write_menu
from app.runner.models import Models
from app.widgets.study_labels import label_text
from data.home import home


def test_two_labels_of_one_name_are_asked_about_apart(home_folder) -> None:
    menu = Models(home()).menu()
    write_menu(home(), menu)
    names = menu.generators["biggan-deep-128"].labels
    bird, machine = (
        label_text("biggan-deep-128", index)
        for index, name in enumerate(names)
        if name.startswith("crane")
    )
    assert bird.gloss and machine.gloss and bird.gloss != machine.gloss
    assert bird.search_term != machine.search_term
