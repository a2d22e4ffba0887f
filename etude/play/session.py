"""What `etude recombine` and `etude interpolate` share: files in, one file out."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from etude.audio.stream import Levelled, StreamWriter, measure
from etude.errors import UserError
from etude.pipeline.progress import progress
from etude.pipeline.trained import Trained, add_trained_arguments, find_trained
from etude.play.load import load_player
from etude.play.player import Player
from etude.play.render import Mix, Source, planned, render

SILENCE = 2.0**-15  # peak: less than a step of 16-bit audio


def add_session_arguments(parser: ArgumentParser) -> None:
    """Options of both commands."""
    parser.add_argument("--seed", type=int, default=0, help="of the noise that sampling starts from (default: 0)")
    parser.add_argument(
        "--length",
        choices=("longest", "shortest"),
        default="longest",
        help="of the result: the longest file's, shorter ones being repeated, or the shortest's (default: longest)",
    )
    add_trained_arguments(parser)


class Session:
    """A player, the sound files that it reads, and how long the result is to be.

    Raises ``UserError`` for a file that cannot be read, is silent, or is shorter than a sample; and for an output that
    would overwrite one of them.
    """

    def __init__(self, arguments: Namespace, files: Sequence[Path]):
        if arguments.seed < 0:
            raise UserError(f"--seed {arguments.seed}: give 0 or more")
        self.trained: Trained = find_trained(arguments)
        self.seed, self.files = arguments.seed, list(files)
        self.player: Player = load_player(self.trained)
        measured = {file: measure(file, self.player.rate) for file in dict.fromkeys(self.files)}
        for file, (samples, peak) in measured.items():
            if samples == 0:
                raise UserError(f"{file}: shorter than a sample at {self.player.rate} Hz; give a longer file")
            if peak < SILENCE:
                raise UserError(f"{file}: silent from end to end, so there is no level to take; give a file with sound")
        lengths = [measured[file].samples for file in self.files]
        self.samples = (max if arguments.length == "longest" else min)(lengths)
        loudness = self.trained.params["prepare"]["loudness"]
        self.sources = [Source(file, gain(measured[file].peak, loudness), repeat=True) for file in self.files]

    def render(self, mix: Mix, out: Path, what: str) -> Levelled:
        """Write the sound that ``mix`` makes into ``out``; say what was done to keep it below full scale."""
        if any(out.resolve() == file.resolve() for file in self.files):
            raise UserError(f"{out}: is one of the files that are read; choose another place with -o")
        torch.manual_seed(self.seed)  # for samplers that draw noise on their way
        with StreamWriter(out, self.player.rate) as writer:
            seconds = self.samples / self.player.rate
            blocks = render(self.player, self.sources, mix, self.samples, self.seed)
            total = len(planned(self.player, self.samples))
            for block in progress(blocks, f"{what} ({seconds:.1f} s)", total):
                writer.write(block)
            return writer.finish()


def gain(peak: float, loudness: dict[str, Any]) -> float:
    """The factor that brings a file to the loudness that the system was trained at (rule ``peak`` or ``none``)."""
    if loudness["rule"] == "none":
        return 1.0
    return min(10 ** (loudness["target_db"] / 20) / peak, 10 ** (loudness["max_gain_db"] / 20))
