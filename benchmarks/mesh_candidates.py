"""Meshes that were made to be tried, and do not ship: benchmarks/meshes.py measures them too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.spaces.made_meshes import MadeMesh
from engine.spaces.mesh_geometry import (
    BLACK,
    BROWN,
    GREY,
    RED,
    WHITE,
    WOOD,
    Floats,
    Shape,
    ball,
    banded,
    box,
    mottled,
    moved,
    pits,
    revolved,
    ring,
    rod,
    striped,
    surface,
    together,
)


def _orange() -> Shape:
    return together(
        ball(mottled((245, 140, 20), 0.15, 1), bumps=pits(600, 0.02, 0.04)),
        moved(ball((90, 110, 40), 16, 12), (0, 0, 0.98), (0.08, 0.08, 0.05)),
    )


def _lemon() -> Shape:
    profile = [(0, -1.35), (0.12, -1.3), (0.2, -1.15), (0.6, -0.85), (0.85, -0.4), (0.9, 0)]
    profile += [(0.85, 0.4), (0.6, 0.85), (0.25, 1.15), (0.15, 1.3), (0, 1.38)]
    vertices, faces, colours = revolved(profile, (245, 220, 60), 64, 80)
    return vertices[:, [2, 0, 1]], faces, colours


def _apple() -> Shape:
    profile = [(0, -0.8), (0.15, -0.9), (0.45, -0.92), (0.75, -0.65), (0.95, -0.1), (1, 0.3)]
    profile += [(0.9, 0.65), (0.6, 0.85), (0.3, 0.82), (0.1, 0.65), (0, 0.55)]
    return together(
        revolved(profile, (150, 200, 50), 64, 80), rod((0, 0, 0.5), (0.1, 0, 1.1), 0.05, BROWN)
    )


def _tennis() -> Shape:
    def painted(direction: Floats) -> Floats:
        x, y, z = np.moveaxis(direction, -1, 0)
        seam = np.abs(z * 1.1 - 0.9 * (x * x - y * y)) < 0.09
        return np.where(seam[..., None], np.array(WHITE, float), np.array((200, 225, 50), float))

    return ball(painted, 128, 96)


def _basketball() -> Shape:
    def painted(direction: Floats) -> Floats:
        x, y, z = np.moveaxis(direction, -1, 0)
        arcs = np.minimum(np.abs(np.abs(x) - 0.55 - 0.25 * z * z), np.minimum(np.abs(y), np.abs(z)))
        return np.where((arcs < 0.03)[..., None], np.array(BLACK, float), (215.0, 105.0, 40.0))

    return ball(painted, 144, 100)


def _football() -> Shape:
    golden = (1 + 5**0.5) / 2
    corners = [(0, s, t * golden) for s in (-1, 1) for t in (-1, 1)]
    corners = [np.roll(corner, n) for corner in corners for n in range(3)]
    pentagons = np.array(corners) / np.sqrt(1 + golden**2)
    near = np.array([[p + q + r for r in pentagons] for p in pentagons for q in pentagons])
    near = near.reshape(-1, 3)
    lengths = np.linalg.norm(near, axis=1)
    near = near[np.isclose(lengths, lengths[lengths < 2.9].max(), atol=0.05)]

    def painted(direction: Floats) -> Floats:
        nearest = np.max(direction @ pentagons.T, axis=-1)
        black = nearest > np.cos(0.36)
        return np.where(black[..., None], np.array(BLACK, float), np.array(WHITE, float))

    return ball(painted, 144, 100)


def _golf() -> Shape:
    return ball(WHITE, 144, 100, bumps=pits(260, 0.04, 0.075))


def _baseball() -> Shape:
    def painted(direction: Floats) -> Floats:
        x, y, z = np.moveaxis(direction, -1, 0)
        offset = z * 1.1 - 0.9 * (x * x - y * y)
        stitch = (np.abs(offset) < 0.12) & (np.sin(40 * np.arctan2(y, x)) > 0)
        return np.where(stitch[..., None], np.array(RED, float), np.array(WHITE, float))

    return ball(painted, 160, 110)


def _vase() -> Shape:
    profile = [(0, 0), (0.4, 0), (0.45, 0.1), (0.7, 0.6), (0.8, 1.0), (0.7, 1.4), (0.4, 1.8)]
    profile += [(0.3, 2.0), (0.32, 2.2), (0.45, 2.35), (0.4, 2.35), (0.26, 2.15), (0.0, 1.6)]
    bands = banded((0.3, (40, 70, 150)), (0.36, WHITE), (0.5, (40, 70, 150)), (0.54, WHITE))
    return revolved(profile, bands, 64, 90)


def _goblet() -> Shape:
    profile = [(0, 0), (0.6, 0), (0.6, 0.05), (0.12, 0.15), (0.08, 0.9), (0.3, 1.05), (0.6, 1.4)]
    profile += [(0.65, 1.9), (0.6, 2.3), (0.56, 2.3), (0.6, 1.85), (0.5, 1.4), (0, 1.15)]
    return revolved(profile, (200, 160, 60), 64, 90)


def _bottle() -> Shape:
    profile = [(0, 0), (0.45, 0), (0.48, 0.1), (0.48, 1.7), (0.4, 1.95), (0.17, 2.2), (0.15, 2.9)]
    profile += [(0.19, 2.9), (0.19, 3.0), (0.0, 3.0)]
    bands = banded((0.2, (30, 60, 30)), (0.42, (235, 225, 195)), (0.8, (30, 60, 30)), (1, RED))
    return revolved(profile, bands, 48, 90)


def _barrel() -> Shape:
    profile = [(0, 0), (0.7, 0), (0.85, 0.5), (0.9, 1), (0.85, 1.5), (0.7, 2), (0, 1.97)]
    planks = striped((140, 90, 45), (125, 78, 38), (150, 98, 52), turns=8)
    hoops = [ring((0, 0, z), r, 0.05, (60, 60, 62), "z") for z, r in ((0.15, 0.75), (0.6, 0.87))]
    hoops += [ring((0, 0, z), r, 0.05, (60, 60, 62), "z") for z, r in ((1.4, 0.87), (1.85, 0.75))]
    return together(revolved(profile, planks, 96, 50), *hoops)


def _umbrella() -> Shape:
    profile = [(0, 1.0), (0.5, 0.93), (1.0, 0.7), (1.4, 0.35), (1.5, 0.2), (1.4, 0.3), (0.9, 0.66)]
    return together(
        revolved([*profile, (0, 0.97)], striped((200, 30, 40), WHITE, turns=4), 96, 40),
        rod((0, 0, -1.2), (0, 0, 1.2), 0.04, BLACK),
        ring((0.2, 0, -1.2), 0.2, 0.05, BROWN),
    )


def _mushroom() -> Shape:
    cap = [(0, 1.5), (0.5, 1.42), (0.9, 1.1), (1.0, 0.8), (0.9, 0.74), (0.3, 0.85), (0, 0.85)]
    stem = [(0, 0), (0.32, 0), (0.25, 0.4), (0.24, 0.9), (0, 0.9)]
    return together(revolved(cap, (165, 110, 70), 64, 50), revolved(stem, (235, 225, 205), 48, 30))


def _dumbbell() -> Shape:
    parts = [rod((-0.8, 0, 0), (0.8, 0, 0), 0.12, GREY)]
    for side in (-1, 1):
        parts.append(rod((side * 0.75, 0, 0), (side * 1.1, 0, 0), 0.55, BLACK, 6))
        parts.append(rod((side * 1.1, 0, 0), (side * 1.35, 0, 0), 0.42, BLACK, 6))
    return together(*parts)


def _clock() -> Shape:
    parts = [
        rod((0, 0, 0), (0.15, 0, 0), 1.0, BLACK, 64),
        rod((0.1, 0, 0), (0.16, 0, 0), 0.9, WHITE, 64),
    ]
    for hour in range(12):
        a = np.pi * hour / 6
        inner, outer = (0.7, 0.85) if hour % 3 else (0.62, 0.85)
        sine, cosine = np.sin(a), np.cos(a)
        parts.append(
            rod(
                (0.17, inner * sine, inner * cosine),
                (0.17, outer * sine, outer * cosine),
                0.03,
                BLACK,
            )
        )
    parts.append(rod((0.18, 0, 0), (0.18, -0.4, 0.25), 0.04, BLACK))
    parts.append(rod((0.19, 0, 0), (0.19, 0.35, 0.6), 0.03, BLACK))
    return together(*parts)


def _lighthouse() -> Shape:
    tower = [(0.6, 0), (0.36, 2.4), (0.5, 2.4), (0.5, 2.5), (0, 2.5)]
    bands = banded(
        *((0.12 * n + 0.12, RED if n % 2 else WHITE) for n in range(7)), (1.0, (60, 60, 60))
    )
    return together(
        revolved(tower, bands, 48, 90),
        rod((0, 0, 2.5), (0, 0, 2.9), 0.26, (250, 240, 170), 24),
        revolved([(0.36, 2.9), (0.2, 3.1), (0, 3.25)], RED, 32, 10),
        revolved([(0, -0.2), (1.3, -0.25), (1.0, 0.0), (0, 0.05)], (110, 105, 95), 24, 12),
    )


def _burger() -> Shape:
    def bun(low: float, top: bool) -> Shape:
        profile = [(0, low), (0.95, low), (1.02, low + 0.1)]
        profile += (
            [(0.9, low + 0.4), (0.5, low + 0.6), (0, low + 0.65)]
            if top
            else [(0.98, low + 0.25), (0, low + 0.25)]
        )
        return revolved(profile, (215, 150, 75), 64, 40)

    def leaf(angle: Floats, share: Floats) -> Sequence[Floats]:
        radius = share * 1.12
        return (
            radius * np.cos(angle),
            radius * np.sin(angle),
            0.5 + 0.06 * np.sin(9 * angle) * share,
        )

    cheese = box((-0.85, -0.85, 0.46), (0.85, 0.85, 0.5), (250, 190, 40))
    return together(
        bun(0, False),
        rod((0, 0, 0.25), (0, 0, 0.45), 1.0, (90, 50, 30), 48),
        cheese,
        surface(leaf, (95, 170, 50), 90, 8),
        rod((0, 0, 0.52), (0, 0, 0.6), 0.92, (205, 50, 40), 48),
        bun(0.6, True),
    )


def _ice_cream() -> Shape:
    def waffle(angle: Floats, share: Floats) -> Floats:
        lines = (np.sin(14 * angle + 18 * share) > 0.8) | (np.sin(14 * angle - 18 * share) > 0.8)
        return np.where(lines[..., None], (170.0, 110.0, 50.0), (220.0, 165.0, 95.0))

    return together(
        revolved([(0, -1.6), (0.6, 0.1)], waffle, 96, 60),
        moved(ball(mottled((250, 235, 200), 0.08, 3), 48, 32), (0, 0, 0.35), 0.68),
        moved(ball(mottled((240, 150, 170), 0.08, 4), 48, 32), (0, 0, 1.1), 0.55),
    )


def _bowl() -> Shape:
    profile = [(0, 0), (0.45, 0), (0.45, 0.08), (0.9, 0.35), (1.15, 0.85), (1.2, 1.0), (1.13, 1.0)]
    return revolved([*profile, (0.85, 0.45), (0, 0.15)], (235, 235, 225), 64, 60)


def _lamp() -> Shape:
    return together(
        revolved([(0.75, 1.5), (0.45, 2.4), (0.43, 2.4), (0.73, 1.5)], (240, 220, 170), 48, 30),
        rod((0, 0, 0), (0, 0, 1.9), 0.05, (150, 120, 60)),
        revolved(
            [(0, 0), (0.45, 0), (0.42, 0.1), (0.1, 0.25), (0.2, 0.6), (0.05, 1.1)],
            (150, 120, 60),
            48,
            40,
        ),
    )


def _candle() -> Shape:
    return together(
        rod((0, 0, 0), (0, 0, 1.8), 0.3, (240, 230, 205), 40),
        rod((0, 0, 1.8), (0, 0, 1.95), 0.02, BLACK),
        revolved(
            [(0, 1.9), (0.08, 2.0), (0.1, 2.1), (0.05, 2.3), (0, 2.45)], (255, 190, 50), 24, 20
        ),
        revolved([(0, -0.1), (0.6, -0.05), (0.65, 0.1), (0, 0.0)], (190, 150, 60), 40, 12),
    )


def _table() -> Shape:
    legs = [
        box((x - 0.08, y - 0.08, 0), (x + 0.08, y + 0.08, 1.2), WOOD)
        for x in (-1.3, 1.3)
        for y in (-0.7, 0.7)
    ]
    return together(box((-1.5, -0.9, 1.2), (1.5, 0.9, 1.3), (165, 110, 60)), *legs)


def _crate() -> Shape:
    parts = [box((-0.95, -0.95, 0.05), (0.95, 0.95, 1.85), (120, 80, 45))]
    for z in np.arange(0, 1.9, 0.38):
        for sign in (-1, 1):
            parts.append(
                box((-1, sign * 1 - 0.05, z), (1, sign * 1 + 0.05, z + 0.3), (185, 135, 80))
            )
            parts.append(
                box((sign * 1 - 0.05, -1, z), (sign * 1 + 0.05, 1, z + 0.3), (185, 135, 80))
            )
    for x in (-1, 1):
        for y in (-1, 1):
            parts.append(box((x - 0.12, y - 0.12, 0), (x + 0.12, y + 0.12, 1.9), (150, 105, 60)))
    return together(*parts)


def _screw() -> Shape:
    def thread(angle: Floats, share: Floats) -> Sequence[Floats]:
        turn = 2 * np.pi * share * 14 + angle
        radius = (0.16 + 0.05 * np.sin(turn)) * np.minimum(1, 5 * share + 0.05)
        return radius * np.cos(angle), radius * np.sin(angle), -2.0 + 2.0 * share

    return together(
        surface(thread, (175, 175, 180), 32, 200),
        revolved([(0.2, 0), (0.5, 0.25), (0.5, 0.3), (0, 0.32)], (175, 175, 180), 32, 20),
        box((-0.45, -0.05, 0.31), (0.45, 0.05, 0.33), BLACK),
    )


CANDIDATES = (
    MadeMesh("orange", "orange", _orange),
    MadeMesh("lemon", "lemon", _lemon),
    MadeMesh("apple", "Granny Smith", _apple),
    MadeMesh("tennis-ball", "tennis ball", _tennis),
    MadeMesh("basketball", "basketball", _basketball),
    MadeMesh("football", "soccer ball", _football),
    MadeMesh("golf-ball", "golf ball", _golf),
    MadeMesh("baseball", "baseball", _baseball),
    MadeMesh("vase", "vase", _vase),
    MadeMesh("goblet", "goblet", _goblet),
    MadeMesh("wine-bottle", "wine bottle", _bottle),
    MadeMesh("barrel", "barrel", _barrel),
    MadeMesh("umbrella", "umbrella", _umbrella),
    MadeMesh("mushroom", "mushroom", _mushroom),
    MadeMesh("dumbbell", "dumbbell", _dumbbell),
    MadeMesh("clock", "wall clock", _clock),
    MadeMesh("lighthouse", "beacon", _lighthouse),
    MadeMesh("burger", "cheeseburger", _burger),
    MadeMesh("ice-cream", "ice cream", _ice_cream),
    MadeMesh("bowl", "mixing bowl", _bowl),
    MadeMesh("lamp", "table lamp", _lamp),
    MadeMesh("candle", "candle", _candle),
    MadeMesh("table", "dining table", _table),
    MadeMesh("crate", "crate", _crate),
    MadeMesh("screw", "screw", _screw),
)
