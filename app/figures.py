"""Numbers as people read them, the same on pages and in the terminal."""

from __future__ import annotations


def figures(number: float | None) -> str:
    """Three significant digits: "0.930", "12.3", "1230"; an en dash for none."""
    if number is None:
        return "–"
    text = f"{number:.0f}" if abs(number) >= 999.5 else f"{number:#.3g}".rstrip(".")
    return text.replace("-", "−")


def duration(seconds: float) -> str:
    """ "42 s", "3 min 05 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
