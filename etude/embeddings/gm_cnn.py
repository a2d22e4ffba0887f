"""A small log-mel CNN, trained on the labels of the data set that it will measure: the offline default for FAD.

It learns two things at once about a window of audio: the instrument family, and which of the 128 MIDI pitches sound.
The embedding is its 64-dimensional ReLU layer. It is nobody's published embedding: its FADs compare with each
other, on one data set and one set of weights, and with nothing else.
"""

import functools
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
from etude.audio.resample import resample
from etude.embeddings._weights import existing, hashed
from etude.errors import UserError
from etude.pipeline.files import atomic, read_csv
from etude.pipeline.progress import progress

RATE = 16000  # Hz
WINDOW, HOP = 16000, 8000  # samples: one vector per second of audio, every half second
FFT, STEP, BANDS = 2048, 512, 96  # samples of a frame and between two; mel bands
FRAMES = 1 + (WINDOW - FFT) // STEP  # in a window; none reaches beyond it
SILENCE = 1e-4  # added to the mel power, 75 dB below a full-scale sine: what is fainter is not told apart
FRONT_END = (
    f"log(mel + {SILENCE:g}), {BANDS} Slaney bands of the power spectrum, {FFT}-sample Hann frames every {STEP} "
    "samples, none beyond the window; bands standardised over the train split; loudness as it is"
)
DIMENSION = 64
PITCHES = 128
SOUNDS = 0.05  # seconds of a note that must fall into a window for its pitch to be there
PITCH_WEIGHT = 0.5  # of the pitch loss; 1 costs families (.71 for .84 on a random split), 0.2 pitches (F .25 for .90)
CHECKS = 7  # validations during training
CLIPS = 20000  # of a split, at most: their frames are kept in memory (11 kB for each second)
WEIGHTS = "weights.safetensors"


class LogMelCNN(nn.Module):
    """Log-mel frames [batch, bands, frames] to an embedding [batch, 64], and that to labels."""

    def __init__(self, width: int, families: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(BANDS, 1))
        self.register_buffer("std", torch.ones(BANDS, 1))
        channels = [1, width, 2 * width, 4 * width, 4 * width]
        self.blocks = nn.Sequential(*(_block(*pair) for pair in pairwise(channels)))
        self.embedding = nn.Linear(channels[-1] * BANDS // 2 ** len(self.blocks), DIMENSION)
        self.family = nn.Linear(DIMENSION, families)
        self.pitch = nn.Linear(DIMENSION, PITCHES)

    def embed(self, mel: Tensor) -> Tensor:
        """The ReLU layer [batch, 64]. Time is averaged out, frequency is not: it holds the pitch."""
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


def log_mel(audio: Tensor) -> Tensor:
    """Log-mel frames [..., bands, frames] of audio [..., samples] at 16 kHz.

    Frames are not centred: those of a window are the same whether it alone or the whole clip is analysed, so that
    training can cut its windows out of a clip's frames.
    """
    return torch.log(_mel_spectrogram()(audio) + SILENCE)


@functools.cache
def _mel_spectrogram() -> torchaudio.transforms.MelSpectrogram:
    return torchaudio.transforms.MelSpectrogram(
        RATE, n_fft=FFT, hop_length=STEP, n_mels=BANDS, power=2.0, center=False, norm="slaney", mel_scale="slaney"
    )


class GmCnn:
    """The trained network as an :class:`etude.embeddings.Embedding`."""

    sample_rate, dimension, shortest, one_duration = RATE, DIMENSION, WINDOW, False

    def __init__(self, network: LogMelCNN):
        self._network = network.eval()

    @torch.no_grad()
    def embed(self, audio: Tensor) -> Tensor:
        """As :meth:`etude.embeddings.Embedding.embed`. What a clip has after its last full window is not seen."""
        windows = audio.unfold(1, WINDOW, HOP)
        return self._network.embed(log_mel(windows.flatten(0, 1))).unflatten(0, windows.shape[:2])


@dataclass(frozen=True)
class Labelled:
    """Clips of one split with what is known about them."""

    mels: list[Tensor]  # [bands, frames] each
    families: Tensor  # [clips]; -1 for a family that the train split lacks
    notes: list[np.ndarray]  # [notes, 3] each: pitch, onset, offset (seconds)

    def __len__(self) -> int:
        return len(self.mels)

    def window(self, clip: int, frame: int) -> tuple[Tensor, Tensor]:
        """The window beginning at ``frame``: log-mel [bands, frames], and which pitches [128] sound in it."""
        begin = frame * STEP / RATE
        pitches = torch.zeros(PITCHES)
        pitch, onset, offset = self.notes[clip].T
        inside = np.minimum(offset, begin + WINDOW / RATE) - np.maximum(onset, begin)
        pitches[pitch[inside >= np.minimum(SOUNDS, offset - onset)].astype(int)] = 1.0
        return self.mels[clip][:, frame : frame + FRAMES], pitches

    def starts(self, clip: int) -> int:
        """Number of frames at which a window may begin."""
        return self.mels[clip].shape[1] - FRAMES + 1


def obtain(folder: Path, index: Path, settings: Any) -> dict[str, Any]:
    """Train on split ``train``, choose the step by split ``valid``, write the weights into ``folder``.

    ``settings``: seed, steps, batch (windows), lr, width (channels of the first block). Deterministic for a given
    number of threads.
    """
    names = sorted({row["family"] for row in read_csv(index) if row["split"] == "train"})
    train, valid = (labelled(index, split, names) for split in ("train", "valid"))
    torch.manual_seed(settings.seed)
    network = LogMelCNN(settings.width, len(names))
    scores = _fit(network, train, valid, settings)
    with atomic(folder / WEIGHTS) as part:
        save_file(network.state_dict(), part)
    return {
        "dimension": DIMENSION,
        "sample_rate": RATE,
        "window": WINDOW / RATE,
        "hop": HOP / RATE,
        "front_end": FRONT_END,
        "weights": WEIGHTS,
        **hashed(folder / WEIGHTS, None),
        "width": settings.width,
        "families": names,
        "validation": scores,
        "clips": {"train": len(train), "valid": len(valid)},
    }


def load(folder: Path, facts: dict[str, Any]) -> GmCnn:
    """The network from the weights in ``folder``."""
    path = existing(folder / facts["weights"], "gm_cnn", "run the judge step again")
    hashed(path, facts["weights_sha256"])
    network = LogMelCNN(facts["width"], len(facts["families"]))
    network.load_state_dict(load_file(path))
    return GmCnn(network)


def labelled(index: Path, split: str, families: list[str]) -> Labelled:
    """The clips of ``split`` of a prepared data set, their families numbered as in ``families``."""
    family = {row["clip"]: row["family"] for row in read_csv(index)}
    ids, rate = clip_ids(index, split, CLIPS), sample_rate(index)
    notes: dict[str, list[tuple[float, float, float]]] = {clip: [] for clip in ids}
    for note in read_csv(index.parent / "notes.csv"):
        if note["clip"] in notes:
            notes[note["clip"]].append((float(note["pitch"]), float(note["onset"]), float(note["offset"])))
    mels = []
    for clip, samples in progress(read_clips(index, split, CLIPS), f"mel frames of {split}", total=len(ids)):
        samples = resample(samples, rate, RATE)
        if len(samples) < WINDOW:
            raise UserError(
                f"{index}: clip {clip} lasts {len(samples) / RATE:.3f} s, gm_cnn looks at {WINDOW / RATE:g} s at once; "
                "raise prepare.chunk_samples in params.yaml"
            )
        mels.append(log_mel(torch.from_numpy(samples)))
    number = {name: position for position, name in enumerate(families)}
    return Labelled(
        mels,
        torch.tensor([number.get(family[clip], -1) for clip in ids]),
        [np.array(notes[clip], dtype=np.float64).reshape(-1, 3) for clip in ids],
    )


def _fit(network: LogMelCNN, train: Labelled, valid: Labelled, settings: Any) -> dict[str, float | int]:
    """Train in place, end with the weights that did best on ``valid``; returns their scores."""
    frames = torch.cat(train.mels, dim=1)
    network.mean.copy_(frames.mean(dim=1, keepdim=True))
    network.std.copy_(frames.std(dim=1, keepdim=True).clamp(min=1.0))  # a silent band must not be magnified
    del frames
    with torch.no_grad():  # start from how often a pitch sounds, not from one half
        share = torch.stack([train.window(clip, 0)[1] for clip in range(len(train))]).mean(dim=0)
        network.pitch.bias.copy_(torch.logit(share.clamp(1e-4, 1 - 1e-4)))
    generator = torch.Generator().manual_seed(settings.seed)
    optimiser = torch.optim.AdamW(network.parameters(), settings.lr, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.lr, total_steps=settings.steps, pct_start=0.2)
    check_every = -(-settings.steps // CHECKS)
    best: dict[str, float | int] = {}
    kept = {}
    for step in progress(range(1, settings.steps + 1), "gm_cnn", note=lambda: _said(best)):
        network.train()
        clips = torch.randint(len(train), (settings.batch,), generator=generator).tolist()
        frames = [int(torch.randint(train.starts(clip), (), generator=generator)) for clip in clips]
        mels, pitches = zip(*map(train.window, clips, frames), strict=True)
        family, pitch = network(torch.stack(mels))
        # Summed over the 128 pitches, not averaged: an average would hardly count beside the family's term.
        pitch_loss = functional.binary_cross_entropy_with_logits(pitch, torch.stack(pitches), reduction="sum")
        loss = functional.cross_entropy(family, train.families[clips]) + PITCH_WEIGHT * pitch_loss / len(clips)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % check_every == 0 or step == settings.steps:
            if not math.isfinite(loss.item()):
                raise UserError(f"gm_cnn diverged at step {step}: lower judge.gm_cnn.lr in params.yaml")
            scores = {"step": step, **validate(network, valid)}
            if not best or _merit(scores) > _merit(best):
                best.update(scores)
                kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(kept)
    return best


@torch.no_grad()
def validate(network: LogMelCNN, clips: Labelled) -> dict[str, float]:
    """How well ``network`` reads the labels of ``clips``.

    ``family_accuracy``: share of clips whose family is found; ``pitch_accuracy``: share of clips with just one pitch
    whose pitch is found (for both, the mean over a clip's windows decides); ``pitch_f1``: F-measure of the pitches of
    all windows, where one of probability >= 0.5 counts as found.
    """
    network.eval()
    family_right, pitch_right, single = 0, 0, 0
    hits, found, there = 0, 0, 0
    for clip in range(len(clips)):
        frames = range(0, clips.starts(clip), HOP // STEP)
        mels, pitches = zip(*(clips.window(clip, frame) for frame in frames), strict=True)
        family, pitch = network(torch.stack(mels))
        family_right += int(family.softmax(dim=1).mean(dim=0).argmax() == clips.families[clip])
        if len(only := np.unique(clips.notes[clip][:, 0])) == 1:
            single += 1
            pitch_right += int(pitch.sigmoid().mean(dim=0).argmax() == only[0])
        guess, truth = pitch >= 0, torch.stack(pitches) > 0
        hits, found, there = hits + int((guess & truth).sum()), found + int(guess.sum()), there + int(truth.sum())
    scores = {"family_accuracy": family_right / len(clips), "pitch_f1": 2 * hits / max(found + there, 1)}
    return scores | ({"pitch_accuracy": pitch_right / single} if single else {})


def _merit(scores: dict[str, float]) -> float:
    return scores["family_accuracy"] + scores["pitch_f1"]


def _said(scores: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in scores.items())
