"""What nobody needs to write, and what anybody may: a table of both."""

from __future__ import annotations

import logging
import time

import pytest

from labelling.plain_words import LONGEST_SHOWN, Kind, NotPlainError, found_in, require_plain

REFUSED = {
    "<script>alert(1)</script>": Kind.MARKUP,
    "<SCRIPT SRC=//evil.example/x.js>": Kind.MARKUP,
    "<img src=x onerror=alert(1)>": Kind.MARKUP,
    "<img/src/onerror=alert(1)>": Kind.MARKUP,
    "<svg/onload=alert(1)>": Kind.MARKUP,
    "<scr<script>ipt>": Kind.MARKUP,
    "<iframe src='//evil.example'>": Kind.MARKUP,
    "<a href='https://evil.example'>here</a>": Kind.MARKUP,
    "<b>bold</b>": Kind.MARKUP,
    "</div>": Kind.MARKUP,
    "<br/>": Kind.MARKUP,
    "<!-- hidden": Kind.MARKUP,
    "<?php echo 1": Kind.MARKUP,
    "&lt;script&gt;alert(1)": Kind.MARKUP,
    "&#60;img src=x>": Kind.MARKUP,
    '" onmouseover="alert(1)': Kind.SCRIPT,
    "x onerror = alert(1)": Kind.SCRIPT,
    "<x onclick=alert(1)>": Kind.SCRIPT,
    "[press](javascript:alert(3))": Kind.SCRIPT,
    "JaVaScRiPt:alert(1)": Kind.SCRIPT,
    "java\tscript:alert(1)": Kind.SCRIPT,
    "javascript: alert(1)": Kind.SCRIPT,
    "&#106;avascript:alert(1)": Kind.SCRIPT,
    "vbscript:msgbox": Kind.SCRIPT,
    "data:text/html;base64,PHNjcmlwdD4=": Kind.SCRIPT,
    "'; DROP TABLE judgements; --": Kind.STATEMENT,
    "'); drop table if exists studies--": Kind.STATEMENT,
    "x'; DELETE FROM comments WHERE 1=1; --": Kind.STATEMENT,
    'x"; UPDATE judgements SET answer = 1 --': Kind.STATEMENT,
    "'; INSERT INTO people (email) VALUES ('eve@example.org') --": Kind.STATEMENT,
    "'; ALTER TABLE studies ADD COLUMN x; --": Kind.STATEMENT,
    "';\nDROP\n\tTABLE judgements": Kind.STATEMENT,
    "'; ATTACH DATABASE '/tmp/x' AS y; --": Kind.STATEMENT,
    "'; PRAGMA writable_schema=1; --": Kind.STATEMENT,
    "' OR 1=1 --": Kind.STATEMENT,
    "' or 'a'='a": Kind.STATEMENT,
    "' UNION SELECT token_hash FROM labellers --": Kind.STATEMENT,
}
#: Refused where a text ends with it; before other words it may be prose.
REFUSED_AT_THE_END = {
    "a picture <script": Kind.MARKUP,
    "1; DROP TABLE users": Kind.STATEMENT,
    "DROP TABLE judgements;": Kind.STATEMENT,
}

PLAIN = [
    "",
    "the line < 3 and > 1",
    "don't; drop it",
    "select the sky -- it is darker",
    "a<b and c>d, b < a > c",
    "if x <b and y>c then it's a 7",
    "I <3 this; it's a cat",
    "p <p=0.05>",
    "JavaScript: a language",
    "written in JavaScript: see the note",
    "The script: look, then press.",
    "press <label> or <source>",
    'press "1"; select a label from the list -- there are four',
    "he said 'no'; delete it from the list",
    "update the set, insert into the frame, alter the table",
    "don't drop the table",
    "It's either a 3 or an 8; the union selects one.",
    "size = 3, on = 1, once = 2, online=yes, onset = 250 ms",
    "Ann O'Neil-D'Arcy & Söhne <ann@example.org>",
    "**Bold**, _slanted_, [a link](https://example.org/a?b=1&c=2), ![a picture](seven.png)",
    "# Heading\n\n- one\n- two\n\n> quoted\n\n| a | b |\n| --- | --- |\n| 1 | 2 |",
    "$x_i \\leq 3$ → 5 % of the (few) “sevens”; 7 ≠ 1",
    "R&amp;D, 3 &lt; 4, {{7*7}}, ${HOME}, %s, C:\\images\\a.png, ../..",
    "mnist-conv · first, last · 240 trials",
    "\0\u202e😀",
    "看起来像一只猫；但不清楚。",
]


IN_PROSE = {f"It is a cat. {text} So it seems.": kind for text, kind in REFUSED.items()}


@pytest.mark.parametrize(("text", "kind"), (REFUSED | IN_PROSE | REFUSED_AT_THE_END).items())
def test_what_nobody_needs_to_write_is_found(text: str, kind: Kind) -> None:
    found = found_in(text)
    assert found is not None and found.kind is kind
    assert 0 < len(found.characters) <= LONGEST_SHOWN


@pytest.mark.parametrize("text", PLAIN)
def test_plain_words_pass(text: str) -> None:
    assert found_in(text) is None
    require_plain(text, field="The comment", who="labeller 1")


def test_a_refusal_says_what_and_where_and_logs_who(caplog) -> None:
    text = "I saw a <script>steal('the whole of a long text')</script>"
    with caplog.at_level(logging.WARNING), pytest.raises(NotPlainError) as refused:
        require_plain(text, field="The study's name", who="Ada\nLovelace")
    assert str(refused.value) == (
        "The study's name holds what reads as an HTML tag (<script), and nothing was stored: write"
        " it in plain words."
    )
    assert caplog.messages == [
        "Refused a text of 'Ada\\nLovelace': The study's name holds an HTML tag (<script)"
    ]


@pytest.mark.parametrize(
    "text",
    [
        piece * (40_000 // len(piece))
        for piece in ("<", "<a ", "' or ", "drop table ", "update a set ", "on", "&lt;", ";", ")")
    ]
    + ["'" + " " * 40_000, "<a" + " " * 40_000, "drop table " + "a" * 40_000],
    ids=lambda text: text[:12],
)
def test_a_long_text_takes_no_longer_than_it_is(text: str) -> None:
    """Four times the text, about four times the work: sixteen times it would be if it grew faster.

    Of the processor's time of this thread, the best of three.
    """
    short, long = (min(_seconds(text[: len(text) // parts]) for _ in range(3)) for parts in (4, 1))
    assert long < 10 * max(short, 0.002)


def _seconds(text: str) -> float:
    begun = time.thread_time()
    found_in(text)
    return time.thread_time() - begun
