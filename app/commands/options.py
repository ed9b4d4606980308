"""Options that `search` and `experiment` share."""

from __future__ import annotations

import argparse


def add_running(parser: argparse.ArgumentParser, *, threads: str) -> None:
    """Where and how the work runs."""
    parser.add_argument("--device", help="cpu, cuda, cuda:1, … (default: cpu)")
    parser.add_argument(
        "--threads", type=int, metavar="N", help=f"processor threads (default: {threads})"
    )
    parser.add_argument(
        "--json", action="store_true", help="print JSON Lines on standard output, nothing else"
    )


def add_precision(parser: argparse._ActionsContainer) -> None:
    """What the search computes with."""
    parser.add_argument(
        "--precision",
        metavar="NAME",
        help="float32, bfloat16 or float64 (default: float32, the reference); with bfloat16 only"
        " the gradients are, and float32 decides what is found",
    )


def add_generator_options(parser: argparse._ActionsContainer) -> None:
    """Recorded options that some generators have."""
    parser.add_argument(
        "--truncation",
        type=float,
        default=parser.argument_default or 1.0,
        help="of BigGAN's latents (default: 1.0, none)",
    )
    parser.add_argument(
        "--keep-condition",
        action="store_true",
        help="BigGAN's batch norms see the unperturbed z (default: the perturbed one)",
    )
