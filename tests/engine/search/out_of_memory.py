"""Run by test_memory: a search whose memory is cut off, and the same search without that.

    python -m tests.engine.search.out_of_memory MEGABYTES before|during

Prints the slots it ended with and every trial's outcome and magnitude, then the same of a search
that had that many slots from the start.
"""

from __future__ import annotations

import json
import resource
import sys

import psutil
import torch

from engine.experiment import Schedule, progression
from engine.search.run import SearchRun
from tests.engine.linear_models import CLASSES, LinearClassifier, LinearGenerator, unit_scales

SLOTS, TRIALS = 128, 150


def main(megabytes: int, when: str) -> None:
    torch.set_num_threads(1)
    # Convolutions would compile code for every new number of slots, and need memory of their own.
    generator = LinearGenerator().requires_grad_(False)
    classifier = LinearClassifier().requires_grad_(False)

    def begin(slots: int) -> SearchRun:
        return SearchRun(
            progression(0, TRIALS, CLASSES),
            generator,
            classifier,
            unit_scales(generator),
            layer_weights=[1, 1, 1],
            schedule=Schedule(0.05, 0.1, 1.1, 0.05, budget=40),
            slots=slots,
        )

    def outcomes(run: SearchRun) -> list:
        results = []
        while not run.finished:
            results += run.step()
        results.sort(key=lambda result: result.trial.index)
        return [[r.trial.index, r.outcome, r.magnitude] for r in results]

    list(outcomes(begin(1)))  # what the libraries take the first time
    unlimited = resource.getrlimit(resource.RLIMIT_AS)

    def cut() -> None:
        limit = psutil.Process().memory_info().vms + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, unlimited[1]))

    if when == "before":
        cut()
    run = begin(SLOTS)
    began_with = run.slots
    if when == "during":
        cut()
    limited = outcomes(run)
    resource.setrlimit(resource.RLIMIT_AS, unlimited)
    told = {
        "began_with": began_with,
        "slots": run.slots,
        "limited": limited,
        "free": outcomes(begin(run.slots)),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
