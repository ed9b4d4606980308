"""Regions on stored maps: the same as one at a time, kept, and put on the edge where need be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.runner.map_growth import Growth, grow_all
from app.runner.map_ratios import ends, grid_of_starts, ratios, usual_starts
from engine.maps import MapDescription, MappedClassifier, SemanticMap, empty_map
from engine.regions import METHODS, adversarial, grow_region
from engine.spaces.description import Axis, MeanOfMaps, PublishedViews


def hill(space: object, classifiers: int = 2) -> SemanticMap:
    """Scores that fall off from the middle, the sooner the later the classifier."""
    names = tuple(MappedClassifier(f"net {one}", "") for one in range(classifiers))
    found = empty_map(MapDescription(space, names, 0, "hill", (41, 41)))
    x, y = np.meshgrid(*(np.linspace(-1, 1, 41),) * 2, indexing="ij")
    scores = np.stack([np.exp(-(one + 1) * (x**2 + y**2)) for one in range(classifiers)])
    every = np.ones(found.measured.shape, bool)
    return replace(found, scores=scores.astype(np.float32), measured=every)


SQUARE = MeanOfMaps(("one",), (Axis("s", -1.0, 1.0), Axis("t", -1.0, 1.0)))


@pytest.mark.parametrize("method", METHODS)
def test_side_by_side_they_are_what_they_are_alone(method: str) -> None:
    found = hill(SQUARE)
    asked = [
        Growth(found, classifier, other_side, method, 60, (0.1, -0.2))
        for classifier in (0, 1)
        for other_side in (False, True)
    ]
    for one, region in zip(asked, grow_all(asked), strict=True):
        score = found.score(one.classifier)
        alone = grow_region(
            adversarial(score) if one.adversarial else score,
            (0.1, -0.2),
            lower=(-1, -1),
            upper=(1, 1),
            method=method,
            steps=60,
        )
        assert np.array_equal(region.trace, alone.trace)
    # What was grown before is not grown again.
    assert grow_all(asked)[0] is grow_all(asked)[0]


def test_a_start_beside_the_map_grows_from_its_edge() -> None:
    [region] = grow_all([Growth(hill(SQUARE), 0, False, "naive", 5, (7.0, 0.0))])
    assert region.start.tolist() == [1.0, 0.0]


def test_regions_of_a_published_map_have_the_papers_space_and_not_its_grids() -> None:
    """The grid of every 3° ends at 357° and 89°; Ω goes on to 360° and 90°."""
    found = replace(
        hill(PublishedViews("x", "0", "1")),
        coordinates=(np.linspace(0, 357, 41), np.linspace(-10, 89, 41)),
        scores=np.ones((2, 41, 41), np.float32),
    )
    assert ends(found) == ((0.0, -10.0), (360.0, 90.0))
    [region] = grow_all([Growth(found, 0, False, "refined", 800, (180.0, 40.0))])
    assert (region.lower.tolist(), region.upper.tolist()) == ([0.0, -10.0], [360.0, 90.0])
    [overall, _] = ratios({"a": found}, "refined", 800, {"a": ((180.0, 40.0),)})["net 0"]
    assert overall.ratio == region.volume_share == 1


def test_starts_are_the_papers_for_views_and_else_the_middle_or_a_grid() -> None:
    assert len(usual_starts(hill(PublishedViews("x", "0", "1")))) == 4
    assert usual_starts(hill(SQUARE)) == ((0.0, 0.0),)
    assert grid_of_starts(hill(SQUARE), 2) == ((-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5))
    assert ends(hill(SQUARE)) == ((-1.0, -1.0), (1.0, 1.0))


def test_the_ratio_is_the_mean_share_of_volume_and_maps_have_to_have_as_many_axes() -> None:
    found = hill(SQUARE, classifiers=1)
    starts = grid_of_starts(found, 2)
    [overall, of_hill] = ratios({"a": found}, "oir_b", 40, {"a": starts})["net 0"]
    grown = grow_all([Growth(found, 0, False, "oir_b", 40, start) for start in starts])
    assert overall.ratio == pytest.approx(np.mean([one.volume_share for one in grown]))
    assert (of_hill.class_name, of_hill.regions, of_hill.objects) == ("hill", 4, 1)
    profile = MeanOfMaps(("one",), (Axis("s", -1.0, 1.0),))
    line = empty_map(MapDescription(profile, (MappedClassifier("net 0", ""),), 0, "hill", (9,)))
    with pytest.raises(ValueError, match="one number of axes"):
        ratios({"a": found, "b": line}, "oir_b", 40, {"a": starts, "b": ((0.0,),)})
