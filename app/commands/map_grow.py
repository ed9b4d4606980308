"""`python -m app map regions` and `srvr`: what grows on maps that are complete."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sqlite_utils import Database

from app.commands.map_named import given, named
from app.commands.terminal import print_object
from app.figures import share_in_percent
from app.runner.request import RequestError
from data.counted import counted
from data.home import Home
from data.maps import map_content

if TYPE_CHECKING:
    from engine.maps import SemanticMap


def regions(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    """Robust and adversarial regions of every classifier of a map."""
    from app.runner.map_ratios import ends, grid_of_starts
    from engine.regions import METHODS, adversarial, grow_regions

    [map_id] = given(arguments, "ID")
    found = _complete(database, map_id)
    method = arguments.method or "refined"
    if method not in METHODS:
        raise RequestError(f"There is no method {method}: {', '.join(METHODS)}.")
    lower, upper = ends(found)
    starts = arguments.start or grid_of_starts(found, arguments.starts or 1)
    for number, network in enumerate(found.description.classifiers):
        score = found.score(number)
        for kind, grown_on in (("robust", score), ("adversarial", adversarial(score))):
            try:
                grown = grow_regions(
                    grown_on,
                    starts,
                    lower=lower,
                    upper=upper,
                    method=method,
                    steps=arguments.steps,
                )
            except ValueError as error:
                raise RequestError(str(error)) from error
            for region in grown:
                told = {
                    "map": map_id,
                    "classifier": network.name,
                    "kind": kind,
                    "method": region.method,
                    "steps": region.steps,
                    "start": region.start.tolist(),
                    "lower": region.lower.tolist(),
                    "upper": region.upper.tolist(),
                    "volume_share": region.volume_share,
                    "mean": region.mean,
                    "mean_error": region.mean_error,
                    "variance": region.variance,
                    "variance_error": region.variance_error,
                    "feasible": region.feasible,
                    "evaluations": region.evaluations,
                }
                if arguments.json:
                    print_object(told)
                else:
                    box = ", ".join(
                        f"{low:.4g} to {high:.4g}"
                        for low, high in zip(region.lower, region.upper, strict=True)
                    )
                    print(
                        f"{network.name}, {kind}: {box}; {share_in_percent(region.volume_share)} of"
                        f" the space, mean {region.mean:.3f} ± {region.mean_error:.3f}, variance"
                        f" {region.variance:.4f} ± {region.variance_error:.4f},"
                        f" {'feasible' if region.feasible else 'not feasible'};"
                        f" {region.method}, T {region.steps}, {region.evaluations} scores asked"
                    )


def srvr(arguments: argparse.Namespace, place: Home, database: Database) -> None:
    """The semantic robustness volume ratio of every classifier of some maps."""
    from app.runner.map_ratios import (
        AVERAGE,
        RATIO_METHODS,
        beside,
        grid_of_starts,
        ratios,
        usual_starts,
    )
    from app.runner.models import Models

    if not arguments.what:
        raise RequestError("Write: python -m app map srvr ID …")
    maps = {map_id: _complete(database, map_id) for map_id in arguments.what}
    method = arguments.method or AVERAGE
    if method not in RATIO_METHODS:
        raise RequestError(f"There is no method {method}: {', '.join(RATIO_METHODS)}.")
    starts = {
        map_id: arguments.start
        or (grid_of_starts(one, arguments.starts) if arguments.starts else usual_starts(one))
        for map_id, one in maps.items()
    }
    try:
        found = ratios(maps, method, arguments.steps, starts)
    except ValueError as error:
        raise RequestError(str(error)) from error
    known_here = Models(place, lenient=True).catalogue.classifiers
    accuracies = {name: entry.provenance.accuracy for name, entry in known_here.items()}
    for network, of_network in found.items():
        known = beside(network, accuracies)
        papers = ""
        if known.papers_srvr is not None:
            papers = f", the paper's SRVR: {share_in_percent(known.papers_srvr)}"
        for one in of_network:
            told = {
                "classifier": network,
                "label": one.class_name,
                "srvr": one.ratio,
                "low": one.low,
                "high": one.high,
                "method": method,
                "steps": one.steps,
                "feasible": one.feasible,
                "regions": one.regions,
                "maps": one.objects,
                "papers_srvr": known.papers_srvr,
                "accuracy": known.accuracy,
            }
            if arguments.json:
                print_object(told)
            else:
                print(
                    f"{network}, {one.class_name or 'all labels'}: {share_in_percent(one.ratio)}"
                    f" [{share_in_percent(one.low)}, {share_in_percent(one.high)}] by {method},"
                    f" T {one.steps}, {share_in_percent(one.feasible)} feasible;"
                    f" {counted(one.regions, 'region')}, {counted(one.objects, 'map')};"
                    f" accuracy: {known.accuracy or 'not stated'}{papers}"
                )


def _complete(database: Database, map_id: str) -> SemanticMap:
    from engine.maps import from_bytes

    one = named(database, map_id)
    content = map_content(database, one.id)
    if content is None or not one.complete:
        raise RequestError(f"Map {one.id} is not complete: python -m app map resume {one.id}")
    return from_bytes(content)
