"""The reference of all commands: `python -m app.commands.reference > docs/commands.md`."""

from __future__ import annotations

import argparse

from app.commands import COMMANDS

HEAD = """# Commands

`python -m app COMMAND`, in the checkout's environment (`.venv/bin/python`). Results go to standard
output, progress and remarks to standard error. The exit status is 0 when done, 1 when `verify`
finds a difference, 2 for a request that cannot be met (one sentence says why, and what can be
chosen), and 130 after Ctrl-C.

Every command takes `--home FOLDER`, where everything is kept (default: `PLAINVIEW_HOME`, else
`var/` in the checkout). With `--json` standard output holds JSON Lines and nothing else; a result
is an object with `experiment`, `index`, `label`, `target` (null: any other label), `seed`,
`classifier`, `subset`, `layer_weights`, `search`, `schedule`, `budget`, `role` (search, or a
control's: random-direction or repeat), `repetition`, `outcome` (found, exhausted, skipped or
failed; of a random direction changed or unchanged), `magnitude` (null unless found or drawn),
`bound` (the last one tested), `magnitudes` (by point), `pixel_l2`, `pixel_linf` and `ssim` (between
the two pictures), `margin`, `steps`, `seconds`, `source` and `stimulus` (SHA-256 names of the
two PNG files) and `reason` (why it failed).
"""


def reference() -> str:
    """The document, as Markdown."""
    return HEAD + "".join(_section(name) for name in COMMANDS)


def _section(name: str) -> str:
    command = COMMANDS[name]
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    summary, *paragraphs = command.HELP.split("\n\n")
    text = [f"## {name}", summary]
    for paragraph in paragraphs:
        is_example = paragraph.startswith("  ")
        lines = [line.removeprefix("  ") for line in paragraph.splitlines()]
        text.append("\n".join(["```bash", *lines, "```"]) if is_example else paragraph)
    rows = [_row(action) for action in parser._actions if action.dest != "help"]
    text.append("\n".join(["| option | meaning |", "| --- | --- |", *rows]))
    return "\n" + "\n\n".join(text) + "\n"


def _row(action: argparse.Action) -> str:
    value = action.metavar or (
        "" if action.nargs == 0 else "|".join(action.choices or [action.dest.upper()])
    )
    value = " ".join(value) if isinstance(value, tuple) else value
    value = value.replace("|", "\\|")  # or it would begin the next cell of the table
    if action.nargs in ("+", "*"):
        value += " …"
    names = ", ".join(action.option_strings)
    return f"| `{f'{names} {value}'.strip()}` | {action.help} |"


if __name__ == "__main__":
    print(reference(), end="")
