"""Maps and regions: batched against the published way, one point and one corner at a time.

    python -m benchmarks.maps [--threads 4] [--measure]        (under five minutes)

A 100×100 map of `mnist-standard` over the plane of two found perturbations, whole and refined
where the score changes; and regions from 4 starts by 3 methods on that map (as the page grows
them) and on the live network; then the page itself, in a browser (`benchmarks.maps_page`). The
plain way takes turns with the engine in the same process, on a part of the points, with one thread,
which is its fastest; scores are the same but where a pixel is rounded the other way (it prints how
much that is at most).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import maps_page
from benchmarks.corner_by_corner import grow_plainly
from engine.catalogue import (
    LoadedClassifier,
    LoadedGenerator,
    catalogue,
    layer_weights,
    load_classifier,
    load_generator,
)
from engine.experiment import SCHEDULES, Trial, progression_trial
from engine.maps import MapDescription, MappedClassifier, compute_map, grid
from engine.regions import grow_regions
from engine.regions.grow import SAMPLES
from engine.regions.published import PUBLISHED
from engine.search.run import search
from engine.spaces.description import FoundDirection, GeneratedSource, PerturbationPlane
from engine.spaces.plane import plane_space
from engine.spaces.space import Space, live_score

Floats = NDArray[np.float64]

MAP, REFINED = "map, 100×100", "map, refined from every 8th point"
ON_MAP, ON_NETWORK = "regions on the map, T = 800", "regions on the network, T = 100"
#: A load below this is a quiet machine.
QUIET_LOAD = 1.5
#: The bar, how many times the plain way's speed, and the rows that it is held against.
BAR, HELD = 20, (MAP, ON_MAP)

ROOT = Path(__file__).parents[1]
BUNDLED = ROOT / "data" / "bundled"
RESULTS = ROOT / "docs" / "benchmarks" / "maps.json"
DOCUMENT = ROOT / "docs" / "maps.md"
#: What the tables stand between in the document.
BEGIN = "python -m benchmarks.maps --threads 4 --measure\n```\n\n"
END = "\n\n`mnist-standard` over a perturbation plane"
#: A tenth of the paper's: else the boxes fill this small space within a hundred updates.
LEARNING_RATE = 0.01
#: Both ways take turns, since other work may come and go meanwhile.
REPEATS = 3
STARTS = np.array([(0.0, 0.0), (0.3, 0.1), (-0.2, 0.4), (0.1, -0.3)])


@dataclass(frozen=True)
class Row:
    """Score evaluations per second of both ways, and the seconds that the batched one took."""

    what: str
    plain: float
    engine: float
    seconds: float

    @property
    def ratio(self) -> float:
        """How many times faster the engine is."""
        return self.engine / self.plain


class Plainly:
    """One picture at a time, from the latent to the score."""

    def __init__(
        self,
        generator: LoadedGenerator,
        classifier: LoadedClassifier,
        perturbations: list[dict[str, NDArray]],
        source: GeneratedSource,
    ) -> None:
        self._generator, self._classifier = generator, classifier.module
        self._p = [
            {name: torch.as_tensor(values).float() for name, values in one.items()}
            for one in perturbations
        ]
        self._source = source

    @torch.no_grad()
    def __call__(self, u: Floats) -> float:
        """The score of the source's label at u."""
        generator, scales = self._generator.module, self._generator.scales
        label = torch.tensor([self._source.label])
        activation = generator.latent(self._source.seed)[None]
        condition = generator.condition(activation, label)
        for index, point in enumerate(generator.points):
            if index:
                activation = generator.stage(index, activation, condition)
            p = sum(float(s) * one[point.name] for s, one in zip(u, self._p, strict=True))
            activation = activation + p * scales[point.name]
        image = (generator.to_image(activation).clamp(0, 1) * 255).round() / 255
        return float(torch.softmax(self._classifier(image), 1)[0, self._source.label])

    def gradient(self, u: Floats, halfstep: float = 0.01) -> Floats:
        """Central differences, as the engine takes them."""
        moves = halfstep * np.eye(len(u))
        return np.array([self(u + move) - self(u - move) for move in moves]) / (2 * halfstep)


def plane() -> tuple[Space, LoadedClassifier, Plainly, PerturbationPlane]:
    """The plane through a source along two perturbations of it, ready both ways."""
    entries = catalogue()
    generator = load_generator(entries.generator("mnist-conv"), [BUNDLED])
    classifier = load_classifier(entries.classifier("mnist-standard"), [BUNDLED])
    weights = layer_weights(generator.entry, generator.module.points, "all")
    trial = progression_trial(0, 0, 10)
    targets = [label for label in range(10) if label != trial.label][:2]
    schedule = SCHEDULES["imagenet"]
    found = [
        next(
            iter(
                search(
                    [Trial(0, trial.label, target, trial.seed)],
                    generator.module,
                    classifier.module,
                    generator.scales,
                    layer_weights=weights,
                    schedule=schedule,
                    slots=1,
                    keep_perturbations=True,
                )
            )
        )
        for target in targets
    ]
    directions = [
        FoundDirection(
            "mnist-standard",
            classifier.checksum,
            one.trial.target,
            "relaxation",
            schedule,
            tuple(weights),
            one.magnitude,
        )
        for one in found
    ]
    source = GeneratedSource("mnist-conv", generator.checksum, trial.label, trial.seed)
    described = PerturbationPlane(source, generator.scales_checksum, *directions)
    tensors = [one.perturbation for one in found]
    space = plane_space(described, generator.module, generator.scales, *tensors)
    return space, classifier, Plainly(generator, classifier, tensors, source), described


def measure_maps(points: int) -> tuple[list[Row], Callable[[Floats], Floats]]:
    """The map, whole and refined; and its interpolated score."""
    space, classifier, plainly, described = plane()
    names = (MappedClassifier("mnist-standard", classifier.checksum),)
    whole = MapDescription(described, names, described.source.label, "digit", (100, 100))
    some = np.random.default_rng(0).choice(100 * 100, points, replace=False)

    def one_at_a_time(coordinates: tuple[Floats, ...]) -> tuple[float, Floats]:
        u = np.stack(np.meshgrid(*coordinates, indexing="ij"), -1).reshape(-1, 2)[some]
        began = perf_counter()
        scores = np.array([plainly(at) for at in u])
        return points / (perf_counter() - began), scores

    compute_map(space, [classifier.module], replace(whole, resolution=(20, 20)))
    with one_thread():
        before, scores = one_at_a_time(grid(whole))
    rates, rows = [before], []
    for what, one in (
        (MAP, whole),
        (REFINED, replace(whole, tolerance=0.1)),
    ):
        seconds = 0.0
        for _ in range(REPEATS):
            began = perf_counter()
            found = compute_map(space, [classifier.module], one)
            seconds += perf_counter() - began
            with one_thread():
                rates.append(one_at_a_time(grid(whole))[0])
        rows.append((what, seconds / REPEATS))
        off = np.abs(found.scores[0].ravel()[some] - scores).max()
        print(f"{what}: {found.measured.sum()} asked, {off:.1e} from the plain scores at most")
    plain = len(rates) / sum(1 / rate for rate in rates)
    complete = compute_map(space, [classifier.module], whole)
    return [Row(what, plain, 100 * 100 / s, s) for what, s in rows], complete.score()


@contextmanager
def one_thread() -> Iterator[None]:
    """A single picture is slower with several threads, which wait for each other."""
    given = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(given)


def measure_regions(
    what: str,
    batched: Callable[[Floats], Floats],
    plain: Callable[[Floats], float],
    *,
    steps: int,
    plain_steps: int,
    repeats: int,
) -> Row:
    """4 starts × 3 methods, with central differences for OIR_W on both sides."""
    lower, upper = np.array([-0.5, -0.5]), np.array([1.5, 1.5])
    halfstep = 0.01
    asked = 0

    def counted(u: Floats) -> float:
        nonlocal asked
        asked += 1
        return plain(np.clip(u, lower, upper))

    def differences(u: Floats) -> Floats:
        moves = halfstep * np.eye(2)
        pairs = [(counted(u + move), counted(u - move)) for move in moves]
        return np.array([(ahead - behind) / (2 * halfstep) for ahead, behind in pairs])

    def one_at_a_time() -> float:
        nonlocal asked
        asked, began = 0, perf_counter()
        for start in STARTS:
            for method in PUBLISHED:
                grow_plainly(
                    counted,
                    differences,
                    start,
                    lower=lower,
                    upper=upper,
                    method=method,
                    steps=plain_steps,
                    learning_rate=LEARNING_RATE,
                )
        return asked / (perf_counter() - began)

    rates, seconds, scored = [], 0.0, 0
    for _ in range(repeats):
        with one_thread():
            rates.append(one_at_a_time())
        began = perf_counter()
        regions = grow_regions(
            batched,
            np.repeat(STARTS, len(PUBLISHED), axis=0),
            lower=lower,
            upper=upper,
            method=list(PUBLISHED) * len(STARTS),
            steps=steps,
            learning_rate=LEARNING_RATE,
            gradient_halfstep=halfstep,
        )
        seconds += perf_counter() - began
        scored += sum(region.evaluations - SAMPLES for region in regions)
    with one_thread():
        rates.append(one_at_a_time())
    plainly = len(rates) / sum(1 / rate for rate in rates)
    return Row(what, plainly, scored / seconds, seconds / repeats)


def table(rows: list[Row]) -> str:
    """Markdown."""
    lines = [
        f"| what | one at a time, scores a second | engine | ratio | bar: {BAR} | seconds |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.what} | {row.plain:,.0f} | {row.engine:,.0f} | {row.ratio:.0f} |"
        f" {said(row)} | {row.seconds:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


def said(row: Row) -> str:
    """Whether a row meets the bar, of those that are held against it."""
    if row.what not in HELD:
        return "–"
    return "met" if row.ratio >= BAR else "not met"


def quiet() -> bool:
    """Whether the machine had next to nothing else to do when it began."""
    return json.loads(RESULTS.read_text())["machine"]["load"] < QUIET_LOAD


def load_told() -> str:
    """The sentence about the machine that measured."""
    machine = json.loads(RESULTS.read_text())["machine"]
    told = (
        f"Measured with {machine['threads']} threads on {machine['cores']} cores, at a load of"
        f" {machine['load']:.1f} when it began"
    )
    return f"{told}." if quiet() else f"{told}: other work wanted the same cores, so run it again."


def recorded() -> list[Row]:
    """What was measured last."""
    return [Row(**row) for row in json.loads(RESULTS.read_text())["rows"]]


def recorded_page() -> list[maps_page.PageRow]:
    """What was measured on the page."""
    return [maps_page.PageRow(**row) for row in json.loads(RESULTS.read_text())["page"]]


def write_down() -> None:
    """Put the tables of what was measured into the document, for those that stand there."""
    text = DOCUMENT.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    told = [table(recorded()), maps_page.table(recorded_page()), load_told()]
    DOCUMENT.write_text(text[:begin] + "\n\n".join(told) + text[end:], encoding="utf-8")


def main() -> None:
    """Measure, or print the table of what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--points", type=int, default=200, help="asked one at a time, in each turn")
    parser.add_argument(
        "--measure", action="store_true", help=f"and write {RESULTS.name} and {DOCUMENT.name}"
    )
    arguments = parser.parse_args()
    if arguments.measure:
        torch.set_num_threads(arguments.threads)
        load = os.getloadavg()[0]
        rows, score = measure_maps(arguments.points)
        rows.append(
            measure_regions(
                ON_MAP,
                score,
                lambda u: score(u[None])[0],
                steps=800,
                plain_steps=40,
                repeats=10,
            )
        )
        space, classifier, plainly, described = plane()
        live = live_score(space, classifier.module, described.source.label)
        rows.append(
            measure_regions(
                ON_NETWORK,
                live,
                plainly,
                steps=100,
                plain_steps=3,
                repeats=2,
            )
        )
        machine = {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "threads": arguments.threads,
            "torch": torch.__version__,
            "load": load,
        }
        page = maps_page.measure()
        record = {
            "machine": machine,
            "rows": [asdict(row) for row in rows],
            "page": [asdict(row) for row in page],
        }
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
        write_down()
    print(table(recorded()), maps_page.table(recorded_page()), load_told(), sep="\n\n")


if __name__ == "__main__":
    main()
