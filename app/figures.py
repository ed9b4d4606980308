"""Numbers as people read them, the same on pages and in the terminal."""

from __future__ import annotations


def figures(number: float | None) -> str:
    """Three significant digits: "0.930", "12.3", "1230"; an en dash for none."""
    if number is None:
        return "–"
    text = f"{number:.0f}" if abs(number) >= 999.5 else f"{number:#.3g}".rstrip(".")
    return text.replace("-", "−")


def share_in_percent(share: float) -> str:
    """ "12.3 %"; what would need a power of ten is as good as nothing: "0.00 %"."""
    return f"{figures(100 * share if share >= 1e-5 else 0.0)} %"


def duration(seconds: float) -> str:
    """ "42 s", "3 min 05 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def bytes_in_words(count: float) -> str:
    """ "812 kB", "1.23 GB": three significant digits, powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" else f"{figures(count)} {unit}"
        count /= 1000
    return f"{figures(count)} TB"
