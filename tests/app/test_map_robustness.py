"""The table of SRVR: overall ratios before those of single labels, each with what it depends on."""

from __future__ import annotations

from app.widgets.map_robustness import ratio_rows
from engine.regions import VolumeRatio


def ratio(label: str | None, share: float) -> VolumeRatio:
    return VolumeRatio(label, share, share / 2, share * 2, ("oir_b",), 200, 0.25, 12, 3)


def test_networks_are_compared_first_and_labels_after_that() -> None:
    rows = ratio_rows(
        {
            "AlexNet": [ratio(None, 0.1), ratio("cup", 0.2), ratio("mug", 0.05)],
            "VGG": [ratio(None, 0.3), ratio("cup", 0.3)],  # of one label, the same as overall
        },
        "usual",
    )
    assert rows[["classifier", "label", "srvr"]].to_numpy().tolist() == [
        ["AlexNet", "all", 0.1],
        ["VGG", "all", 0.3],
        ["AlexNet", "cup", 0.2],
        ["AlexNet", "mug", 0.05],
    ]
    told = rows.iloc[0][["method", "T", "starts", "feasible", "regions", "maps"]]
    assert list(told) == ["oir_b", 200, "usual", 0.25, 12, 3]
