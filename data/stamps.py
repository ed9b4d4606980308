"""What a new row is stamped with: a time and, where it has no number, a name."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime


def timestamp(moment: datetime) -> str:
    """A moment as ISO-8601 UTC text of fixed width, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> str:
    """The time now, as `timestamp` writes it, by the clock that leases go by, too."""
    return timestamp(datetime.fromtimestamp(time.time(), UTC))


def new_id() -> str:
    """A short random name, fit for a URL: 10 hexadecimal digits, of which the first is a letter.

    Otherwise one in a hundred would be read as a number (0425090078, 12e4567890) out of a CSV file.
    """
    return secrets.choice("abcdef") + secrets.token_hex(5)[1:]
