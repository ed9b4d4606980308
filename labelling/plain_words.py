"""Texts that people type are plain words: no program, no markup of a web page, no SQL.

Whatever is shown is escaped anyway, and no text is ever a part of a query. But a text that carries
a tag, a script's address or an SQL statement is an attempt, or an accident that its writer wants to
know of: it is refused before it is stored, with a line in the log. Ordinary prose passes: "the line
< 3 and > 1", "don't; drop it", "select the sky -- it is darker"; so does Markdown.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from labelling.options import StudyError
from labelling.wording import Wording

log = logging.getLogger(__name__)

#: So much of what was found is told, and logged: enough to find it, never the whole text.
LONGEST_SHOWN = 24


class Kind(StrEnum):
    """What no honest writer needs; the value is what a researcher is told."""

    MARKUP = "an HTML tag"
    SCRIPT = "a script"
    STATEMENT = "an SQL statement"


class Found(NamedTuple):
    """What a text holds, and the few characters that show it."""

    kind: Kind
    characters: str


class NotPlainError(StudyError):
    """A text was refused; `found` says why. The message is one sentence for a researcher."""

    def __init__(self, field: str, found: Found) -> None:
        self.found = found
        super().__init__(
            f"{field} holds what reads as {found.kind} ({found.characters}), and nothing was"
            " stored: write it in plain words."
        )

    def said_in(self, words: Wording) -> str:
        """The sentence for a labeller, in the study's language."""
        holds = {
            Kind.MARKUP: words.holds_markup,
            Kind.SCRIPT: words.holds_script,
            Kind.STATEMENT: words.holds_statement,
        }
        return words.not_plain.format(found=holds[self.found.kind])


def require_plain(text: str, *, field: str, who: str) -> None:
    """Raises NotPlainError where the text is none, and notes in the log whose, and in which field.

    `field` begins a sentence: "The study's name". `who`: a researcher's name, a labeller's number.
    """
    found = found_in(text)
    if found is None:
        return
    log.warning("Refused a text of %.60r: %s holds %s (%s)", who, field, *found)
    raise NotPlainError(field, found)


def require_all_plain(texts: Mapping[str, str], *, who: str) -> None:
    """`require_plain` for several fields, the first of which that is none raises."""
    for field, text in texts.items():
        require_plain(text, field=field, who=who)


def found_in(text: str) -> Found | None:
    """What the text holds that no honest writer needs; None for plain words.

    Browsers drop tabs and line ends inside an address, and read &#60; as <; so does this.
    """
    for reading in dict.fromkeys((text, html.unescape(text))):
        for kind, pattern in _PATTERNS:
            match = pattern.search(_DROPPED.sub("", reading) if pattern is _ADDRESS else reading)
            if match:
                shown = " ".join(_NOT_SHOWN.sub("", " ".join(match[0].split())).split())
                return Found(kind, shown[:LONGEST_SHOWN])
    return None


_DROPPED = re.compile(r"[\x00-\x1f]")
_NOT_SHOWN = re.compile(r"[^\w <>/:=!?-]")

#: Elements that do something, or shape a page. Not those that are words of ours: label, source.
_ELEMENTS = (
    "a|applet|area|audio|b|base|basefont|bgsound|big|blink|body|br|button|canvas|center|details"
    "|dialog|div|embed|em|font|foreignobject|form|frame|frameset|h[1-6]|head|hr|html|i|iframe"
    "|image|img|input|isindex|keygen|layer|li|link|listing|marquee|math|meta|noscript|object|ol"
    "|p|param|picture|plaintext|portal|pre|s|script|select|slot|span|strike|strong|style|svg"
    "|table|tbody|td|template|textarea|th|tr|tt|u|ul|video|xml|xmp|xss"
)
#: These in any form, also left open; of the others only what is closed, or has an attribute.
_ACTIVE = (
    "applet|audio|base|embed|foreignobject|form|frame|frameset|iframe|image|img|link|marquee|math"
    "|meta|object|portal|script|style|svg|template|video|xss"
)
_TAG = re.compile(
    rf"</?(?:{_ACTIVE})(?=[\s/>]|$)"
    rf"|</?(?:{_ELEMENTS})(?=[\s/]{{0,20}}>|[\s/]{{1,20}}[\w:-]{{1,40}}\s{{0,20}}=)"
    r"|<!--|<!doctype|<!\[cdata|<\?(?:php|xml|=)",
    re.IGNORECASE,
)
_EVENTS = (
    "abort|activate|after\\w+|animation\\w+|auxclick|before\\w+|begin|blur|cancel|canplay|change"
    "|click|close|contextmenu|copy|cut|dblclick|drag\\w*|drop|end|error|finish|focus\\w*"
    "|formdata|hashchange|input|invalid|key(?:down|press|up)|load\\w*|message|mouse\\w+|page\\w+"
    "|paste|play|pointer\\w+|popstate|progress|readystatechange|repeat|reset|resize|scroll\\w*"
    "|search|select\\w*|show|start|submit|toggle|touch\\w+|transition\\w+|unload|wheel"
)
_HANDLER = re.compile(rf"(?<![\w-])on(?:{_EVENTS})\s*=(?=\s*\S)", re.IGNORECASE)
#: Straight after the colon, or with a call or an assignment; "JavaScript: a language" is prose.
_ADDRESS = re.compile(
    r"(?<![a-z])(?:java|vb|live)script\s*:(?=\S|\s+[\w.]+\s*[(=`])|data\s*:\s*text/html",
    re.IGNORECASE,
)

_NAME = r"[\"'`\[]?[a-z_][\w.]*[\"'`\]]?"
#: With the words that make them some, so that "drop it" is none.
_STATEMENT = (
    rf"(?:drop\s+(?:table|database|view|index|trigger|schema|column)\s+(?:if\s+exists\s+)?{_NAME}"
    rf"|delete\s+from\s+{_NAME}"
    rf"|update\s+{_NAME}\s+set\s+{_NAME}\s*="
    rf"|(?:insert\s+(?:or\s+\w+\s+)?|replace\s+)into\s+{_NAME}\s*(?:\(|values\b|select\b|default\b)"
    rf"|alter\s+table\s+{_NAME}"
    rf"|truncate\s+table\s+{_NAME}"
    rf"|create\s+(?:temp\w*\s+)?(?:table|view|index|trigger)\s+{_NAME}"
    r"|attach\s+database\b|pragma\s+\w+\s*[=(]|vacuum\s+into\b|exec(?:ute)?\s+(?:xp_|sp_)\w+)"
)
#: A statement behind what would end the one before it, or before what would hide the rest of that;
#: a condition that is always true; results of another query.
_SQL = re.compile(
    rf"['\"`)][\s)]{{0,20}};\s{{0,20}}{_STATEMENT}"
    rf"|;\s{{0,20}}{_STATEMENT}\s{{0,20}};?\s{{0,20}}$"
    rf"|(?<!\w){_STATEMENT}[^;]{{0,200}}?(?:;\s*(?:--|\#|/\*|$)|--|/\*)"
    r"|['\"][\s)]{0,20}(?:or|and)\s+(['\"]?)(\w+)\1\s*=\s*\1\2\b"
    r"|['\")]\s{0,20}union\s+(?:all\s+)?select\b",
    re.IGNORECASE,
)

_PATTERNS = (
    (Kind.MARKUP, _TAG),
    (Kind.SCRIPT, _HANDLER),
    (Kind.SCRIPT, _ADDRESS),
    (Kind.STATEMENT, _SQL),
)
