"""What reaches a labeller's browser: every websocket frame, response body, header and cookie.

One whole session in local mode, and one by a signed link and a cookie in served mode. Each search
is shown to find what it looks for: the second image once it may be seen, and the forbidden words in
what a researcher's browser receives.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.passphrase import set_passphrase
from data.database import open_database
from data.home import Home
from data.images import image_file, read_image
from data.studies import items
from labelling.answers import Answer
from labelling.options import StudyOptions
from labelling.queue import Task, comment, next_task, record
from labelling.stages import agree, say_purpose, start, withdraw
from tests.browser.conftest import App, free_port, running_app, wait_until_ready
from tests.browser.label_session import (
    LabelSession,
    join,
    make_study,
    press,
    wait_for_judgements,
    wait_for_task,
    wait_until_judgeable,
)
from tests.browser.received import Record, found, pictures, pixels
from tests.labelling.synthetic_study import NAMES, TARGETS

CLASSIFIERS = ("mnist-standard", "mnist-robust")
SUBSETS = ("front-of-chain", "back-of-chain")
EXPERIMENT = "harbour-lights"
#: A study_items.id that no other number in a frame is likely to be.
FIRST_ITEM = 700_000_001

WORDS = (
    *CLASSIFIERS,
    *SUBSETS,
    *(NAMES[target] for target in TARGETS),
    *("mnist", "conv-1", "conv-2", "conv-3", "fc-64", "fc-784", "imagenet"),
    *("relaxation", "minimum norm", "minimum-norm", "magnitude", "margin of", "budget"),
    *("classifier", "generator", "perturb", "adversar", "robust", "fooled", "attack"),
    *("latent", "logits", "layer", "experiment", "explore", "synthetic", "robot"),
    # What an item is for, and how the study is run.
    *("gold", "false-label", "false label", "false_label", "catch", "repeat", "overlap", "qualif"),
    *("expected", "retract", "assignment", "lease", "condition", "strength"),
    # What another labeller wrote.
    *("kilimanjaro", "zanzibar"),
    EXPERIMENT,
)

#: Texts of the study's owner, which a labeller is to read.
OPTIONS = StudyOptions(
    information_sheet=True,
    information="You will look at pictures.",
    instruction_page=True,
    instructions="Say what you see.",
    debrief="Thank you for looking.",
    purpose_question=True,
    practice_items=1,
    repeat_share=0.3,
    gold_share=0.2,
    false_label_share=0.2,
    catch_share=0.4,
    break_every=7,
    exposure_ms=100,
)

ADDRESSES = (
    "/_stcore/health",
    "/_stcore/metrics",
    "/_stcore/host-config",
    "/_stcore/script-health-check",
    "/_stcore/agent/openapi.json",
    "/_stcore/bidi-components/judge/judge.js",
    "/manifest.json",
    "/explore",
    "/results",
    "/studies",
    "/experiments",
    "/maps",
    "/app/static/plainview.sqlite",
)
PAGES = ("/explore", "/results", "/studies", "/experiments", "/maps")
MODES = ("local", "served")
PASSPHRASE = "correct horse battery staple"


def magnitude(trial: int, condition: int) -> float:
    """A number of many digits, so that finding it means something."""
    return round(3.718264 + trial * 0.513793 + condition * 0.097531, 6)


@dataclass(frozen=True)
class World:
    """A server whose study has distinctive names and numbers, and one labeller."""

    mode: str
    app: App
    study_id: str
    session: LabelSession

    def stimulus(self, sha256: str) -> bytes:
        return pixels(read_image(Home(self.app.home), sha256)[:, :, 0])

    def perturbed(self) -> dict[bytes, str]:
        """Pixels → SHA-256 of every perturbed image of the study; a catch pair's is its source."""
        asked = items(self.session.database, self.study_id)
        hashes = [item.perturbed_stimulus for item in asked if item.kind == "pair"]
        return {self.stimulus(sha256): sha256 for sha256 in hashes}

    def kinds(self) -> dict[int, str]:
        """What each item is for."""
        return {item.id: item.kind for item in items(self.session.database, self.study_id)}

    def names_and_numbers(self) -> list[str]:
        """What is stored beside the images: ids, hashes, seeds, magnitudes as text."""
        query = self.session.database.execute
        columns = (
            "SELECT id FROM experiments",
            "SELECT id FROM studies",
            "SELECT id FROM sources",
            "SELECT sha256 FROM stimuli",
            "SELECT token_hash FROM labellers",
            "SELECT order_seed FROM labellers",
            "SELECT id FROM study_items",
            "SELECT magnitude FROM results",
        )
        return [str(value) for column in columns for (value,) in query(column)]


@pytest.fixture(scope="module", params=MODES)
def world(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[World]:
    """A server of this file's own: other tests' studies have other words in them."""
    home, port = tmp_path_factory.mktemp("blindness") / "home", free_port()
    serve_at = f"http://localhost:{port}" if request.param == "served" else None
    if serve_at:
        set_passphrase(Home(home), PASSPHRASE)
    with running_app(home, port=port, serve_at=serve_at) as app:
        study_id = make_study(
            app.home,
            trials=3,
            name=EXPERIMENT,
            options=OPTIONS,
            gold=4,
            classifiers=CLASSIFIERS,
            subsets=SUBSETS,
            magnitude=magnitude,
        )
        with closing(open_database(Home(app.home))) as database:
            database.execute("UPDATE study_items SET id = id + ?", [FIRST_ITEM - 1])
        _let_another_judge(app, study_id)
        session = join(app.url, app.home, study_id)
        with closing(session.database):
            yield World(request.param, app, study_id, session)


def _let_another_judge(app: App, study_id: str) -> None:
    """Somebody (synthetic) has judged, commented and withdrawn before: others learn none of it."""
    other = join(app.url, app.home, study_id)
    with closing(open_database(Home(app.home), durable=True)) as database, closing(other.database):
        agree(database, other.labeller_id)
        start(database, other.labeller_id)
        for _ in range(4):
            task = next_task(database, other.labeller_id)
            comment(database, other.labeller_id, task.number, "like kilimanjaro")
            record(database, other.labeller_id, task.item_id, task.side, Answer.LABEL)
        say_purpose(database, other.labeller_id, "a map of zanzibar")
        withdraw(database, other.labeller_id)


@pytest.fixture(scope="module")
def researchers(world: World, browser: Browser) -> list[bytes]:
    """A researcher has had every page open in the same server before the labeller comes."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    record = Record(context.new_page())
    if world.mode == "served":
        record.page.goto(world.app.url)
        record.page.get_by_role("textbox", name="Your name").fill("Rae")
        record.page.get_by_label("Passphrase").fill(PASSPHRASE)
        record.page.get_by_role("button", name="Sign in").click()
        expect(record.page.get_by_test_id("stTopNavLink").first).to_be_visible()
    for address in PAGES:
        record.page.goto(world.app.url + address)
        wait_until_ready(record.page)
        record.page.wait_for_timeout(500)
        record.received()
    received = record.everything()
    context.close()
    return received


@dataclass(frozen=True)
class Judged:
    """A labeller's whole session: what was asked, and what had come by the time of each task.

    `between` was asked after the rejection that was undone, before its item was asked once more: by
    the time of the task of that place.
    """

    tasks: list[Task]
    arrived: list[set[bytes]]
    between: dict[int, Task | None]
    everything: list[bytes]
    statuses: dict[str, int]


@pytest.fixture(scope="module")
def judged(world: World, researchers, browser: Browser) -> Judged:
    """Consent, practice, all items, an undo, a comment, help, a reload, breaks, debrief.

    The second source of a pair is rejected, the rejection undone, and the source rejected again.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    record = Record(page)
    page.goto(world.session.address)
    page.get_by_text("I have read this and agree").click()
    record.look()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()
    record.look()
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".judge.ready")).to_be_visible()
    wait_until_judgeable(page)
    tasks: list[Task] = []
    arrived: list[set[bytes]] = []
    between: dict[int, Task | None] = {}
    while (task := world.session.task()) is not None:
        tasks.append(task)
        arrived.append(pictures(record.received()))
        record.look()
        comment(world.session.database, world.session.labeller_id, task.number, "my own remark")
        rejected = rejects(tasks, world.kinds())
        if rejected and not between:
            press(page, world.session, "2")
            between[len(tasks) - 1] = world.session.task()
            page.keyboard.press("Backspace")
            wait_for_judgements(page, world.session, len(tasks) - 1)
            wait_for_task(page, world.session)
            wait_until_judgeable(page)
            arrived[-1] = pictures(record.received())
        if len(tasks) == 5:
            write_a_comment(page, "a remark of my own")
        press(page, world.session, "2" if rejected else "1")
        if len(tasks) == 5:
            page.keyboard.press("?")
            page.keyboard.press("Escape")
            record.received()
            page.reload()
            expect(page.locator(".judge.ready")).to_be_visible()
            wait_until_judgeable(page)
    expect(page.get_by_role("heading", name="One last question")).to_be_visible()
    record.look()
    page.get_by_role("textbox").fill("No idea.")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Thank you for looking.")).to_be_visible()
    statuses = {}
    for address in ADDRESSES:
        answer = page.request.get(world.app.url + address)
        statuses[address] = answer.status
        record.keep(repr(answer.headers).encode(), answer.body())
    record.shake_hands(world.app.url)
    everything = record.everything()
    context.close()
    return Judged(tasks, arrived, between, everything, statuses)


def rejects(tasks: list[Task], kinds: dict[int, str]) -> bool:
    """Whether the newest task asks about the second source of a pair, be it in a repeat."""
    asked = [one for one in tasks if one.side == "source" and kinds[one.item_id] == "pair"]
    sources = list(dict.fromkeys(one.source_stimulus for one in asked))
    return tasks[-1] in asked and tasks[-1].source_stimulus in sources[1:2]


def write_a_comment(page: Page, text: str) -> None:
    page.get_by_role("button", name="Comment").click()
    page.get_by_role("textbox").fill(text)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("textbox")).to_be_hidden()


def without_html(received: Iterable[bytes]) -> list[bytes]:
    """Words of HTML and JavaScript that say nothing of ours."""
    code = rb'target="_blank"|data-react-aria-top-layer|event\.repeat|\.catch\('
    return [re.sub(code, b"", part) for part in received]


def test_no_word_of_the_purpose_arrives(judged: Judged):
    assert found([*WORDS, "target"], without_html(judged.everything)) == set()


def test_everything_that_must_not_show_was_there_to_leak(judged: Judged, world: World):
    """Practice, known answers, false labels, catch pairs and repeats were among the tasks."""
    kinds = world.kinds()
    met = {kinds[task.item_id] for task in judged.tasks}
    assert met == {"practice", "pair", "gold", "false-label", "catch"}
    sources = [(task.item_id, task.number) for task in judged.tasks if task.side == "source"]
    assert len(set(sources)) > len({item for item, _ in sources})


def test_what_is_written_about_an_item_does_not_come_back_with_its_repeat(judged: Judged):
    """Whoever met a comment of their own on a new item would know that it is none."""
    met = set()
    for task in judged.tasks:
        assert task.number in met or task.comment is None
        met.add(task.number)


def test_the_servers_inside_is_closed(judged: Judged):
    assert judged.statuses["/_stcore/metrics"] == 404
    assert judged.statuses["/_stcore/agent/openapi.json"] == 404


def test_served_no_page_of_a_researchers_is_there(judged: Judged, world: World):
    """In local mode whoever sits at this computer may open them without an invitation."""
    expected = 404 if world.mode == "served" else 200
    assert {judged.statuses[page] for page in PAGES} == {expected}


def test_a_served_session_is_a_cookie_that_tells_no_more_than_a_number(
    judged: Judged, world: World
):
    told = [part for part in judged.everything if part.startswith(b'{"id"')]
    assert bool(told) is (world.mode == "served")
    for cookie in map(json.loads, told):
        assert set(cookie) == {"id", "way", "who", "expires", "version"}
        assert (cookie["way"], cookie["version"]) == ("invitation", "")
        assert cookie["who"] == str(world.session.labeller_id)


def test_no_name_id_hash_or_magnitude_arrives(judged: Judged, world: World):
    assert found(world.names_and_numbers(), judged.everything) == set()
    numbers = [
        struct.pack(form, magnitude(trial, condition))
        for trial in range(4)
        for condition in range(4)
        for form in ("<d", "<f", ">d", ">f")
    ]
    assert not [number for number in numbers for part in judged.everything if number in part]


def test_a_perturbed_image_arrives_when_it_is_asked_about_and_not_before(
    judged: Judged, world: World
):
    perturbed = world.perturbed()
    asked: set[bytes] = set()
    for place, (task, arrived) in enumerate(zip(judged.tasks, judged.arrived, strict=True)):
        for met in (task, judged.between.get(place)):
            if met is not None and met.perturbed_stimulus is not None:
                asked.add(world.stimulus(met.perturbed_stimulus))
        assert arrived & perturbed.keys() == asked & perturbed.keys()
    rejected = perturbed.keys() - asked
    assert len(rejected) == 4
    assert not pictures(judged.everything) & rejected


def test_not_even_the_bytes_of_a_perturbed_image_that_was_never_shown_arrive(
    judged: Judged, world: World
):
    shown = {task.perturbed_stimulus for task in judged.tasks}
    for sha256 in set(world.perturbed().values()):
        png = image_file(Home(world.app.home), sha256).read_bytes()
        # Inside a longer base64 text the bytes may begin at any of three places of a group.
        encoded = [base64.b64encode(b"\0" * shift + png)[4:-4] for shift in range(3)]
        arrived = any(run in part for part in judged.everything for run in [png, *encoded])
        assert arrived == (sha256 in shown)


def test_the_images_that_arrive_are_the_stored_files_without_metadata(judged: Judged, world: World):
    text = b"".join(judged.everything)
    for address in set(re.findall(rb"data:image/png;base64,([A-Za-z0-9+/=]+)", text)):
        png = base64.b64decode(address)
        assert image_file(Home(world.app.home), hashlib.sha256(png).hexdigest()).is_file()
        chunks, place = [], 8
        while place < len(png):
            (length,) = struct.unpack(">I", png[place : place + 4])
            chunks.append(png[place + 4 : place + 8])
            place += 12 + length
        assert set(chunks) == {b"IHDR", b"IDAT", b"IEND"}


# --- The searches do find ----------------------------------------------------------------------


def test_the_search_finds_what_a_labeller_may_see(judged: Judged, world: World):
    assert found(["a seven", "This is an image of a three"], judged.everything) == {
        "a seven",
        "This is an image of a three",
    }
    sources = {world.stimulus(task.source_stimulus) for task in judged.tasks}
    assert pictures(judged.everything) >= sources
    assert any(task.perturbed_stimulus for task in judged.tasks)


def test_the_search_finds_the_forbidden_in_what_a_researcher_receives(
    researchers: list[bytes], world: World
):
    assert {EXPERIMENT, "experiment", "mnist-standard"} <= found(WORDS, researchers)
    assert found(world.names_and_numbers(), researchers)


def test_the_search_sees_through_formats():
    """A leak need not be the stored PNG: the same picture as BMP or in web-safe base64 counts."""
    picture = np.arange(784, dtype=np.uint8).reshape(28, 28)
    for form in ("PNG", "BMP", "GIF"):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, form)
        for encoded in (
            file.getvalue(),
            base64.b64encode(file.getvalue()),
            base64.urlsafe_b64encode(file.getvalue()),
        ):
            assert pictures([b"\x08\x96\x01" + encoded + b"\x00"]) == {pixels(picture)}
