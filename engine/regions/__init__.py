"""Robust regions of a semantic space (Hamdi & Ghanem 2020)."""

from engine.regions.grow import METHODS, grow_region, grow_regions
from engine.regions.region import Region
from engine.regions.scores import adversarial, adversarial_gradient, grid_score
from engine.regions.volume import VolumeRatio, volume_ratios

__all__ = [
    "METHODS",
    "Region",
    "VolumeRatio",
    "adversarial",
    "adversarial_gradient",
    "grid_score",
    "grow_region",
    "grow_regions",
    "volume_ratios",
]
