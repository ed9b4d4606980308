"""Which of the made meshes a real ImageNet classifier names, over views from all around.

    python -m benchmarks.meshes [--measure] [--candidates FOLDER] [--weights FILE]

Every mesh is drawn from azimuths every 15° and elevations −10 … 80 every 15°, 168 views, and
SqueezeNet 1.1 asked what it shows. `--candidates` also measures those that do not ship, made anew
in FOLDER.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torchvision.models import squeezenet1_1

from benchmarks.mesh_candidates import CANDIDATES
from engine.classifiers.imagenet import MEAN, STD
from engine.classifiers.interface import Classifier
from engine.imagenet_labels import imagenet_labels
from engine.spaces.made_meshes import FOLDER, MADE, MadeMesh
from engine.spaces.mesh_geometry import write_ply
from engine.spaces.viewpoint import viewpoint_description, viewpoint_space

ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT.parent / "shared" / "data" / "models" / "squeezenet1_1_imagenet_fp16.safetensors"
RESULTS = ROOT / "docs" / "benchmarks" / "meshes.json"
VIEWS = np.array([(a, e) for a in range(0, 360, 15) for e in range(-10, 81, 15)], dtype=float)


@dataclass(frozen=True)
class Row:
    """One mesh: the highest score of its class, where, and in which share of the views it is named
    first and among the first five; and what is said most often.
    """

    mesh: str
    class_name: str
    best: float
    azimuth: float
    elevation: float
    first: float
    first_five: float
    mean: float
    commonest: str
    ships: bool
    kib: int


def squeezenet(weights: Path) -> Classifier:
    """SqueezeNet 1.1 with torchvision's normalisation."""
    network = squeezenet1_1(weights=None)
    network.load_state_dict({name: one.float() for name, one in load_file(weights).items()})
    return Classifier(network, mean=MEAN, std=STD, size=224).eval().requires_grad_(False)


def measure(mesh: MadeMesh, file: Path, classifier: Classifier) -> Row:
    """All views of one mesh."""
    names = [label.name for label in imagenet_labels()]
    label = names.index(mesh.class_name)
    space = viewpoint_space(viewpoint_description(file), file)
    logits = torch.from_numpy(space.logits(VIEWS, classifier))
    scores = logits.softmax(1)[:, label]
    top = logits.topk(5).indices
    best = int(scores.argmax())
    commonest = np.bincount(top[:, 0]).argmax()
    return Row(
        mesh=mesh.name,
        class_name=mesh.class_name,
        best=float(scores[best]),
        azimuth=float(VIEWS[best, 0]),
        elevation=float(VIEWS[best, 1]),
        first=float((top[:, 0] == label).float().mean()),
        first_five=float((top == label).any(1).float().mean()),
        mean=float(scores.mean()),
        commonest=names[commonest],
        ships=(FOLDER / file.name).is_file(),
        kib=round(file.stat().st_size / 1024),
    )


def table(rows: list[Row]) -> str:
    """Markdown, the best recognised first."""
    lines = [
        "| mesh | class | named first, of all views | in the first five | mean score |"
        " highest | at azimuth, elevation | said most often | ships |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: (-row.first, -row.mean)):
        lines.append(
            f"| {row.mesh} | {row.class_name} | {row.first:.0%} | {row.first_five:.0%} |"
            f" {row.mean:.2f} | {row.best:.2f} | {row.azimuth:.0f}°, {row.elevation:.0f}° |"
            f" {row.commonest} | {'yes' if row.ships else 'no'} |"
        )
    return "\n".join(lines)


def recorded() -> list[Row]:
    """What was measured last."""
    return [Row(**row) for row in json.loads(RESULTS.read_text())]


def main() -> None:
    """Measure, or print the table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", action="store_true", help=f"and write {RESULTS.name}")
    parser.add_argument("--candidates", type=Path, help="a folder for the meshes that do not ship")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    if arguments.measure:
        classifier = squeezenet(arguments.weights)
        rows = []
        for mesh in (*MADE, *CANDIDATES):
            file = FOLDER / f"{mesh.name}.ply"
            if not file.is_file():
                if arguments.candidates is None:
                    continue
                arguments.candidates.mkdir(parents=True, exist_ok=True)
                file = arguments.candidates / file.name
                write_ply(mesh.build(), file)
            rows.append(measure(mesh, file, classifier))
            print(rows[-1], flush=True)
        RESULTS.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    print(table(recorded()))


if __name__ == "__main__":
    main()
