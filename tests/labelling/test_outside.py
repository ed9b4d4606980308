"""A study of images made elsewhere: what is read, what is refused, what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlite_utils import Database

from data.database import open_database
from data.home import Home
from data.images import read_image
from data.labellers import labeller_of
from data.studies import items
from labelling.answers import Answer
from labelling.options import StudyError
from labelling.outside import create_outside_study, read_table
from labelling.outside_pictures import read_picture
from labelling.queue import next_task, record
from labelling.studies import invite
from tests.labelling.synthetic_study import at_once

GOOD = (
    "source,perturbed,phrase,condition,answer\n"
    "a.png,b.png,a cat,blur,\n"
    "b.png,,a dog,,\n"
    "c.jpg,,a cat,,2\n"
)


@pytest.fixture
def folder(tmp_path) -> Path:
    place = tmp_path / "images"
    place.mkdir()
    for number, name in enumerate(("a.png", "b.png", "c.jpg")):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / name)
    (place / "no-image.png").write_text("not an image")
    (place / "broken.ppm").write_text("P6 30 2x 255")
    return place


@pytest.fixture
def database(tmp_path) -> Iterator[Database]:
    with closing(open_database(Home(tmp_path / "home"), durable=True)) as database:
        yield database


def table(folder: Path, text: str) -> Path:
    file = folder / "pairs.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_table_becomes_a_study_judged_by_the_same_protocol(folder, database, tmp_path) -> None:
    rows = read_table(folder, table(folder, GOOD))
    study_id = create_outside_study(
        database,
        Home(tmp_path / "home"),
        rows,
        "Elsewhere",
        options=at_once(gold_share=0.5, false_label_share=0.5),
        created_by="test",
    )
    asked = items(database, study_id)
    assert sorted(item.kind for item in asked if item.kind != "false-label") == [
        *("gold", "outside", "outside")
    ]
    pair = next(item for item in asked if item.perturbed_stimulus)
    with Image.open(folder / "b.png") as image:
        stored = read_image(Home(tmp_path / "home"), pair.perturbed_stimulus)
        assert (stored == np.asarray(image)).all()
    assert (pair.phrase, pair.label, pair.details["condition"]) == ("a cat", 0, "blur")
    person = labeller_of(database, invite(database, study_id, "synthetic")).id
    while (task := next_task(database, person)) is not None:
        assert record(database, person, task.item_id, task.side, Answer.LABEL)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("picture,phrase\na.png,a cat\n", "it needs source and phrase"),
        ("source,phrase,colour\na.png,a cat,red\n", "may have perturbed, label"),
        ("source,phrase,phrase\na.png,a cat,a dog\n", "has columns source, phrase, phrase; it"),
        ("source,phrase\na.png,\n", "line 2: phrase is empty"),
        ("source,phrase\na.png,a cat\nz.png,a cat\n", "line 3: source 'z.png' is not in"),
        ("source,phrase\n../home,a cat\n", "line 2: source '../home' is outside the folder"),
        ("source,phrase\na\0.png,a cat\n", "line 2: source 'a\\x00.png' is not in the folder"),
        (f"source,phrase\n{'x' * 300}.png,a cat\n", "is not in the folder"),
        ("source,phrase\nno-image.png,a cat\n", "line 2: The image no-image.png cannot be read"),
        ("source,phrase\nbroken.ppm,a cat\n", "line 2: The image broken.ppm cannot be read"),
        ("source,phrase,label\na.png,a cat,-1\n", "line 2: label '-1' is not a whole number"),
        (f"source,phrase,label\na.png,a cat,{2**63}\n", "is not a whole number from 0 of at most"),
        ("source,phrase,answer\na.png,a cat,5\n", "line 2: answer '5' is not 1, 2, 3 or 4"),
        ("source,perturbed,phrase,answer\na.png,b.png,a,1\n", "line 2: a row with an answer"),
        ("source,phrase\na.png,a cat,more\n", "line 2: it has another number of cells"),
        ("source,phrase\na.png\n", "line 2: it has another number of cells"),
        ("source,phrase,answer\na.png,a cat,1\n", "has no row to judge"),
        ("source,phrase\na.png,a cat\na.png,a cat\n", "line 3: it asks what line 2 asks"),
        (
            "source,phrase,label\na.png,a cat,1\nb.png,a dog,1\n",
            "line 3: label 1 is 'a dog' here, and 'a cat' in line 2",
        ),
        # A cell may have line ends, and what some take for one; blank lines count.
        (
            'source,phrase,condition\na.png,a cat,"x\u2028\r\ny"\n\nz.png,a cat,\n',
            "line 5: source 'z.png' is not in",
        ),
        (f"source,phrase\na.png,{'x' * 201}\n", "line 2: phrase has more than 200 characters"),
        ('source,phrase\n"a.png,a cat\n', "unexpected end of data"),
    ],
)
def test_a_table_that_is_wrong_says_where(folder, text, says) -> None:
    with pytest.raises(StudyError) as refused:
        read_table(folder, table(folder, text))
    assert says in str(refused.value)


def pixels(height: int, width: int, *channels: int) -> np.ndarray:
    return np.full((height, width, *channels), 128, np.uint8)


NO_STIMULI = {
    "a picture of another size": (pixels(20, 31, 3), "source is 30 × 20 pixels and perturbed 31 ×"),
    "16 bits": (
        np.full((20, 30), 4096, np.uint16),
        "kind I;16: save it as grey or RGB with 8 bits",
    ),
    "a transparent corner": (pixels(20, 30, 4), "has transparent pixels: put it on a background"),
}


@pytest.mark.parametrize("kind", NO_STIMULI)
def test_what_cannot_be_shown_as_it_is_is_refused(folder, kind) -> None:
    """Else people would judge a white, a coloured or a stretched picture."""
    shown, says = NO_STIMULI[kind]
    Image.fromarray(shown).save(folder / "b.png")
    with pytest.raises(StudyError, match=f"line 2: .*{says}"):
        read_table(folder, table(folder, "source,perturbed,phrase\na.png,b.png,a cat\n"))


def test_a_photo_that_a_camera_held_sideways_is_shown_upright(folder) -> None:
    shown = np.concatenate([pixels(10, 40, 3) * 0, pixels(10, 40, 3)])
    sideways = Image.Exif()
    sideways[0x0112] = 6  # the camera's orientation: a quarter turn to the right sets it up
    Image.fromarray(shown).save(folder / "photo.jpg", exif=sideways)
    upright = read_picture(folder / "photo.jpg")
    assert upright.shape == (40, 20, 3)
    assert upright[:, :8].mean() > 100 > 20 > upright[:, 12:].mean()


def test_opaque_and_few_coloured_pictures_are_what_they_were(folder) -> None:
    opaque = np.dstack([pixels(20, 30, 3), np.full((20, 30), 255, np.uint8)])
    Image.fromarray(opaque).save(folder / "opaque.png")
    Image.fromarray(pixels(20, 30, 3)).quantize(4).save(folder / "palette.png")
    for name in ("opaque.png", "palette.png"):
        assert (read_picture(folder / name) == pixels(20, 30, 3)).all()


def test_all_that_is_wrong_is_said_at_once(folder) -> None:
    text = "source,phrase\n" + "gone.png,\n" * 25
    with pytest.raises(StudyError, match=r"line 2: phrase is empty; source 'gone.png'") as refused:
        read_table(folder, table(folder, text))
    assert "(and 5 more)" in str(refused.value)
