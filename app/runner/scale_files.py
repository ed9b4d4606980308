"""Where the σ of a home's generators are kept, and the course that measures them.

The full σ takes minutes for a large generator: its sums are saved now and then, so that whoever
comes next goes on from there. A preview from 256 samples serves Explore until it is there.
"""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from app.runner.course import Course
from data.home import Home
from engine.catalogue import LoadedGenerator
from engine.scales import FULL, PREVIEW, Measurement, save_scales

#: A generator whose points have no more scalars than this is measured in full at once.
SMALL = 100_000
#: Sums are saved so often, and at the end of the course.
SAVE_SECONDS = 60.0


def scales_file(home: Home, checksum: str, truncation: float = 1.0, samples: int = FULL) -> Path:
    """The file with the σ of a generator, known by its weights, at one truncation."""
    of = "" if samples == FULL else f"-{samples}"
    return home.caches / f"scales-{checksum}-{truncation:g}{of}.safetensors"


def measured_samples(home: Home, checksum: str, truncation: float = 1.0) -> int | None:
    """How many samples the best σ there is was measured over; None where there is none."""
    for samples in (FULL, PREVIEW):
        if scales_file(home, checksum, truncation, samples).is_file():
            return samples
    return None


def wanted_samples(loaded: LoadedGenerator, *, full: bool) -> int:
    """How many samples to measure over: all, unless a preview of a large generator will do."""
    scalars = sum(point.size for point in loaded.module.points)
    return FULL if full or scalars <= SMALL else PREVIEW


def measuring(home: Home, loaded: LoadedGenerator, samples: int, device: str) -> Course:
    """Measure σ over so many samples, unless it is there; `scales_file` then has it.

    Whatever ends the course, it goes on from where it was.
    """
    truncation = loaded.module.truncation
    file = scales_file(home, loaded.checksum, truncation, samples)
    if file.is_file():
        return
    measurement = Measurement(loaded.module, samples, device=device)
    sums = file.with_suffix(".sums")
    measurement.resume(sums)
    saved = monotonic()
    try:
        while not measurement.finished:
            measurement.step()
            if monotonic() - saved > SAVE_SECONDS:
                measurement.save(sums)
                saved = monotonic()
            yield {
                "phase": "measuring",
                "preparing": f"Measuring σ of {loaded.entry.name}: {measurement.done:,} of"
                f" {samples:,} samples",
            }
    finally:
        if not measurement.finished and samples == FULL:
            measurement.save(sums)
    save_scales(measurement.scales(), file, samples)
    sums.unlink(missing_ok=True)
