"""Figures 3.5, 4.2 and 4.3 of Manté 2024: controls, and what is heard of them.

``figure`` 3.5 shows the controls of some clips of the data set. 4.2 and 4.3 show mel spectrograms of what a cell plays
under hand-made controls, all given (4.2) or one left free (4.3), with the controls below and the scores of that very
clip above. The table beside each figure has these scores, the control file with its hash, and the seed.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from etude.audio.clips import read_clips, sample_rate
from etude.controls.file import read_controls
from etude.controls.tracks import FREE, control_features
from etude.metrics import controls as fidelity
from etude.pipeline.files import atomic, read_csv, sha256_file, write_csv
from etude.pipeline.stage import run_stage
from etude.systems.format import Format
from stages.report.drawing import COLOURS, STYLE, save

COLUMNS = [
    "figure", "clip", "cell", "controls", "controls_sha256", "noise_seed", "chroma_accuracy", "voicing_accuracy",
    "velocity_correlation", "instruments_right", "instruments", "notes", "scale",
]  # fmt: skip
SCORES = ("chroma_accuracy", "voicing_accuracy", "velocity_correlation")
BANDS, FFT, HOP = 96, 1024, 240  # of the mel spectrograms


def main(settings, facts: Path, clips: str, scores: str, controls: str, csv: Path, svg: Path, png: Path) -> None:
    form = Format.load(facts.parent)
    if settings.figure == "3.5":
        shown, rows = triplets(form, settings)
        sounds = {}
    else:
        shown = hand_made(Path(controls), form, free=settings.figure == "4.3")
        sounds = {name: audio for name, audio in read_clips(Path(clips)) if name in shown}
        rows = [scored(name, settings, Path(scores), Path(controls)) for name in shown]
        for name in shown:
            with atomic(csv.parent / f"figure{settings.name}_controls" / f"{name}.csv") as part:
                shutil.copyfile(Path(controls) / f"{name}.csv", part)
    write_csv(csv, rows, COLUMNS)
    with matplotlib.rc_context(STYLE):
        rate = sample_rate(Path(clips)) if sounds else 0
        save(draw(shown, sounds, rows, form, rate, settings), svg, png)


def triplets(form: Format, settings) -> tuple[dict[str, np.ndarray], list[dict[str, object]]]:
    """Controls of the first clips of the train split by each instrument in turn."""
    index = [row for row in read_csv(form.folder / "index.csv") if row["split"] == "train"]
    array = np.load(form.folder / "controls.npy", mmap_mode="r")
    players = control_features(form.controls)["instrument"]
    shown: dict[str, np.ndarray] = {}
    for number in range(settings.triplets):
        wanted = number % (players.stop - players.start)
        for row in index:
            tracks = np.asarray(array[int(row["row"])])
            if row["clip"] not in shown and tracks[players, 0].argmax() == wanted:
                shown[row["clip"]] = tracks
                break
    empty = dict.fromkeys(COLUMNS, "")
    return shown, [empty | {"figure": "3.5", "clip": clip, "scale": settings.scale} for clip in shown]


def hand_made(folder: Path, form: Format, free: bool) -> dict[str, np.ndarray]:
    """The control files of ``folder``, by name: those in which a control is free throughout, or the others."""
    shown = {}
    for path in sorted(folder.glob("*.csv")):
        tracks = read_controls(path, form.controls, form.frames_per_second, centre=form.centre)
        if (tracks == FREE).all(axis=1).any() == free:
            shown[path.stem] = tracks
    return shown


def scored(name: str, settings, scores: Path, controls: Path) -> dict[str, object]:
    """What is heard in clip ``name`` of its own controls."""
    rows = read_csv(scores)
    row = next(row for row in rows if (row["clip"], row["against"]) == (name, "own"))
    counts = np.array([[float(row[column]) for column in fidelity.COLUMNS]])
    found = {metric: fidelity.score(metric, counts, 1, 0) for metric in SCORES}
    path = controls / f"{name}.csv"
    return {
        "figure": settings.figure,
        "clip": name,
        "cell": settings.cell,
        "controls": f"figure{settings.name}_controls/{name}.csv",
        "controls_sha256": sha256_file(path),
        "noise_seed": settings.noise_seed,
        **{metric: f"{value[0]:.4g}" if value else "" for metric, value in found.items()},
        "instruments_right": f"{float(row['instrument_right']):g}",
        "instruments": f"{float(row['instruments']):g}",
        "notes": f"{float(row['notes']):g}",
        "scale": settings.scale,
    }


def draw(
    shown: dict[str, np.ndarray],
    sounds: dict[str, np.ndarray],
    rows: Sequence[dict[str, object]],
    form: Format,
    rate: int,
    settings,
) -> Figure:
    """One column per clip: its sound if there is one, instrument matrix, chroma, velocity."""
    heights = ([3.0] if sounds else []) + [0.8, 1.0, 1.0]
    figure = Figure(figsize=(1 + 3.1 * len(shown), 1.2 + 0.75 * sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(settings.title)
    panels = figure.subplots(len(heights), len(shown), sharex="col", squeeze=False, height_ratios=heights)
    features = control_features(form.controls)
    for column, (name, tracks) in enumerate(shown.items()):
        seconds = tracks.shape[1] / form.frames_per_second
        time = (np.arange(tracks.shape[1]) + form.centre) / form.frames_per_second
        top, *below = panels[:, column] if sounds else [None, *panels[:, column]]
        if top is not None:
            top.imshow(
                mel(sounds[name], rate), origin="lower", aspect="auto", extent=(0, seconds, 0, BANDS), cmap="magma"
            )
            top.set_title(f"{name}\n{caption(rows[column])}", loc="left")
            top.set_ylabel("mel band")
        else:
            below[0].set_title(name, loc="left", fontsize=6)
        matrix = tracks[features["instrument"]]
        extent = (0, seconds, len(matrix), 0)
        below[0].imshow(matrix, aspect="auto", extent=extent, cmap="cividis", vmin=-1, vmax=1, interpolation="nearest")
        below[0].set_yticks(np.arange(len(matrix)) + 0.5, form.controls[features["instrument"]])
        for axes, rowset, what in (
            (below[1], features["pitch"], "chroma"),
            (below[2], features["velocity"], "velocity"),
        ):
            for place, values in enumerate(tracks[rowset]):
                axes.step(time, values, where="mid", lw=1, color=COLOURS[place % len(COLOURS)])
            axes.set_ylim(-1.1, 1.1)
            axes.set_ylabel(what)
        below[2].set_xlabel("seconds; -1: left free")
    return figure


def caption(row: dict[str, object]) -> str:
    """The scores of one clip in words."""
    words = [
        f"{what} {float(row[metric]):.2f}"
        for metric, what in zip(SCORES, ("chroma", "voicing", "velocity"), strict=True)
        if row[metric] != ""
    ]
    return ", ".join(words) + f"\ninstruments {row['instruments_right']} of {row['instruments']}"


def mel(audio: np.ndarray, rate: int) -> np.ndarray:
    """Mel spectrogram in dB [bands, frames], 80 dB down from the loudest."""
    import librosa

    power = librosa.feature.melspectrogram(y=audio, sr=rate, n_fft=FFT, hop_length=HOP, n_mels=BANDS)
    return librosa.power_to_db(power, ref=np.max)


if __name__ == "__main__":
    run_stage(
        main,
        facts="path of format.json of the format whose controls are shown",
        clips="index.csv of the clips that were made, or none",
        scores="the table of what each clip adds to the scores, or none",
        controls="the folder of control files, or none",
        csv="path of the table beside the figure to write",
        svg="path of the figure to write",
        png="path of the same as pixels",
    )
