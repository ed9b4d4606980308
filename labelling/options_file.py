"""A study's options in a small TOML file: every option by its name, exclusion rules in a table.

    overlap = 3
    repeat_share = 0.05
    instructions = "Say what you see."

    [exclusion]
    catch = 0.8

What is left out has its default. A file may say nothing that no option is called.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from labelling.options import EXCLUSIONS, OPTIONS, StudyError, StudyOptions


def read_options(file: Path) -> StudyOptions:
    """The options in a file. Raises StudyError, which names what there is to choose from."""
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"The options in {file} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{file} is not TOML: {error}.") from error
    _check_names(given, OPTIONS, f"{file.name}: there is no option")
    rules = given.get("exclusion")
    if isinstance(rules, Mapping):
        _check_names(rules, EXCLUSIONS, f"{file.name}: there is no exclusion rule")
    return StudyOptions.of(StudyOptions().as_json() | given)


def _check_names(given: Iterable[str], names: Iterable[str], what: str) -> None:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise StudyError(f"{what} {unknown[0]!r}: choose of {', '.join(names)}.")
