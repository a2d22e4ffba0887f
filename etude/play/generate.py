"""`etude generate`: a melody under controls that one draws, of any length (M-47, M-55).

    etude generate --system edm_best --control line.csv -o out.wav

The control file says, over time, how loud, which pitch class and which instrument; -1, or a column that is not there,
leaves it to the system. What is heard of it is measured in the sound and printed.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import numpy as np
from tabulate import tabulate

from etude.audio.stream import StreamWriter
from etude.codecs import plugin
from etude.config.cells import described_cell
from etude.controls.asked import asked
from etude.controls.file import read_controls
from etude.controls.tracks import FREE
from etude.embeddings._families import FamilyJudge
from etude.errors import UserError
from etude.metrics import controls as fidelity
from etude.pipeline.progress import progress
from etude.pipeline.stage import namespace
from etude.pipeline.trained import TrainedCell, add_cell_arguments, find_cell
from etude.play.controlled import ControlledPlayer
from etude.systems.cell import load_cell
from etude.systems.format import Format

WORDS = {
    "chroma_accuracy": ("chroma", "frames with the pitch class asked for", 1 / 12),
    "voicing_accuracy": ("sound and silence", "mean of both, where they are asked for", 1 / 2),
    "velocity_correlation": ("velocity", "correlation of log velocity and level of notes", 0.0),
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of `etude generate`."""
    parser.add_argument("--control", required=True, type=Path, metavar="CSV", help="control file, see docs/play.md")
    parser.add_argument("--rate", type=float, help="rows of the control file per second, where it has no column time")
    parser.add_argument("-o", "--out", required=True, type=Path, help="sound file to write, .wav or .flac")
    parser.add_argument("--seconds", type=float, help="length of the sound (default: the control file's)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise that sampling starts from (default: 0)")
    parser.add_argument("--steps", type=int, help="of the sampler (default: those of mante2024.samplers)")
    parser.add_argument("--guidance", type=float, help="above 0: controls are followed more strictly (default: 0)")
    add_cell_arguments(parser)


def execute(arguments: Namespace) -> int:
    """Write the sound, print what is heard of its controls; returns the exit status."""
    for name, least in (("seed", 0), ("steps", 1), ("guidance", -1)):
        value = getattr(arguments, name)
        if value is not None and not value >= least:
            raise UserError(f"--{name} {value:g}: give {least} or more")
    if arguments.seconds is not None and not 0 < arguments.seconds < float("inf"):
        raise UserError(f"--seconds {arguments.seconds:g}: give a number above 0")
    if arguments.out.resolve() == arguments.control.resolve():
        raise UserError(f"{arguments.out}: is the control file; choose another place with -o")
    trained = find_cell(arguments)
    player = load_player(trained, arguments)
    form = player.form
    tracks = read_controls(
        arguments.control, form.controls, form.frames_per_second, rows_per_second=arguments.rate, centre=form.centre
    )
    if arguments.seconds is not None:
        tracks = fitted(tracks, arguments.seconds * form.frames_per_second)
    seconds = tracks.shape[1] / form.frames_per_second
    sound = []
    with StreamWriter(arguments.out, player.rate) as writer:
        blocks = player.render(tracks, arguments.seed)
        for block in progress(blocks, f"generate ({seconds:.1f} s)", len(player.firsts(tracks.shape[1]))):
            writer.write(block)
            sound.append(block)
        levelled = writer.finish()
    words = f", turned down by {-levelled.gain_db:.1f} dB" if levelled.gain_db < -0.05 else ""
    print(f"{arguments.out}: {seconds:.2f} s by {trained}, noise seed {arguments.seed}{words}")
    print(heard(np.concatenate(sound), player.rate, tracks, form, trained))
    return 0


def load_player(trained: TrainedCell, arguments: Namespace) -> ControlledPlayer:
    """The player of ``trained`` with its sampler as ``arguments`` change it."""
    params, form = trained.params, Format.load(trained.format_folder)
    codec = plugin(trained.codec).load(trained.codec_facts.parent, namespace(params["codec"][trained.codec]))
    cell = namespace(described_cell(params, trained.cell, trained.seed))
    system = load_cell(cell, form.folder, form.shapes, trained.weights)
    sampler = dict(params["mante2024"]["samplers"][cell.system])
    sampler |= {name: value for name in ("steps", "guidance") if (value := getattr(arguments, name)) is not None}
    most = getattr(cell.block, "steps", None)
    if arguments.steps is not None and most is not None and arguments.steps > most:
        raise UserError(f"--steps {arguments.steps}: {trained.cell} has {most} steps; give so many or fewer")
    return ControlledPlayer(system, codec, form, namespace(sampler))


def fitted(tracks: np.ndarray, frames: float) -> np.ndarray:
    """``tracks`` [rows, frames] cut, or with their last frame held, to ``frames``."""
    frames = max(1, round(frames))
    return np.pad(tracks[:, :frames], ((0, 0), (0, max(0, frames - tracks.shape[1]))), mode="edge")


def heard(audio: np.ndarray, rate: int, tracks: np.ndarray, form: Format, trained: TrainedCell) -> str:
    """A table: of each control that was given, how much of it is heard."""
    wish = asked(tracks, form.controls, form.frames_per_second)
    found = fidelity.hear(audio, rate, len(wish), form.frames_per_second)
    cases = fidelity.counts(wish.velocity, wish.pitch_class, wish.frame_rate, found)[None]
    lines = []
    for metric, (name, words, chance) in WORDS.items():
        score = fidelity.score(metric, cases, 1, 0)
        lines.append([name, score and score[0], chance, words if score else "left free, or too little to tell from"])
    if trained.judge.exists():
        family = FamilyJudge.load(trained.judge, trained.prepared)
        right, players = family.agreement(family.shares(audio, rate), wish.instrument, wish.players, wish.frame_rate)
        share = right / players if players else None
        words = f"{right} of {players} found" if players else "left free"
        lines.append(["instrument", share, 1 / len(wish.players), words])
    free = int((tracks == FREE).any(axis=0).sum())
    table = tabulate(lines, ["control", "heard", "by chance", ""], floatfmt=".2f", missingval="–")
    without = "" if trained.judge.exists() else f"\n`etude run {trained.judge}` makes the judge of instruments."
    return f"\n{table}{without}" + (f"\n{free} of {tracks.shape[1]} frames leave something free." if free else "")
