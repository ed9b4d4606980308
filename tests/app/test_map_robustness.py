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
            "mine": [ratio(None, 0.4)],
            "nobody's": [ratio(None, 0.5)],
        },
        "usual",
        {"VGG": "not asked: the paper's own stands there", "mine": "90 %"},
    )
    assert rows[["classifier", "label", "srvr"]].to_numpy().tolist() == [
        ["AlexNet", "all", 0.1],
        ["VGG", "all", 0.3],
        ["mine", "all", 0.4],
        ["nobody's", "all", 0.5],
        ["AlexNet", "cup", 0.2],
        ["AlexNet", "mug", 0.05],
    ]
    told = rows.iloc[0][["method", "T", "starts", "feasible", "regions", "maps"]]
    assert list(told) == ["oir_b", 200, "usual", 0.25, 12, 3]
    # Table 2 (Hamdi and Ghanem 2020): of the paper's networks its own figures stand beside.
    assert rows["accuracy"][:4].to_list() == [
        "top-1 error 43.45 % (paper)",
        "top-1 error 30.98 % (paper)",
        "90 %",
        "",
    ]
    assert rows["paper's srvr"][:2].to_list() == [0.0892, 0.0988]
    assert rows["paper's srvr"][2:4].isna().all()
