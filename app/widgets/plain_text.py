"""What people typed, for places that read Markdown: shown as it was typed, and nothing more.

Streamlit keeps HTML out of Markdown by itself, but not pictures: a name such as
"![](https://elsewhere.example/x.png)" would have every reader's browser call there.
"""

from __future__ import annotations

import re

#: What means something in Markdown, or to Streamlit in it: maths, colours, icons, HTML entities.
SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=\"'/@])")


def plain(text: str) -> str:
    """The text with every character that Markdown could take for its own marked as text."""
    return SPECIAL.sub(r"\\\1", text.replace("\n", " "))
