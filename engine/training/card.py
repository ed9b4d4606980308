"""Model cards: one record a model, as JSON for the program and as Markdown for people."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

LICENCE = "MIT, as the rest of Plainview"
DATA = "MNIST (Y. LeCun, C. Cortes, C. J. C. Burges), the original 60 000 training digits"
DATA_LICENCE = "CC BY-SA 3.0"


@dataclass(frozen=True)
class Figure:
    """Something measured: `value` over `count` cases; `percent` says how to print it."""

    meaning: str
    value: float
    count: int
    percent: bool = True


@dataclass(frozen=True)
class Training:
    """How the weights came to be. `command` repeats it; `seconds` is wall time on `machine`."""

    command: str
    seed: int
    recipe: dict[str, Any]
    seconds: float
    threads: int
    machine: str
    torch: str
    finished: str


@dataclass(frozen=True)
class Card:
    """A model's card. `sha256` is that of `<name>.safetensors` beside it."""

    name: str
    title: str
    description: str
    sha256: str
    weights: int
    training: Training
    data: str = DATA
    data_licence: str = DATA_LICENCE
    licence: str = LICENCE
    figures: dict[str, Figure] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    files: dict[str, dict[str, Any]] = field(default_factory=dict)  # what else was made from it

    def with_figures(self, figures: dict[str, Figure]) -> Card:
        """The same card with these figures added or replaced."""
        return replace(self, figures=self.figures | figures)


def training_facts(command: str, seed: int, recipe: Any, seconds: float) -> Training:
    """What is known at the end of a training on this machine."""
    return Training(
        command=command,
        seed=seed,
        recipe=asdict(recipe),
        seconds=round(seconds),
        threads=torch.get_num_threads(),
        machine=f"{_processor()}, {torch.get_num_threads()} thread(s), {platform.system()}",
        torch=torch.__version__,
        finished=datetime.now(UTC).date().isoformat(),
    )


def save_model(
    module: nn.Module, name: str, title: str, description: str, training: Training, folder: Path
) -> Card:
    """Write `<name>.safetensors` complete or not at all, then a card without figures yet."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{name}.partial"
    save_file(module.state_dict(), partial)
    partial.chmod(0o644)  # safetensors makes it private to its owner
    file = folder / f"{name}.safetensors"
    partial.rename(file)
    weights = sum(parameter.numel() for parameter in module.parameters())
    card = Card(name, title, description, checksum(file), weights, training)
    write_card(card, folder)
    return card


def write_card(card: Card, folder: Path) -> None:
    """`<name>.json` and `<name>.md`."""
    record = json.dumps(asdict(card), indent=2, ensure_ascii=False)
    (folder / f"{card.name}.json").write_text(record + "\n", encoding="utf-8")
    (folder / f"{card.name}.md").write_text(render(card), encoding="utf-8")


def read_card(name: str, folder: Path) -> Card:
    """The card of a trained model. Raises FileNotFoundError where it has not been trained."""
    path = folder / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: train {name} first.")
    record = json.loads(path.read_text(encoding="utf-8"))
    return Card(
        **record
        | {
            "training": Training(**record["training"]),
            "figures": {key: Figure(**value) for key, value in record["figures"].items()},
            "remarks": tuple(record["remarks"]),
        }
    )


def checksum(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def render(card: Card) -> str:
    """The card as Markdown."""
    how = card.training
    figures = "\n".join(
        f"| {f.meaning} | {f'{f.value:.2%}' if f.percent else f'{f.value:.3f}'} | {f.count} |"
        for f in card.figures.values()
    )
    recipe = "\n".join(f"- {name}: {value}" for name, value in how.recipe.items())
    files = "".join(f"- `{name}`: {facts['what']}\n" for name, facts in card.files.items())
    remarks = "".join(f"\n{remark}\n" for remark in card.remarks)
    licences = f"Licence of the weights: {card.licence}. Licence of the data: {card.data_licence}"
    return f"""# {card.name}: {card.title}

{card.description}

## Measured

| what | value | n |
|---|---|---|
{figures}
{remarks}
## Training

- Data: {card.data}
- Command that repeats it: `{how.command}`
- Seed: {how.seed}
- Time: {how.seconds / 60:.0f} minutes on {how.machine}
- torch {how.torch}, {how.finished}

Recipe:

{recipe}

## Files and licence

- `{card.name}.safetensors`: {card.weights} weights, SHA-256 `{card.sha256}`
{files}- {licences}; no digit of it is shipped.
"""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
