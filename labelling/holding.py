"""What a labeller holds: items taken on leases, renewed, and given up.

Each of these happens inside one `data.database.immediate` transaction: no two labellers get the
same slot, and what somebody left comes back when the lease runs out.
"""

from __future__ import annotations

from data import assignments
from labelling.choice import choose
from labelling.sitting import Sitting

#: Held at a time: the item on the screen, and the one that is loaded ahead.
HELD = 2


def settled(sitting: Sitting) -> bool:
    """Whether enough is held, on leases that run for a while yet."""
    held = sitting.open
    soon = sitting.at + sitting.options.lease_minutes * 30
    return len(held) >= HELD and all(
        (one.lease_expires or 0) > soon and not sitting.resolved(one) for one in held
    )


def settle(sitting: Sitting) -> None:
    """Renew what is held, give up what others have taken, and take what comes next.

    The places of what is given up are not given again: a browser may have it on show, or loaded.
    """
    place = sitting.last_place
    sitting.give_up([one for one in sitting.open if sitting.lost(one) or sitting.resolved(one)])
    while len(sitting.open) < HELD and (chosen := choose(sitting)) is not None:
        item, round = chosen
        unseen = sitting.side(item, round) is None
        place += not unseen
        taken = assignments.assign(
            sitting.database,
            study_id=sitting.person.study_id,
            labeller_id=sitting.person.id,
            item_id=item.id,
            round=round,
            place=None if unseen else place,
            lease_expires=None if unseen else sitting.lease_end,
            # Whoever takes that answer back is asked about this item after all.
            closed_by=sitting.closed_by(item, round) if unseen else None,
        )
        sitting.mine.append(taken)
