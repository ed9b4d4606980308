"""What a person is told when work fails: one sentence. The traceback goes to the log."""

from __future__ import annotations

from app.runner.lock import WorkerRuns
from app.runner.request import RequestError
from data.database import DatabaseError
from data.home import HomeError
from data.images import ImageError


def foreseen() -> tuple[type[Exception], ...]:
    """Errors whose message is a sentence for the user, with what to do."""
    from engine.catalogue import ModelError  # imports torch: only where something has failed

    return (
        *(RequestError, ModelError, DatabaseError, HomeError, ImageError, WorkerRuns),
        MemoryError,  # the engine's own says what does not fit, and what to do
    )


def explain(error: Exception) -> str:
    """The sentence for `error`."""
    if isinstance(error, foreseen()) and str(error):
        return str(error)
    return (
        f"Something unforeseen stopped this work ({type(error).__name__}); the worker's log has"
        " the details. What was stored until then is kept, and it can be started again."
    )
