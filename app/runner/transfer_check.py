"""Check what other classifiers were said to answer against what they answer now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
import torch
from sqlite_utils import Database

from app.runner.models import Models
from app.runner.verification import BATCH, NOISE, Case, Difference
from data.home import Home
from data.images import ImageError, read_image
from data.results import source
from data.transfers import TransferRow, transfers_of
from engine.catalogue import ModelError


def check_transfers(
    database: Database,
    home: Home,
    models: Models,
    chosen: Iterable[Case],
    *,
    noise: float = NOISE,
) -> Iterator[Difference]:
    """Every answer about the cases' pictures that is another one now.

    Another answer counts where its logit is above that of the stored one by more than `noise`.
    Pictures that cannot be read are left to `verification.verify`.
    """
    cases = {case.result.id: case for case in chosen}
    rows = transfers_of(database, list(cases))
    for name, group in groupby(rows, key=lambda row: row.classifier):
        answers = list(group)
        first = cases[answers[0].result_id]
        try:
            classifier = models.classifier(name)
        except ModelError as error:
            yield _difference(first, str(error))
            continue
        same = [row for row in answers if row.classifier_checksum == classifier.checksum]
        if len(same) < len(answers):
            yield _difference(
                first,
                f"The weights of {name} are not those that were asked about the pictures that fool"
                " another classifier, so its answers cannot be checked.",
            )
        for start in range(0, len(same), BATCH):
            yield from _changed(
                database,
                home,
                classifier.module,
                models.device,
                cases,
                same[start : start + BATCH],
                noise,
            )


def _changed(
    database: Database,
    home: Home,
    module: torch.nn.Module,
    device: str,
    cases: dict[int, Case],
    rows: Sequence[TransferRow],
    noise: float,
) -> Iterator[Difference]:
    asked: list[tuple[TransferRow, str, int, np.ndarray]] = []
    for row in rows:
        result = cases[row.result_id].result
        origin = source(database, result.source_id or "")
        pictures = (
            ("the source", origin and origin.stimulus, row.source_answer),
            ("the picture", result.stimulus, row.answer),
        )
        for which, stimulus, answer in pictures:
            try:
                asked.append((row, which, answer, read_image(home, stimulus or "")))
            except ImageError:
                continue
    if not asked:
        return
    pixels = torch.from_numpy(np.stack([one for *_, one in asked])).to(device)
    with torch.no_grad():
        logits = module(pixels.movedim(-1, 1).float() / 255)
    now = logits.argmax(1)
    for place, (row, which, answer, _) in enumerate(asked):
        above = float(logits[place, now[place]] - logits[place, answer])
        if above > noise:
            yield _difference(
                cases[row.result_id],
                f"{row.classifier} now answers {int(now[place])} to {which}, and answered {answer}"
                " when it was asked.",
            )


def _difference(case: Case, sentence: str) -> Difference:
    return Difference("transfer", case.condition.experiment_id, case.result.trial_index, sentence)
