"""Any classifier of torchvision or timm by its name, with published weights or a checkpoint."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.classifiers.checkpoints import CheckpointError, read_checkpoint
from engine.classifiers.imagenet import IMAGENET
from engine.classifiers.photos import Framing
from engine.entries import ClassifierEntry, Labels, ModelError, Origin, Provenance, Weights
from engine.imagenet_labels import noun_phrase


def classifier_by_name(
    name: str, *, checkpoint: str | Path | None = None, labels: Labels | None = None
) -> ClassifierEntry:
    """The entry of `torchvision:resnet18`, `torchvision:resnet50.IMAGENET1K_V1`,
    `timm:resnet18.a1_in1k` and the like.

    Preprocessing, framing and class names are those of the weights that the name means (without a
    tag the library's default). With `checkpoint` the weights are that file's, and so is the
    normalisation if it holds one; `labels` are its classes, where they are not the library's.
    Raises ModelError: no such library, architecture or tag, or an unreadable checkpoint.
    """
    library, _, model = name.partition(":")
    if library not in LIBRARIES or not model:
        raise ModelError(
            f"“{name}” names no classifier: write torchvision:NAME or timm:NAME, such as"
            " torchvision:resnet18 or timm:resnet18.a1_in1k."
        )
    if labels is not None and checkpoint is None:
        raise ModelError(
            f"The published weights of {name} have their own labels: give a checkpoint."
        )
    entry = LIBRARIES[library](model, labels)
    return entry if checkpoint is None else _with_checkpoint(entry, Path(checkpoint).resolve())


def labels_in(file: str | Path) -> Labels:
    """Class names from a text file, one a line in the order of the outputs. Raises ModelError."""
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{file} cannot be read: it must be text, a class name a line.") from error
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(names) < 2:
        raise ModelError(f"{file} must hold at least two class names, one a line.")
    return Labels(names, tuple(noun_phrase(name) for name in names))


def _with_checkpoint(entry: ClassifierEntry, file: Path) -> ClassifierEntry:
    """The same architecture with the weights of `file`, identified by the file's checksum."""
    try:
        saved = read_checkpoint(file)
    except CheckpointError as error:
        raise ModelError(str(error)) from error
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    with torch.device("meta"):
        in_own_layout = set(entry.build().state_dict()) == set(saved.state)
    kept_as = f"{Path(entry.weights.filename).stem}-{file.stem}-{checksum[:8]}.safetensors"
    adapt = None if in_own_layout or entry.origin is None else entry.origin.adapt
    return replace(
        entry,
        name=f"{entry.name}@{file.stem}",
        title=f"{entry.title.partition(',')[0]}, weights of {file.name})",
        weights=replace(entry.weights, filename=kept_as),
        origin=Origin(file=file, sha256=checksum, adapt=adapt),
        provenance=Provenance(str(file), "that of the file"),
        mean=saved.mean or entry.mean,
        std=saved.std or entry.std,
    )


def _torchvision(name: str, labels: Labels | None) -> ClassifierEntry:
    """`architecture`, or `architecture.WEIGHTS` for other than torchvision's default weights."""
    import torchvision.models as library  # here: a second to import, needless for digits

    architecture, _, tag = name.partition(".")
    names = library.list_models(module=library)
    if architecture not in names:
        raise ModelError(f"torchvision has no {architecture}{_nearest(architecture, names)}.")
    choices = library.get_model_weights(architecture)
    tags = [weights.name for weights in choices if weights.meta["categories"]]
    if tag and tag not in tags:
        raise ModelError(f"torchvision has no {name}; {architecture} has {', '.join(tags)}.")
    weights = choices[tag] if tag else choices.DEFAULT
    frame, scores = weights.transforms(), weights.meta["_metrics"]["ImageNet-1K"]
    classes = labels or IMAGENET
    options = _torchvision_options(architecture, weights.meta)
    return ClassifierEntry(
        name=f"torchvision:{name}",
        title=f"{architecture} (torchvision, {weights.name})",
        build=partial(
            library.get_model,
            architecture,
            weights=None,
            num_classes=len(classes.names),
            **options,
        ),
        weights=Weights(
            f"torchvision-{architecture}.{weights.name}.safetensors",
            repair=_REPAIR.format(f"torchvision:{name}"),
            prepare=_mnasnet_version if architecture.startswith("mnasnet") else None,
        ),
        labels=classes,
        image_shape=(3, frame.crop_size[0], frame.crop_size[0]),
        provenance=Provenance(
            weights.url,
            "BSD-3-Clause; the weights are trained on ImageNet (research use)",
            f"{scores['acc@1']:.2f} / {scores['acc@5']:.2f} % (first / in the first five)",
        ),
        mean=tuple(frame.mean),
        std=tuple(frame.std),
        size=frame.crop_size[0],
        origin=Origin(
            urls=(weights.url,),
            sha256=_hash_in(weights.url),
            megabytes=weights.meta["_file_size"] * 2**20 / 1e6,
            adapt=_densenet_names if architecture.startswith("densenet") else None,
        ),
        framing=Framing(frame.crop_size[0], frame.resize_size[0], frame.interpolation.value),
        interpolation=frame.interpolation.value,
    )


def _torchvision_options(architecture: str, meta: Mapping[str, Any]) -> dict[str, Any]:
    """What torchvision itself sets when it builds an architecture for published weights."""
    if architecture in {"inception_v3", "googlenet"}:
        return {"transform_input": True, "aux_logits": True, "init_weights": False}
    if architecture.startswith("vit_"):
        return {"image_size": meta["min_size"][0]}
    return {}


def _densenet_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """DenseNet's files are older than its modules' names: `norm.1.weight` is `norm1.weight`."""
    pattern = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
    return {pattern.sub(r"\1\2", key): value for key, value in state.items()}


def _mnasnet_version(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """MNASNet refuses weights that do not say which version of it they are for."""
    versioned = OrderedDict(state)
    versioned._metadata = {"": {"version": 2}}  # type: ignore[attr-defined]
    return versioned


def _timm(name: str, labels: Labels | None) -> ClassifierEntry:
    """`architecture.tag`, or `architecture` for timm's default weights."""
    import timm  # here: half a second to import, needless for digits
    from timm.data import resolve_data_config

    try:
        published = timm.get_pretrained_cfg(name, allow_unregistered=False).to_dict()
    except RuntimeError as error:
        names = timm.list_pretrained(f"{name.partition('.')[0]}*") or timm.list_models()
        raise ModelError(f"timm has no {name}{_nearest(name, names)}.") from error
    if not published.get("url") and not published.get("hf_hub_id"):
        raise ModelError(
            f"timm publishes no weights for {name}{_nearest(name, timm.list_pretrained())}."
        )
    frame = resolve_data_config(pretrained_cfg=published)
    _, height, width = frame["input_size"]
    if height != width:
        raise ModelError(f"timm's {name} wants images of {width}×{height}, and only squares fit.")
    classes = labels or _timm_labels(name, published["num_classes"])
    full_name = f"{published['architecture']}.{published['tag']}".rstrip(".")
    urls, sha256 = _timm_addresses(published)
    return ClassifierEntry(
        name=f"timm:{name}",
        title=f"{published['architecture']} (timm, {published['tag'] or 'default weights'})",
        build=partial(timm.create_model, full_name, num_classes=len(classes.names)),
        weights=Weights(f"timm-{full_name}.safetensors", repair=_REPAIR.format(f"timm:{name}")),
        labels=classes,
        image_shape=(3, height, width),
        provenance=Provenance(urls[0], published.get("license") or "not stated"),
        mean=tuple(frame["mean"]),
        std=tuple(frame["std"]),
        size=height,
        origin=Origin(urls=urls, sha256=sha256, adapt=partial(_timm_layout, full_name)),
        framing=Framing(
            crop=height,
            resize=int(height / frame["crop_pct"]),
            interpolation=frame["interpolation"],
            squash=frame["crop_mode"] == "squash",
        ),
        interpolation=frame["interpolation"],
    )


def _timm_layout(full_name: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Timm's own conversion of a published file: older names, a background class, and so on."""
    import timm

    given = {"state_dict": dict(state), "custom_load": False, "source": None}
    return timm.create_model(full_name, pretrained=True, pretrained_cfg_overlay=given).state_dict()


def _timm_addresses(published: Mapping[str, Any]) -> tuple[tuple[str, ...], str | None]:
    """A file whose name holds its checksum, if there is one; else the hub's."""
    url, hub = published.get("url"), published.get("hf_hub_id")
    if url and not published.get("custom_load") and (_hash_in(url) or not hub):
        return (url,), _hash_in(url)
    return (f"https://huggingface.co/{hub}/resolve/main/model.safetensors",), None


def _timm_labels(name: str, count: int) -> Labels:
    from timm.data import ImageNetInfo, infer_imagenet_subset

    if count == len(IMAGENET.names):
        return IMAGENET
    subset = infer_imagenet_subset({"num_classes": count})
    if subset is None:
        raise ModelError(
            f"timm's {name} has {count} outputs that are no known classes: give a checkpoint and"
            " its labels."
        )
    info = ImageNetInfo(subset)
    names = tuple(info.index_to_description(index) for index in range(count))
    return Labels(names, tuple(noun_phrase(name.partition(",")[0]) for name in names))


def _hash_in(url: str) -> str | None:
    """The first digits of the sha256, as both libraries put them into file names."""
    found = re.search(r"-([0-9a-f]{8,64})\.\w+$", url)
    return found and found[1]


def _nearest(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, n=5, cutoff=0.4)
    if close:
        return f"; the nearest names are {', '.join(close)}"
    return f" nor anything like it; of its {len(names)} names some are {', '.join(names[:3])}"


_REPAIR = "Fetch it with `python -m app models fetch {}`."

LIBRARIES = {"torchvision": _torchvision, "timm": _timm}
