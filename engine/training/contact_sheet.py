"""A hundred generated digits on one page, a row for each label."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from engine.generators.interface import Generator

ZOOM = 2  # screen pixels a pixel


@torch.no_grad()
def write_contact_sheet(generator: Generator, path: Path, seed: int, columns: int = 10) -> None:
    """A PNG of `columns` unchosen digits of every label, top to bottom from label 0."""
    draws = torch.Generator().manual_seed(seed)
    rows = generator.label_count
    z = torch.randn((rows * columns, *generator.points[0].shape), generator=draws)
    labels = torch.arange(rows).repeat_interleave(columns)
    pictures = (generator(z, labels).clamp(0, 1) * 255).round().to(torch.uint8)
    height, width = generator.image_shape[1:]
    grid = pictures.view(rows, columns, height, width).transpose(1, 2)
    sheet = Image.fromarray(grid.reshape(rows * height, columns * width).numpy())
    sheet = sheet.resize((sheet.width * ZOOM, sheet.height * ZOOM), Image.Resampling.NEAREST)
    partial = path.with_suffix(".partial")
    sheet.save(partial, format="PNG", optimize=True)
    partial.rename(path)
