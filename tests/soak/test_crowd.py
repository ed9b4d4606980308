"""Fifty people at one study: every item resolved exactly as often as asked. All are synthetic."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

from data.database import open_database
from data.home import Home
from labelling.progress import study_progress
from tests.labelling.labelling_crowd import crowded_study, every_item, label_together, resolved


def test_fifty_at_once_resolve_every_item_exactly_as_often_as_asked(tmp_path) -> None:
    study_id = crowded_study(tmp_path, trials=60, overlap=5, repeat_share=0.1, catch_share=0.1)
    label_together(tmp_path, study_id, 50)
    with closing(open_database(Home(tmp_path))) as database:
        content = every_item(database, study_id)
        assert resolved(database, study_id) == Counter({item: 5 for item in content})
        assert study_progress(database, study_id).open == 0
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
