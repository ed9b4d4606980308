"""Perturbation tensors: exact while they are kept, and never more than the quota."""

from __future__ import annotations

import numpy as np
import pytest
from sqlite_utils import Database

from data.experiments import conditions
from data.home import Home
from data.results import add_result, result
from data.tensors import decode, encode, pin, read_perturbation, store_perturbation
from tests.data.rows import a_find, an_experiment, perturbation

#: Bytes of one of the tests' perturbations, compressed, within some tens.
SIZE = len(encode(perturbation(0)))
ROOM_FOR_THREE = 3 * SIZE + SIZE // 2


def kept(database: Database, home: Home) -> set[str]:
    """The ids in the database, which are also the files on the disk."""
    ids = {row["id"] for row in database["perturbations"].rows}
    files = {path.name.partition(".")[0] for path in home.tensors.rglob("*") if path.is_file()}
    assert files == ids
    return ids


@pytest.mark.parametrize(
    "arrays",
    [
        perturbation(0),
        {"z": np.zeros((0,), np.float16), "output": np.ones((1, 28, 28), np.float16)},
        {"odd": np.array([np.nan, np.inf, -0.0, 6e-8, 65504.0], np.float16)},
        {"strided": np.arange(24, dtype=np.float16).reshape(2, 3, 4).transpose(2, 0, 1)},
        {"scalar": np.array(1.5, np.float16)},
        {},
    ],
    ids=["two points", "empty and whole", "extremes", "strided", "scalar", "none"],
)
def test_a_perturbation_comes_back_bit_for_bit(
    database: Database, home: Home, arrays: dict[str, np.ndarray]
) -> None:
    back = read_perturbation(database, home, store_perturbation(database, home, arrays))
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == np.float16 and back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_compression_is_worth_it() -> None:
    draws = np.random.default_rng(0).standard_normal((64, 64, 64)).astype(np.float16)
    coded = encode({"p": draws})
    assert len(coded) < 0.86 * draws.nbytes
    assert len(encode({"p": np.zeros_like(draws)})) < 0.14 * draws.nbytes
    assert decode(coded)["p"].tobytes() == draws.tobytes()


def test_only_half_precision_is_stored(database: Database, home: Home) -> None:
    with pytest.raises(ValueError, match="is float16; the one of z is float32"):
        store_perturbation(database, home, {"z": np.zeros(3, np.float32)})
    assert kept(database, home) == set()


def test_the_quota_drops_the_oldest_unpinned(database: Database, home: Home) -> None:
    def store(seed: int) -> str:
        return store_perturbation(database, home, perturbation(seed), quota=ROOM_FOR_THREE)

    a, b, c = store(0), store(1), store(2)
    assert kept(database, home) == {a, b, c}
    assert pin(database, a)
    d = store(3)
    assert kept(database, home) == {a, c, d}
    read_perturbation(database, home, c)
    e = store(4)
    assert kept(database, home) == {a, c, e}, "c was read after d was stored"
    pin(database, a, pinned=False)
    f = store(5)
    assert kept(database, home) == {c, e, f}
    assert store(4) == e
    g = store(6)
    assert kept(database, home) == {e, f, g}, "storing again counts as use, and takes no room"
    assert read_perturbation(database, home, a) is None
    assert not pin(database, a)


def test_what_cannot_fit_is_not_stored_and_drops_nothing(database: Database, home: Home) -> None:
    quota = 2 * SIZE + SIZE // 2
    a = store_perturbation(database, home, perturbation(0), quota=quota)
    b = store_perturbation(database, home, perturbation(1), quota=quota)
    pin(database, a)
    twice = {f"{n}-{name}": p for n in (2, 3) for name, p in perturbation(n).items()}
    assert store_perturbation(database, home, twice, quota=quota) is None
    assert store_perturbation(database, home, perturbation(2), quota=SIZE // 2) is None
    assert kept(database, home) == {a, b}


def test_a_dropped_perturbation_leaves_its_result_without_one(
    database: Database, home: Home
) -> None:
    condition = conditions(database, an_experiment(database))[0]
    stored = store_perturbation(database, home, perturbation(0), quota=SIZE + SIZE // 2)
    add_result(database, a_find(database, home, condition.id, perturbation=stored))
    assert result(database, condition.id, 0).perturbation == stored
    store_perturbation(database, home, perturbation(1), quota=SIZE + SIZE // 2)
    left = result(database, condition.id, 0)
    assert left.perturbation is None and left.magnitude == 0.107
    assert read_perturbation(database, home, left.perturbation) is None


@pytest.mark.parametrize("loss", ["missing", "damaged"])
def test_a_lost_file_is_a_perturbation_that_is_gone(
    database: Database, home: Home, loss: str
) -> None:
    stored = store_perturbation(database, home, perturbation(0))
    (file,) = (path for path in home.tensors.rglob("*") if path.is_file())
    if loss == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1])
    assert read_perturbation(database, home, stored) is None
    assert database["perturbations"].count == 0
    assert store_perturbation(database, home, perturbation(0)) == stored
    assert read_perturbation(database, home, stored)["z"].shape == (128,)
