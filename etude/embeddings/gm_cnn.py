"""A small log-mel CNN, trained on the labels of the data set that it will measure: the offline default for FAD.

It learns two things at once about a window of audio: the instrument family, and which of the 128 MIDI pitches sound.
The embedding is its 64-dimensional ReLU layer. It is nobody's published embedding: its FADs compare with each
other, on one data set and one set of weights, and with nothing else.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchaudio
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from etude.audio.clips import clip_ids, read_clips, sample_rate
from etude.embeddings._weights import existing, hashed
from etude.errors import UserError
from etude.pipeline.files import atomic, read_csv
from etude.pipeline.progress import progress

PITCHES = 128
SOUNDS = 0.05  # seconds of a note that must fall into a window for its pitch to be there
WEIGHTS = "weights.safetensors"
ADVICE = "run the judge step again"


class LogMelCNN(nn.Module):
    """Log-mel frames [batch, bands, frames] to an embedding [batch, dimension], and that to labels."""

    def __init__(self, bands: int, width: int, dimension: int, families: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(bands, 1))
        self.register_buffer("std", torch.ones(bands, 1))
        channels = [1, width, 2 * width, 4 * width, 4 * width]
        self.blocks = nn.Sequential(*(_block(*pair) for pair in pairwise(channels)))
        height = bands // 2 ** len(self.blocks)
        self.embedding = nn.Linear(channels[-1] * height, dimension)
        self.family = nn.Linear(dimension, families)
        self.pitch = nn.Linear(dimension, PITCHES)

    def embed(self, mel: Tensor) -> Tensor:
        """The ReLU layer [batch, dimension]. Time is averaged out, frequency is not: it holds the pitch."""
        maps = self.blocks(((mel - self.mean) / self.std).unsqueeze(1))
        return torch.relu(self.embedding(maps.mean(dim=3).flatten(1)))

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the family [batch, families] and of each pitch [batch, 128]."""
        vectors = self.embed(mel)
        return self.family(vectors), self.pitch(vectors)


def _block(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(), nn.MaxPool2d(2)
    )


@dataclass(frozen=True)
class FrontEnd:
    """Audio to log-mel frames. Frames are not centred: those of a window are the same whether the window or the whole
    clip is analysed, so training can cut windows out of a clip's frames."""

    rate: int
    bands: int
    fft: int
    step: int  # samples between frames
    window: float  # seconds
    hop: float  # seconds between windows

    def __post_init__(self):
        transform = torchaudio.transforms.MelSpectrogram(
            self.rate,
            n_fft=self.fft,
            hop_length=self.step,
            n_mels=self.bands,
            power=2.0,
            center=False,
            norm="slaney",
            mel_scale="slaney",
        )
        object.__setattr__(self, "_transform", transform)

    @property
    def samples(self) -> int:
        """Samples in a window."""
        return round(self.window * self.rate)

    @property
    def frames(self) -> int:
        """Frames in a window."""
        return 1 + (self.samples - self.fft) // self.step

    def mel(self, audio: Tensor) -> Tensor:
        """Log-mel frames [..., bands, frames] of audio [..., samples]; 1e-6 keeps silence finite."""
        return torch.log(self._transform(audio) + 1e-6)

    def windows(self, audio: Tensor) -> Tensor:
        """All windows [batch, windows, samples] of audio [batch, samples], none beyond the end."""
        return audio.unfold(1, self.samples, round(self.hop * self.rate))

    def __str__(self) -> str:
        return (
            f"log(mel + 1e-6), {self.bands} Slaney bands of the power spectrum, {self.fft}-sample Hann window every "
            f"{self.step} samples at {self.rate} Hz, not centred; bands standardised over the train split"
        )


class GmCnn:
    """The trained network as an :class:`etude.embeddings.Embedding`."""

    one_duration = False

    def __init__(self, network: LogMelCNN, front: FrontEnd):
        self._network, self._front = network.eval(), front
        self.sample_rate, self.shortest = front.rate, front.samples
        self.dimension = network.embedding.out_features

    @torch.no_grad()
    def embed(self, audio: Tensor) -> Tensor:
        """As :meth:`etude.embeddings.Embedding.embed`."""
        windows = self._front.windows(audio)
        vectors = self._network.embed(self._front.mel(windows.flatten(0, 1)))
        return vectors.unflatten(0, windows.shape[:2])


@dataclass(frozen=True)
class Labelled:
    """Clips of one split with what is known about them."""

    mels: list[Tensor]  # [bands, frames] each
    families: Tensor  # [clips]; -1 for a family that the train split lacks
    notes: list[np.ndarray]  # [notes, 3] each: pitch, onset, offset (seconds)

    def __len__(self) -> int:
        return len(self.mels)

    def window(self, clip: int, frame: int, front: FrontEnd) -> tuple[Tensor, Tensor]:
        """The window beginning at ``frame``: log-mel [bands, frames], and which pitches [128] sound in it."""
        begin = frame * front.step / front.rate
        pitches = torch.zeros(PITCHES)
        pitch, onset, offset = self.notes[clip].T
        inside = np.minimum(offset, begin + front.window) - np.maximum(onset, begin)
        pitches[pitch[inside >= np.minimum(SOUNDS, offset - onset)].astype(int)] = 1.0
        return self.mels[clip][:, frame : frame + front.frames], pitches

    def last(self, clip: int, front: FrontEnd) -> int:
        """The last frame at which a window may begin."""
        return self.mels[clip].shape[1] - front.frames


def obtain(folder: Path, index: Path, settings: Any) -> dict[str, Any]:
    """Train on split ``train``, choose the step by split ``valid``, write the weights into ``folder``.

    ``settings``: seed, steps, batch, learning_rate, pitch_weight (of the pitch loss beside the family loss), width
    (channels of the first block), dimension, bands, fft, step (samples between frames), window, hop (seconds),
    check_every (steps between validations), clips (at most so many from each split; 0: all). Training is deterministic
    for a given number of threads.
    """
    front = FrontEnd(sample_rate(index), settings.bands, settings.fft, settings.step, settings.window, settings.hop)
    names = sorted({row["family"] for row in read_csv(index) if row["split"] == "train"})
    train, valid = (_labelled(index, split, names, front, settings.clips or None) for split in ("train", "valid"))
    torch.manual_seed(settings.seed)
    network = LogMelCNN(front.bands, settings.width, settings.dimension, len(names))
    scores = _fit(network, train, valid, front, settings)
    with atomic(folder / WEIGHTS) as part:
        save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, part)
    return {
        "dimension": settings.dimension,
        "sample_rate": front.rate,
        "window": front.window,
        "hop": front.hop,
        "front_end": str(front),
        "weights": WEIGHTS,
        **hashed(folder / WEIGHTS, None),
        "architecture": {
            "bands": front.bands, "fft": front.fft, "step": front.step, "width": settings.width, "families": names
        },
        "validation": scores,
        "train_clips": len(train),
        "valid_clips": len(valid),
    }  # fmt: skip


def load(folder: Path, facts: dict[str, Any]) -> GmCnn:
    """The network from the weights in ``folder``."""
    path = existing(folder / facts["weights"], "gm_cnn", ADVICE)
    hashed(path, facts["weights_sha256"])
    built = facts["architecture"]
    front = FrontEnd(facts["sample_rate"], built["bands"], built["fft"], built["step"], facts["window"], facts["hop"])
    network = LogMelCNN(front.bands, built["width"], facts["dimension"], len(built["families"]))
    network.load_state_dict(load_file(path))
    return GmCnn(network, front)


def _labelled(index: Path, split: str, names: list[str], front: FrontEnd, limit: int | None) -> Labelled:
    family = {row["clip"]: row["family"] for row in read_csv(index)}
    ids = clip_ids(index, split, limit)
    notes: dict[str, list[tuple[float, float, float]]] = {clip: [] for clip in ids}
    for note in read_csv(index.parent / "notes.csv"):
        if note["clip"] in notes:
            notes[note["clip"]].append((float(note["pitch"]), float(note["onset"]), float(note["offset"])))
    mels = []
    for clip, samples in progress(read_clips(index, split, limit), f"mel frames of {split}", total=len(ids)):
        if len(samples) < front.samples:
            raise UserError(
                f"{index}: clip {clip} has {len(samples)} samples, a window of gm_cnn {front.samples}: shorten "
                "judge.gm_cnn.window in params.yaml"
            )
        mels.append(front.mel(torch.from_numpy(samples)))
    number = {name: position for position, name in enumerate(names)}
    return Labelled(
        mels,
        torch.tensor([number.get(family[clip], -1) for clip in ids]),
        [np.array(notes[clip], dtype=np.float64).reshape(-1, 3) for clip in ids],
    )


def _fit(
    network: LogMelCNN, train: Labelled, valid: Labelled, front: FrontEnd, settings: Any
) -> dict[str, float | int]:
    """Train in place, end with the weights that did best on ``valid``; returns their scores."""
    frames = torch.cat(train.mels, dim=1)
    network.mean.copy_(frames.mean(dim=1, keepdim=True))
    network.std.copy_(frames.std(dim=1, keepdim=True) + 1e-3)
    del frames
    generator = torch.Generator().manual_seed(settings.seed)
    with torch.no_grad():  # start from how often a pitch sounds, not from one half
        share = torch.stack([train.window(clip, 0, front)[1] for clip in range(len(train))]).mean(dim=0)
        network.pitch.bias.copy_(torch.logit(share.clamp(1e-4, 1 - 1e-4)))
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.steps, pct_start=0.2
    )
    best: dict[str, float | int] = {}
    kept = {}
    for step in progress(range(1, settings.steps + 1), "gm_cnn", note=lambda: _said(best)):
        network.train()
        clips = torch.randint(len(train), (settings.batch,), generator=generator).tolist()
        starts = [int(torch.randint(train.last(clip, front) + 1, (), generator=generator)) for clip in clips]
        mels, pitches = zip(*(train.window(*place, front) for place in zip(clips, starts, strict=True)), strict=True)
        family, pitch = network(torch.stack(mels))
        # Summed over the 128 pitches, not averaged: an average would hardly count beside the family's term.
        pitch_loss = functional.binary_cross_entropy_with_logits(pitch, torch.stack(pitches), reduction="sum") / len(
            clips
        )
        loss = functional.cross_entropy(family, train.families[clips]) + settings.pitch_weight * pitch_loss
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % settings.check_every == 0 or step == settings.steps:
            if not math.isfinite(loss.item()):
                raise UserError(f"gm_cnn diverged at step {step}: lower judge.gm_cnn.learning_rate in params.yaml")
            scores = {"step": step, **validate(network, valid, front)}
            if not best or _merit(scores) > _merit(best):
                best.update(scores)
                kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(kept)
    return best


@torch.no_grad()
def validate(network: LogMelCNN, clips: Labelled, front: FrontEnd) -> dict[str, float]:
    """Share of clips whose family is found, of clips with one pitch whose pitch is (the mean of a clip's windows
    decides), and the F-measure of pitches over all windows (pitches with probability >= 0.5)."""
    network.eval()
    hop = max(1, round(front.hop * front.rate / front.step))
    family_right, pitch_right, single = 0, 0, 0
    hits, found, there = 0.0, 0.0, 0.0
    for clip in range(len(clips)):
        starts = range(0, clips.last(clip, front) + 1, hop)
        mels, pitches = zip(*(clips.window(clip, start, front) for start in starts), strict=True)
        family, pitch = network(torch.stack(mels))
        family_right += int(family.softmax(1).mean(0).argmax() == clips.families[clip])
        if len(notes := np.unique(clips.notes[clip][:, 0])) == 1:
            single += 1
            pitch_right += int(pitch.sigmoid().mean(0).argmax() == int(notes[0]))
        guessed, truth = pitch >= 0, torch.stack(pitches) > 0
        hits, found, there = (
            hits + float((guessed & truth).sum()),
            found + float(guessed.sum()),
            there + float(truth.sum()),
        )
    scores = {"family_accuracy": family_right / len(clips), "pitch_f1": 2 * hits / max(found + there, 1)}
    return scores | ({"pitch_accuracy": pitch_right / single} if single else {})


def _merit(scores: dict[str, float]) -> float:
    return scores["family_accuracy"] + scores["pitch_f1"]


def _said(scores: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in scores.items())
