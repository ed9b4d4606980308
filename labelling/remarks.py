"""What labellers wrote in words: what they think the study was for, and comments on items."""

from __future__ import annotations

import pandas as pd
from sqlite_utils import Database

#: What is said of no item.
PURPOSE = "What the study was for"

_WRITTEN = """
WITH people AS (
    SELECT id, name FROM labellers WHERE study_id = :study
        AND id NOT IN (SELECT labeller_id FROM labeller_events WHERE kind = 'withdrew')
)
SELECT people.name AS labeller, :purpose AS about, NULL AS item, text
FROM labeller_events JOIN people ON people.id = labeller_id
WHERE kind = 'purpose' AND text <> ''
UNION ALL
SELECT people.name, phrase, item_id, text
FROM comments JOIN people ON people.id = labeller_id
JOIN study_items ON study_items.id = item_id
WHERE text <> '' AND comments.id IN (SELECT max(id) FROM comments GROUP BY labeller_id, item_id)
ORDER BY item, labeller
"""


def remarks(database: Database, study_id: str) -> pd.DataFrame:
    """A row a text: labeller, about (`PURPOSE`, or the label asked about), item, text.

    `item` is the number that exports have. What the study was for comes first, without one: whoever
    guessed it was not blind. Of several comments on one item the newest stands. Whoever withdrew is
    not among them.
    """
    named = {"study": study_id, "purpose": PURPOSE}
    table = pd.read_sql_query(_WRITTEN, database.conn, params=named)
    return table.astype({"item": "Int64"})
