"""What tells one perturbation plane from another, by which its judged pictures are found again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from data.database import as_json

#: The kind of a study's item that shows a place on a plane; `details` has its `plane` and `u`.
KIND = "plane"
#: What a plane is, whatever part of it a map covers and however finely.
_DECIDES = ("source", "scales_checksum", "first", "second")
#: What of a direction tells it from no other: its magnitude does.
_BESIDE = ("perturbation_id", "slots", "precision")


def plane_key(space: Mapping[str, Any]) -> str:
    """A plane's key, from the JSON record of its description."""
    decides = {name: _lasting(space[name]) for name in _DECIDES}
    return hashlib.sha256(as_json(decides).encode()).hexdigest()


def _lasting(value: Any) -> Any:
    """A description without where its tensors happen to be stored, or how to find them again."""
    if isinstance(value, Mapping):
        return {name: one for name, one in value.items() if name not in _BESIDE}
    return value
