"""`python -m app people`: who may sign in with the OpenID Connect provider."""

from __future__ import annotations

import argparse
import getpass
from contextlib import closing

from app.commands.terminal import print_object, say
from app.runner.request import RequestError

HELP = """Say who may sign in as a researcher with the OpenID Connect provider, by e-mail address.

Whoever is removed is refused at once, pages that are open included. Labellers need no account: they
get links, on the Studies page; `link` makes a new one for a labeller who has lost it (its number is
in exported judgements), and the old one stops working.

  python -m app people add ann@example.org
  python -m app people remove ann@example.org
  python -m app people list
  python -m app people link 17 --days 30"""

ACTIONS = ("add", "remove", "list", "link")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    parser.add_argument(
        "who", nargs="*", metavar="WHO", help="e-mail addresses; for `link` a labeller's number"
    )
    parser.add_argument(
        "--days", type=int, metavar="N", help="how long a new link works (default: for ever)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object a person, nothing else"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    from data.database import open_database
    from data.home import home

    if bool(arguments.who) is (arguments.action == "list"):
        raise RequestError(f"Usage: python -m app people {USAGE[arguments.action]}")
    with closing(open_database(home(arguments.home))) as database:
        return _ACTIONS[arguments.action](arguments, database)


def _add(arguments, database) -> int:
    from data.people import add_person
    from labelling.plain_words import require_plain

    for email in arguments.who:
        try:
            require_plain(email, field="The address", who=getpass.getuser())
            add_person(database, email)
        except ValueError as error:
            raise RequestError(str(error)) from error
        say(f"{email} is a researcher.")
    return 0


def _remove(arguments, database) -> int:
    from data.people import remove_person

    for email in arguments.who:
        if not remove_person(database, email):
            raise RequestError(f"{email} was not admitted: `python -m app people list` has all.")
        say(f"{email} is refused from now on.")
    return 0


def _list(arguments, database) -> int:
    from data.people import people

    for person in people(database):
        if arguments.json:
            print_object(
                {"email": person.email, "role": person.role, "removed_at": person.removed_at}
            )
        else:
            state = f"removed {person.removed_at[:10]}" if person.removed_at else person.role
            print(f"{person.email}  {state}")
    return 0


def _link(arguments, database) -> int:
    from datetime import UTC, datetime, timedelta

    from data.labellers import renew_invitation

    [number, *more] = arguments.who
    if more or not number.isdigit():
        raise RequestError(f"Usage: python -m app people {USAGE['link']}")
    until = datetime.now(UTC) + timedelta(days=arguments.days) if arguments.days else None
    token = renew_invitation(database, int(number), expires_at=until)
    if token is None:
        raise RequestError(f"There is no labeller {number}.")
    print(f"?invitation={token}")
    say("Put this behind the address of the app. The old link no longer works.")
    return 0


USAGE = {
    "add": "add EMAIL …",
    "remove": "remove EMAIL …",
    "list": "list",
    "link": "link NUMBER",
}
_ACTIONS = {"add": _add, "remove": _remove, "list": _list, "link": _link}
