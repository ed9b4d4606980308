"""Everything that is known about one model, for people to read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.runner.models import Models
from app.runner.offer import availability, generator_choice
from data.home import Home
from engine.entries import Entry, GeneratorEntry


def model_facts(models: Models, home: Home, entry: Entry) -> dict[str, Any]:
    """What is known about a model; the keys are for people."""
    found = availability(entry, home)
    file = next(
        (one for folder in models.folders if (one := folder / entry.weights.filename).is_file()),
        None,
    )
    facts: dict[str, Any] = {"name": entry.name, "title": entry.title}
    facts["kind"] = "generator" if isinstance(entry, GeneratorEntry) else "classifier"
    facts |= {key.replace("_", " "): value for key, value in asdict(entry.provenance).items()}
    labels = entry.labels.names
    facts["labels"] = f"{len(labels)}: {', '.join(labels[:3])}, … {labels[-1]}"
    facts["weights"] = (
        str(file) if file is not None else found["problem"] or found["remark"] or "missing"
    )
    facts["sha256"] = found["checksum"]
    if entry.origin is not None:
        facts["address"] = ", ".join(entry.origin.urls) or str(entry.origin.file)
        facts["published sha256"] = entry.origin.sha256 or "not published: that of the first file"
    if isinstance(entry, GeneratorEntry):
        choice = generator_choice(models.catalogue, entry, home)
        samples = choice.scales_samples
        facts |= {
            "image": " × ".join(map(str, choice.image_shape)),
            "schedule": entry.schedule,
            "options": ", ".join(choice.options),
            "σ": f"measured over {samples:,} samples" if samples else "not measured yet",
            "presets": {name: f"{len(subset)} points" for name, subset in choice.presets.items()},
            "points": {point.name: " × ".join(map(str, point.shape)) for point in choice.points},
            "classifiers": list(choice.classifiers),
        }
    else:
        facts |= {
            "image": " × ".join(map(str, entry.image_shape)),
            "resized to": entry.size and f"{entry.size} × {entry.size}, {entry.interpolation}",
            "mean": entry.mean,
            "standard deviation": entry.std,
        }
    return facts
