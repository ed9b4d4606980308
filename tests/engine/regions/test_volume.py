"""SRVR: the mean region volume over the space's, and how sure it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.regions import grid_score, grow_regions, volume_ratios
from engine.regions.region import Region

SHARED = Path(__file__).parents[4] / "shared" / "data"


def region(share, *, start=0.0, method="naive", steps=800, feasible=True):
    return Region(
        method=method,
        start=np.array([start]),
        lower=np.array([0.0]),
        upper=np.array([share]),
        trace=np.zeros((2, 2, 1)),
        mean=1.0,
        mean_error=0.0,
        variance=0.0,
        variance_error=0.0,
        volume_share=share,
        feasible=feasible,
        evaluations=1,
        steps=steps,
    )


def test_it_is_the_mean_share_overall_and_of_each_class():
    regions = [region(s, start=i, feasible=s > 0.1) for i, s in enumerate([0.1, 0.3, 0.4, 0.8])]
    classes, objects = ["mug", "mug", "car", "car"], ["m1", "m2", "c1", "c1"]
    overall, car, mug = volume_ratios(regions, classes, objects, methods=["naive"])
    assert (overall.class_name, car.class_name, mug.class_name) == (None, "car", "mug")
    assert (overall.ratio, car.ratio, mug.ratio) == pytest.approx((0.4, 0.6, 0.2))
    assert (overall.feasible, car.feasible, mug.feasible) == (0.75, 1.0, 0.5)
    assert (overall.objects, car.objects, mug.objects) == (3, 1, 2)
    assert overall.steps == 800 and overall.methods == ("naive",)
    for found in (overall, car, mug):
        assert found.low <= found.ratio <= found.high


def test_the_papers_is_the_average_of_its_three_methods():
    shares = {"naive": 0.1, "oir_b": 0.2, "oir_w": 0.6, "refined": 1.0}
    regions = [region(share, method=method) for method, share in shares.items()]
    overall = volume_ratios(regions, ["mug"] * 4, ["m"] * 4)[0]
    assert overall.ratio == pytest.approx(0.3)
    assert overall.methods == ("naive", "oir_b", "oir_w")
    assert volume_ratios(regions, ["mug"] * 4, ["m"] * 4, methods=["refined"])[0].ratio == 1


def test_the_interval_is_that_of_a_mean_over_objects():
    """40 objects, equal starts within each: the bootstrap's spread is the standard error's."""
    rng = np.random.default_rng(0)
    shares = rng.uniform(0, 1, 40)
    regions = [region(share, start=start) for share in shares for start in (0.0, 1.0)]
    objects = [str(number) for number in range(40) for _ in (0, 1)]
    overall = volume_ratios(regions, ["mug"] * 80, objects, methods=["naive"])[0]
    half = 1.96 * shares.std() / np.sqrt(40)
    assert overall.high - overall.low == pytest.approx(2 * half, rel=0.1)
    assert overall == volume_ratios(regions, ["mug"] * 80, objects, methods=["naive"])[0]


@pytest.mark.parametrize(
    ("regions", "methods", "message"),
    [
        ([region(0.1), region(0.1, start=1, steps=199)], ["naive"], "different T"),
        ([region(0.1)], ["naive", "oir_b"], "no regions by oir_b"),
        (
            [region(0.1), region(0.1, method="oir_b"), region(0.1, start=1)],
            ["naive", "oir_b"],
            "no region by oir_b from",
        ),
    ],
)
def test_what_cannot_be_averaged_is_refused(regions, methods, message):
    names = ["mug"] * len(regions)
    with pytest.raises(ValueError, match=message):
        volume_ratios(regions, names, names, methods=methods)


@pytest.mark.skipif(
    not (SHARED / "semantic_maps.npz").is_file(), reason=f"no published maps in {SHARED}"
)
def test_on_the_published_maps_it_grows_with_the_updates_as_published():
    """4.3 % after 199 updates of OIR_B and 14.7 % after 799, on 40 maps."""
    starts = json.loads((SHARED / "semantic_map_regions.json").read_text())["runs"]
    starts = sorted({tuple(run["start"]) for run in starts})
    maps = np.load(SHARED / "semantic_maps.npz")
    found = {}
    for steps in (199, 799):
        regions, objects = [], []
        for name in maps.files:
            score = grid_score(maps[name].T, [np.arange(0, 358, 3), np.arange(-10, 90, 3)])
            settings = {"lower": [0, -10], "upper": [360, 90], "method": "oir_b", "steps": steps}
            regions += grow_regions(score, starts, **settings)
            objects += [name] * len(starts)
        found[steps] = volume_ratios(regions, objects, objects, methods=["oir_b"], draws=100)[0]
    assert found[199].ratio == pytest.approx(0.043, abs=0.001)
    assert found[799].ratio == pytest.approx(0.147, abs=0.002)
    assert found[199].low < 0.043 < found[199].high
