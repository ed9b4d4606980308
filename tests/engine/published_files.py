"""Training checkpoints with the structure of the published ones, around any network."""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import nn

from engine.classifiers.imagenet import MEAN, STD


class AttackerModel(nn.Module):
    """The robustness library's wrapper, by its attributes: the network is registered twice."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.normalizer = self._normaliser()
        self.model = network
        self.attacker = nn.Module()
        self.attacker.normalize = self._normaliser()
        self.attacker.model = network

    @staticmethod
    def _normaliser() -> nn.Module:
        module = nn.Module()
        module.register_buffer("new_mean", torch.tensor(MEAN)[:, None, None])
        module.register_buffer("new_std", torch.tensor(STD)[:, None, None])
        return module


def robustness_checkpoint(network: nn.Module) -> dict[str, object]:
    """What robustness.train saves: weights, momentum, schedule, and settings with functions."""
    wrapped = nn.DataParallel(AttackerModel(network))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    factor = 0.1
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: factor**epoch)
    return {
        "model": wrapped.state_dict(),
        "optimizer": optimiser.state_dict(),
        "schedule": schedule.state_dict(),
        "epoch": 105,
        "amp": "N/A",
        "args": argparse.Namespace(eps=3.0, attack=lambda epoch: epoch * factor, kind=type(None)),
        "prec1": np.float64(57.9),
    }


def fast_checkpoint(network: nn.Module) -> dict[str, object]:
    """What fast_adversarial saves: DataParallel's weights beside the optimiser's state."""
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    return {
        "epoch": 15,
        "arch": "resnet50",
        "state_dict": nn.DataParallel(network).state_dict(),
        "best_prec1": torch.tensor(55.45),
        "optimizer": optimiser.state_dict(),
    }
