"""What is said of a single trial, wherever its picture is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from app.figures import figures
from labelling.distances import DISTANCES


def distances_in_words(trial: Mapping[str, Any]) -> str:
    """ " · pixel ℓ2 1.93, ℓ∞ 0.502 · SSIM 0.871"; nothing where they are not stored."""
    if pd.isna(trial["pixel_l2"]):
        return ""
    l2, linf, ssim = (figures(trial[name]) for name in DISTANCES)
    return f" · pixel ℓ2 {l2}, ℓ∞ {linf} · SSIM {ssim}"


def label_name(label: int, names: Sequence[str]) -> str:
    """A label's name, or its number where nobody has said the names."""
    return names[label] if label < len(names) else f"label {label}"
