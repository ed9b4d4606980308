"""Names of rows survive the files that they are written to."""

from __future__ import annotations

import io

import pandas as pd

from data.stamps import new_id


def test_no_id_reads_as_a_number_in_a_csv_file() -> None:
    """Of names of hexadecimal digits alone about twenty of these would (0425090078, 12e4567890)."""
    for one in (new_id() for _ in range(2000)):
        assert pd.read_csv(io.StringIO(f"id\n{one}\n"))["id"].tolist() == [one]
