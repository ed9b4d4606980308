"""Rows that nothing refers to, by the schema's own foreign keys, whatever tables there are."""

from __future__ import annotations

from sqlite_utils import Database


def unreferenced(database: Database, table: str, key: str) -> str:
    """SQL that is true for a row of `table` to whose `key` no row of any table refers."""
    clauses = [
        f'NOT EXISTS (SELECT 1 FROM "{other}" AS referring'
        f' WHERE referring."{column}" = "{table}"."{key}")'
        for other, column in referring(database, table)
    ]
    return " AND ".join(clauses) or "TRUE"


def referring(database: Database, table: str) -> list[tuple[str, str]]:
    """(table, column) of every foreign key to a table."""
    return [
        (other, column)
        for other in sorted(database.table_names())
        for _, _, to, column, *_ in database.execute(f'PRAGMA foreign_key_list("{other}")')
        if to == table
    ]
