"""What can be done with a search that has ended: strength, filmstrip, details, save, downloads."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.access import current_home, database
from app.charts.run_curves import confidence_by_strength, fooled_ranges
from app.charts.theme import chart_menu, classifier_colours
from app.figures import figures
from app.runner.live import After, Frame, Live, read_after, read_live
from app.runner.menu import GeneratorChoice, Menu
from app.widgets.download import download
from app.widgets.drawn_figure import drawn_figure
from app.widgets.explore_files import picture_pair, run_as_gif, run_as_json
from app.widgets.explore_panels import points_panel, transfer_panel
from app.widgets.explore_stage import address
from app.widgets.explore_strength import strength_slider
from app.widgets.scheme import current_scheme
from data.experiments import Experiment, conditions, experiments, save_experiment
from data.jobs import Job, job_of
from data.results import StoredResult, result
from data.tensors import pin

FRAMES_SHOWN = 10


def after_the_run(menu: Menu, job: Job, experiment: Experiment) -> None:
    """Show it, below the last frame of the run."""
    live, after = read_live(current_home(), job.id), read_after(current_home(), job.id)
    if live is None or after is None or not after.frames:
        if job.state == "done" and live is None:
            st.info(
                "The pictures of this run were not kept for so long. Its result is stored: press"
                " Run to compute the same again."
            )
        saved_runs(job.id)
        return
    generator = menu.generators[experiment.generator]
    with st.container(horizontal=True):
        _save(experiment)
        with st.popover("Permalink", icon=":material/link:"):
            st.code(f"{st.context.url}?run={job.id}", language=None)
        _downloads(job, experiment, live, after)
        saved_runs(job.id)
    strength, points, transfer, filmstrip, details = st.tabs(
        ["Strength", "Points", "Transfer", "Filmstrip", "Details"]
    )
    with strength:
        _strength(menu, generator, experiment, job, live, after)
    with points:
        points_panel(generator, after.points)
    with transfer:
        searched = experiment.definition["conditions"][0]["classifier"]
        transfer_panel(
            generator, searched, experiment.definition["trial"]["label"], after.transfers
        )
    with filmstrip:
        _filmstrip(after.frames)
    with details:
        _details(menu, experiment, job, live)


def _save(experiment: Experiment) -> None:
    if experiment.saved_at:
        st.button("Saved", icon=":material/check:", disabled=True)
    else:
        st.button(
            "Save",
            icon=":material/bookmark:",
            help="Keep this run, and list it under Saved runs.",
            on_click=_keep,
            args=(experiment,),
        )


def _keep(experiment: Experiment) -> None:
    """Save the run, and its perturbation from the quota: maps of it need not search again."""
    [condition] = conditions(database(), experiment.id)
    found = result(database(), condition.id, 0)
    save_experiment(database(), experiment.id, experiment.name)
    if found is not None and found.perturbation is not None:
        pin(database(), found.perturbation)


def _downloads(job: Job, experiment: Experiment, live: Live, after: After) -> None:
    name = f"plainview-{job.id}"
    extra = {"run": job.id, "experiment": experiment.id, "name": experiment.name}
    download(
        "PNG pair",
        lambda: picture_pair(live),
        f"{name}.zip",
        "application/zip",
        icon=":material/image:",
        help="The two pictures exactly as they were tested.",
    )
    download(
        "GIF",
        lambda: run_as_gif(after.frames),
        f"{name}.gif",
        "image/gif",
        icon=":material/gif_box:",
    )
    download(
        "JSON",
        lambda: run_as_json(experiment.definition, live, after, extra),
        f"{name}.json",
        "application/json",
        icon=":material/data_object:",
        help="Definition, figures, history and strength sweep.",
    )


def saved_runs(shown: str | None) -> None:
    """The runs that were saved, each a link; `shown` is the one in view."""
    with st.popover("Saved runs", icon=":material/bookmarks:"):
        saved = [one for one in experiments(database(), kind="exploration") if one.saved_at]
        if not saved:
            st.write("None yet. A run that you save is listed here.")
        for one in saved[:50]:
            run = job_of(database(), one.id)
            if run is not None:
                st.button(
                    one.name,
                    key=f"saved-{run.id}",
                    type="tertiary",
                    disabled=run.id == shown,
                    on_click=lambda run_id=run.id: st.query_params.from_dict({"run": run_id}),
                )


def _strength(
    menu: Menu,
    generator: GeneratorChoice,
    experiment: Experiment,
    job: Job,
    live: Live,
    after: After,
) -> None:
    if not after.strengths:
        st.write("There is no perturbation to strengthen: the search ended without one.")
        return
    condition, trial = experiment.definition["conditions"][0], experiment.definition["trial"]
    names = generator.labels
    fooled_label = live.after[0].label if trial["target"] is None else trial["target"]
    left, right = st.columns([3, 4], gap="large")
    with left:
        strength_slider(generator, after.strengths, run=job.id)
    table = pd.DataFrame(
        {
            "strength": [one.strength for one in after.strengths],
            "label_confidence": [one.label_confidence for one in after.strengths],
            "fooled_confidence": [one.fooled_confidence for one in after.strengths],
            "fooled": [one.fooled for one in after.strengths],
        }
    )
    scheme = current_scheme()
    figure = confidence_by_strength(
        table,
        label=names[trial["label"]],
        fooled_label=names[fooled_label],
        colour=classifier_colours(menu.classifiers, scheme)[condition["classifier"]],
        scheme=scheme,
    )
    with right:
        st.markdown("**Confidence against strength**")
        drawn_figure(figure, chart_menu(f"strength-{job.id}"), "strength-curve")
        st.caption(
            f"Fooled (shaded) at strengths {_ranges(table)}. The found perturbation is made weaker"
            " and stronger: whether a classifier that is once fooled stays fooled on the way is"
            " seen here, not assumed."
        )


def _ranges(table: pd.DataFrame) -> str:
    """ "0.90 to 1.05 and 1.30 to 1.50", or "none"."""
    parts = (
        f"{begin:.2f} to {end:.2f}" if end > begin else f"{begin:.2f}"
        for begin, end in fooled_ranges(table)
    )
    return " and ".join(parts) or "none"


def _filmstrip(frames: Sequence[Frame]) -> None:
    count = min(FRAMES_SHOWN, len(frames))
    chosen = [
        frames[round(place * (len(frames) - 1) / max(count - 1, 1))] for place in range(count)
    ]
    cells = "".join(
        f'<figure><img src="{address(frame.image)}" alt="step {frame.step}">'
        f"<figcaption>step {frame.step}<br>‖p‖ {figures(frame.magnitude)}</figcaption></figure>"
        for frame in chosen
    )
    st.html(
        "<style>.filmstrip{display:grid;grid-template-columns:repeat(10,1fr);gap:.75rem}"
        ".filmstrip figure{margin:0}.filmstrip img{width:100%;aspect-ratio:1;object-fit:contain;"
        "image-rendering:pixelated;border-radius:3px}.filmstrip figcaption{font-size:.8125rem;"
        "opacity:.8;font-variant-numeric:tabular-nums}</style>"
        f'<div class="filmstrip">{cells}</div>'
    )
    st.caption(f"{count} of {len(frames)} frames, at even steps; the GIF has them all.")


def _details(menu: Menu, experiment: Experiment, job: Job, live: Live) -> None:
    [condition] = conditions(database(), experiment.id)
    stored = result(database(), condition.id, 0)
    generator = menu.generators[experiment.generator]
    trial = experiment.definition["trial"]
    schedule = ", ".join(f"{name} {value:g}" for name, value in condition.schedule.items())
    target = "any other" if trial["target"] is None else generator.labels[trial["target"]]
    rows = {
        "Outcome": live.outcome or job.state,
        "Magnitude, and the bounds around it": _magnitude(stored),
        "Label → target": f"{generator.labels[trial['label']]} → {target}",
        "Seed": str(trial["seed"]),
        "Layers": f"{condition.subset} ({', '.join(f'{w:g}' for w in condition.layer_weights)})",
        "Search": f"{condition.search}, schedule {condition.schedule_name}: {schedule}",
        "Generator": f"{experiment.generator}, weights {experiment.generator_checksum[:12]}…",
        "Classifier": f"{condition.classifier}, weights {condition.classifier_checksum[:12]}…",
        "Precision": experiment.definition.get("precision", "float32"),
        "Device, code": f"{stored.device if stored else job.device}, {experiment.code_version}",
        "Run, experiment": f"{job.id}, {experiment.id}",
    }
    left, right = st.columns(2, gap="large")
    left.table(pd.DataFrame({"": rows.values()}, index=list(rows)), hide_header=True)
    right.markdown("The same from the terminal")
    right.code(command_line(generator, experiment.definition), language="bash", wrap_lines=True)
    right.markdown("The definition, as it is stored")
    right.code(json.dumps(experiment.definition, indent=1), language="json", height=260)


def _magnitude(stored: StoredResult | None) -> str:
    """‖p‖ and its bracket; a minimum-norm search has none, only the largest ball it looked in."""
    if stored is None or stored.magnitude is None:
        return "–"
    if stored.bracket_low is None or stored.bracket_high is None:
        return f"{stored.magnitude:.6g}, the smallest found in a ball of {stored.bound:.6g}"
    return f"{stored.magnitude:.6g} in ({stored.bracket_low:.6g}, {stored.bracket_high:.6g}]"


def command_line(generator: GeneratorChoice, definition: Mapping[str, Any]) -> str:
    """The command that runs this search again."""
    [condition], trial = definition["conditions"], definition["trial"]
    words = [
        *("python -m app search --generator", definition["generator"]),
        *("--classifier", condition["classifier"], "--label", str(trial["label"])),
        *("--seed", str(trial["seed"]), "--search", condition["search"]),
        *("--schedule", condition["schedule_name"]),
        *("--budget", str(condition["schedule"]["budget"])),
    ]
    if definition["truncation"] != 1:
        words += ["--truncation", f"{definition['truncation']:g}"]
    if not definition.get("condition_follows_z", True):
        words += ["--keep-condition"]
    if definition.get("precision", "float32") != "float32":
        words += ["--precision", definition["precision"]]
    if trial["target"] is not None:
        words += ["--target", str(trial["target"])]
    if condition["subset"] in generator.presets:
        words += ["--subset", condition["subset"]]
    else:
        weights = zip(generator.points, condition["layer_weights"], strict=True)
        words += ["--weights", *(f"{point.name}={w:g}" for point, w in weights if w)]
    return words[0] + " " + shlex.join(words[1:])
