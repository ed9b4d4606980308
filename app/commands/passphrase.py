"""`python -m app passphrase`: the researchers' passphrase, for an app that is served."""

from __future__ import annotations

import argparse
import getpass
import sys

from app.commands.terminal import say
from app.passphrase import remove_passphrase, set_passphrase, stored_passphrase
from app.runner.request import RequestError
from data.home import home

HELP = """Set or remove the passphrase by which researchers sign in where the app is served.

It is asked for on the terminal, twice, or read as one line from standard input. Only a scrypt hash
of it is kept. Setting or removing it ends all sessions that began with the one before.

  python -m app passphrase set
  python -m app passphrase remove"""

ACTIONS = ("set", "remove", "status")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=ACTIONS, help="what to do")


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    place = home(arguments.home)
    match arguments.action:
        case "set":
            set_passphrase(place, _asked())
            say("The passphrase is set; sessions that began with another one have ended.")
        case "remove":
            said = remove_passphrase(place)
            say("The passphrase is removed." if said else "There was no passphrase.")
        case "status":
            print("set" if stored_passphrase(place) else "not set")
    return 0


def _asked() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Passphrase: ")
    if getpass.getpass("Once more: ") != first:
        raise RequestError("The two differ; nothing is changed.")
    return first
