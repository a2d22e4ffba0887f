"""Clips that a controlled system generates, and the sets they are read against (M-35 to M-41, M-43).

``settings.source`` says by what: a ``trained`` system; the same network ``untrained``; the ``codec`` alone, which no
system on its format can beat; or the ``clips`` themselves. Controls are those of the clips of ``settings.split``, taken
by the hash of their names, or, where ``controls`` is a folder, the CSV files in it. Features that ``settings.free``
names are left free (-1). All randomness of a clip depends on its name and on ``noise_seed`` alone: cells of one format
start from the same noise, and a clip does not depend on the batch it is in.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from etude.audio.clips import clip_ids, protocol, read_clips
from etude.controls.file import read_controls
from etude.controls.tracks import FREE, control_features
from etude.errors import UserError
from etude.pipeline.progress import progress
from etude.pipeline.stage import run_stage
from etude.systems.cell import build_cell, load_cell, ready
from etude.systems.controlled import ControlledSystem
from etude.systems.format import Format
from etude.training.arrays import EncodedSplit
from etude.training.seeds import generator_at
from stages.generate.sounding import ClipWriter, SoundWriter, starting_noise


def main(settings, data: Path, codec: Path, weights: Path, controls: Path, clips: Path, out: Path) -> None:
    if settings.source == "clips":
        return copy(settings, clips, out)
    form = Format.load(data.parent)
    writer = ClipWriter(out, codec, settings)
    rate = writer.codec.sample_rate
    writer.samples = round(settings.seconds * rate)
    frames = writer.codec.frames(writer.samples)
    names, tracks = wishes(settings, form, data, controls, frames)
    system = None if settings.source == "codec" else system_of(settings, form, weights)
    split = EncodedSplit(data.parent, settings.split, ("clips",)) if system is None else None
    for start in progress(range(0, len(names), settings.batch), f"generate {out.parent.name} {out.name}"):
        batch = names[start : start + settings.batch]
        if system is None:
            made = split.batch(torch.tensor([split.clips.index(name) for name in batch]))["clips"][..., :frames]
            made = made.long() if form.array == "codes" else made
        else:
            made = generate(system, tracks[start : start + settings.batch], batch, settings)
        writer.write(made, [{"clip": name} for name in batch], weights)
    writer.finish()


def copy(settings, index: Path, out: Path) -> None:
    """The beginnings of the prepared clips of ``settings.split`` as a set of their own."""
    facts = protocol(index)
    writer = SoundWriter(out, facts["sample_rate"], settings)
    samples = round(settings.seconds * facts["sample_rate"])
    for clip, audio in read_clips(index, settings.split, settings.clips or None):
        if len(audio) < samples:
            raise UserError(
                f"{index}: clip {clip} lasts {len(audio) / facts['sample_rate']:g} s, mante2024.generate asks for "
                f"{settings.seconds:g} s; lower it, or raise prepare.datasets.{index.parent.name}.chunk_samples"
            )
        writer.add({"clip": clip}, audio[:samples])
    writer.finish(loudness=facts.get("loudness"))


def wishes(settings, form: Format, data: Path, controls: Path, frames: int) -> tuple[list[str], Tensor]:
    """Names of the clips to make, and their controls float32 [clips, rows, frames] with what is free."""
    if controls.is_dir():
        files = sorted(controls.glob("*.csv"))
        if not files:
            raise UserError(f"{controls}: holds no .csv with controls; put some there, see docs/play.md")
        names = [path.stem for path in files]
        rate = form.frames_per_second
        read = [read_controls(path, form.controls, rate, frames, centre=form.centre) for path in files]
        tracks = torch.from_numpy(np.stack(read))
    else:
        names = clip_ids(data, settings.split, settings.clips or None)
        split = EncodedSplit(data.parent, settings.split, ("controls",))
        tracks = split.batch(torch.tensor([split.clips.index(name) for name in names]))["controls"]
        if tracks.shape[-1] < frames:
            raise UserError(
                f"{data.parent}: clips of {tracks.shape[-1]} frames found, {frames} are needed for "
                f"{settings.seconds:g} s; lower mante2024.generate.seconds"
            )
        tracks = tracks[..., :frames].clone()
    features = control_features(form.controls)
    for feature in settings.free:
        tracks[:, features[feature]] = FREE
    return names, tracks


def system_of(settings, form: Format, weights: Path) -> ControlledSystem:
    """The system of the cell, trained; or drawn anew with only its scaling fitted."""
    if settings.source == "trained":
        return load_cell(settings.cell, form.folder, form.shapes, weights)
    system = build_cell(settings.cell, form.folder, form.shapes)
    if not form.classes:
        system.fit_scale(*EncodedSplit(form.folder, "train", ("clips",)).mean_and_std("clips"))
    return ready(system)


def generate(system: ControlledSystem, tracks: Tensor, names: list[str], settings) -> Tensor:
    """Clips called ``names`` under controls ``tracks`` [clips, rows, frames]."""
    device = next(system.parameters()).device
    noise = starting_noise(names, system.noise_shape(tracks.shape[-1]), settings.noise_seed)
    generators = [generator_at(settings.noise_seed, "on the way", name) for name in names]
    return system.generate(tracks.to(device), noise.to(device), settings.sampler, generators)


if __name__ == "__main__":
    run_stage(
        main,
        data="path of the format's index.csv",
        codec="path of codec.json",
        weights="path of the system's weights.safetensors, or none",
        controls="path of a folder of control files, or none: those of the data set",
        clips="path of the prepared data set's index.csv",
        out="path of the folder to write into",
    )
