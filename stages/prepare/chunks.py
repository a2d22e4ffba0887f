"""From an audio file to canonical clips: mono, one rate, one loudness, one length."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from etude.audio.files import read_audio, to_int16
from etude.audio.resample import resample
from etude.errors import UserError
from etude.midi.note import Note, inside
from stages.prepare.clip import Clip


@dataclass(frozen=True)
class Chunk:
    """Part ``number`` of a file, ``seconds`` long from ``start`` on: int16 ``samples`` [chunk_samples], zero-padded
    at its end, with the notes in it; or None and the ``rule`` that dropped it."""

    number: int
    start: float
    seconds: float
    samples: np.ndarray | None
    notes: list[Note]
    rule: str = ""
    detail: str = ""


def chunks(clip: Clip, settings: SimpleNamespace) -> Iterator[Chunk]:
    """Cut the file of ``clip`` into chunks, those that a rule drops included."""
    audio = _canonical(clip, settings)
    length, rate = settings.chunk_samples, settings.sample_rate
    notes = clip.notes()
    kept = 0
    for number, position in enumerate(range(0, len(audio), length)):
        if clip.kind != "stem" and number:
            return  # the rest of a note is not a clip: protocol.json says so once for all
        part = audio[position : position + length]
        start, seconds = position / rate, len(part) / rate
        sounding = inside(notes, start, start + length / rate)
        rule, detail = _verdict(clip, part, sounding, kept, settings)
        if rule:
            yield Chunk(number, start, seconds, None, [], rule, detail)
        else:
            kept += 1
            yield Chunk(number, start, seconds, to_int16(np.pad(part, (0, length - len(part)))), sounding)


def _canonical(clip: Clip, settings: SimpleNamespace) -> np.ndarray:
    """Mono by the mean of channels, resampled, then one gain for the whole file by the loudness rule: float32
    [samples]."""
    samples, rate = clip.samples() if clip.samples else read_audio(clip.audio)
    if clip.rate and rate != clip.rate:
        raise UserError(
            f"{clip.audio}: sample rate {rate} Hz found, {clip.rate} Hz stated by its data set; fetch it again"
        )
    audio = resample(samples.mean(axis=1), rate, settings.sample_rate)
    return audio * loudness_gain(audio, settings.loudness)


def loudness_gain(audio: np.ndarray, loudness: SimpleNamespace) -> float:
    """Linear gain for ``audio``. Rule "peak": to ``target_db`` dBFS, at most ``max_gain_db``; "none": 1."""
    if loudness.rule == "none":
        return 1.0
    if loudness.rule != "peak":
        raise UserError(f"prepare.loudness.rule is {loudness.rule!r}; it may be peak or none")
    peak = float(np.abs(audio).max())
    limit = 10 ** (loudness.max_gain_db / 20)
    return min(10 ** (loudness.target_db / 20) / peak, limit) if peak > 0 else 1.0


def _verdict(clip: Clip, part: np.ndarray, notes: list[Note], kept: int, settings: SimpleNamespace) -> tuple[str, str]:
    """The rule that drops a chunk and what was found, or two empty strings.

    A single note or phrase is dropped when it is silent; a chunk of a stem only when, besides, its MIDI has no note
    sounding, for a quiet passage that was played is music.
    """
    if len(part) < settings.remainder * settings.chunk_samples:
        return "remainder", f"{len(part)} samples left, {settings.remainder:g} of {settings.chunk_samples} needed"
    level = float(np.sqrt(np.mean(np.square(part, dtype=np.float64))))
    decibels = 20 * np.log10(max(level, 1e-10))
    if decibels < settings.silence_db and (clip.kind != "stem" or not notes):
        playing = "" if clip.kind != "stem" else ", no note sounds"
        return "silence", f"RMS {decibels:.1f} dBFS, {settings.silence_db:g} needed{playing}"
    if clip.kind == "stem" and 0 < settings.max_chunks_per_stem <= kept:
        return "max_chunks_per_stem", f"{kept} chunks of this stem taken already"
    return "", ""
