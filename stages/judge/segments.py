"""Sounds from which the timbre metric learns what "the same instrument" is, and triplets of them (P-32).

From a prepared data set: its clips, an instrument being the label ``instrument``, or the file a clip was cut from. From
a folder of multitrack recordings (Mixing Secrets): segments of 8 s, an instrument being a file.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from etude.audio.clips import clip_ids, read_clips, sample_rate
from etude.audio.files import read_audio
from etude.errors import UserError
from etude.metrics.timbre import SECONDS, mfcc
from etude.pipeline.files import read_csv
from etude.pipeline.progress import progress

SUFFIXES = (".wav", ".flac")
AMBIENT = ("over", "room")  # microphones that hear more than one instrument; "over" also says overhead
FILES_PER_SONG, SEGMENTS_PER_FILE = 12, 6
SILENCE_DB, SILENT_PART = -60.0, 0.5  # of a segment at most
FRAME = 0.05  # seconds, to find silence
TRIES = 64  # for a random negative


@dataclass(frozen=True)
class Segments:
    """``features``: MFCCs [segments, 12, frames]. Per segment, "" where unknown: ``instrument`` (what positives share),
    ``family``, ``pitch``, and ``song`` (what negatives must not share, where it is known)."""

    features: np.ndarray
    instrument: list[str]
    family: list[str]
    pitch: list[str]
    song: list[str]

    def __len__(self) -> int:
        return len(self.features)

    def __add__(self, other: "Segments") -> "Segments":
        return Segments(
            np.concatenate([self.features, other.features]),
            self.instrument + other.instrument,
            self.family + other.family,
            self.pitch + other.pitch,
            self.song + other.song,
        )


def of_dataset(index: Path, splits: Sequence[str], limit: int, positive: str) -> Segments:
    """At most ``limit`` clips (0: all) of each of ``splits`` of a prepared data set.

    ``positive`` says what makes two clips one instrument: "instrument", the label, or "file", the recording, unless
    there is but one clip of each. Without labels it is the file.
    """
    rows = {row["clip"]: row for row in read_csv(index)}
    rate, ids, features = sample_rate(index), [], []
    for split in splits:
        found = clip_ids(index, split, limit or None)
        stream = progress(read_clips(index, split, limit or None), f"MFCC of {split}", total=len(found))
        features += [mfcc(audio, rate) for _, audio in stream]
        ids += found
    chosen = [rows[clip] for clip in ids]
    labelled = all(row["instrument"] for row in chosen)
    single = len({row["source"] for row in chosen}) == len(chosen)
    by_label = labelled and (positive == "instrument" or single)
    return Segments(
        np.stack(features),
        [row["instrument"] if by_label else row["source"] for row in chosen],
        [row["family"] for row in chosen],
        [row["pitch"] for row in chosen],
        ["" if by_label else row["track"] for row in chosen],
    )


def of_folder(folder: Path, seed: int) -> Segments:
    """Segments of the multitracks ``<folder>/<song>/**/<file>``: at most 12 files a song, 6 segments a file, none that
    begins in silence or is silent for more than half. Raises ``UserError`` when there are none."""
    features, instruments, songs = [], [], []
    for song in progress(sorted(path for path in folder.iterdir() if path.is_dir()), f"MFCC of {folder.name}"):
        files = [path for path in sorted(song.rglob("*")) if path.suffix.lower() in SUFFIXES]
        files = [path for path in files if not any(word in path.stem.lower() for word in AMBIENT)]
        generator = Random(f"{seed} {song.name}")
        for path in generator.sample(files, min(FILES_PER_SONG, len(files))):
            samples, rate = read_audio(path)
            for segment in _segments(samples.mean(axis=1), rate, generator):
                features.append(mfcc(segment, rate))
                instruments.append(str(path.relative_to(folder)))
                songs.append(song.name)
    if len(set(songs)) < 2:
        raise UserError(
            f"{folder}: {len(set(songs))} songs with sounding files found, 2 or more folders with .wav or .flac "
            "expected; correct timbre.mixing_secrets in params.yaml or set it to null"
        )
    nothing = [""] * len(songs)
    return Segments(np.stack(features), instruments, nothing, list(nothing), songs)


def _segments(audio: np.ndarray, rate: int, generator: Random) -> Iterator[np.ndarray]:
    frame, length = round(FRAME * rate), SECONDS * rate
    frames = audio[: len(audio) // frame * frame].reshape(-1, frame)
    sounding = np.sqrt((frames.astype(np.float64) ** 2).mean(axis=1)) > 10 ** (SILENCE_DB / 20)
    width = length // frame
    starts = [
        start
        for start in range(0, len(sounding) - width + 1, width)
        if sounding[start] and sounding[start : start + width].mean() > SILENT_PART
    ]
    for start in sorted(generator.sample(starts, min(SEGMENTS_PER_FILE, len(starts)))):
        yield audio[start * frame : start * frame + length]


class Triplets:
    """Draws (anchor, positive, negative): two segments of one instrument and one of another.

    ``first``: anchors and positives are segments from this position on; negatives may be any.
    """

    def __init__(self, segments: Segments, first: int = 0):
        self.segments = segments
        self._same = {
            name: [i for i in members if i >= first] for name, members in _groups(segments.instrument).items()
        }
        self._alike = {
            "pitch and family": _groups(list(zip(segments.pitch, segments.family, strict=True))),
            "pitch": _groups(segments.pitch),
            "family": _groups(segments.family),
        }
        self.anchors = [i for members in self._same.values() for i in members if len(members) > 1]
        if not self.anchors or len(self._same) < 2:
            raise UserError(
                f"the timbre metric needs two instruments, one of them with two clips at least; {len(segments)} clips "
                f"of {len(self._same)} found: raise timbre.clips in params.yaml or use a larger data set"
            )

    def draw(self, generator: Random, hard: float) -> tuple[int, int, int]:
        """One triplet; with probability ``hard`` the negative has the anchor's pitch, or else is of its family."""
        anchor = generator.choice(self.anchors)
        positive = self._positive(generator, anchor)
        alike = ("pitch", "family") if generator.random() < hard else ()
        return anchor, positive, self._negative(generator, anchor, alike)[0]

    def hardest(self, generator: Random, number: int) -> list[tuple[tuple[int, int, int], str]]:
        """``number`` triplets whose negative shares as much with the anchor as can be found (pitch and family, else
        pitch, else family), each with the name of what it shares; "nothing" if that is so."""
        found = []
        for _ in range(number):
            anchor = generator.choice(self.anchors)
            positive = self._positive(generator, anchor)
            negative, shared = self._negative(generator, anchor, tuple(self._alike))
            found.append(((anchor, positive, negative), shared))
        return found

    def _positive(self, generator: Random, anchor: int) -> int:
        """Another segment of the anchor's instrument, of another pitch if there is one: pitch must not give it away."""
        same = [i for i in self._same[self.segments.instrument[anchor]] if i != anchor]
        other = [i for i in same if self.segments.pitch[i] != self.segments.pitch[anchor]]
        return generator.choice(other or same)

    def _negative(self, generator: Random, anchor: int, alike: Sequence[str]) -> tuple[int, str]:
        for name in alike:
            if candidates := [i for i in self._neighbours(name, anchor) if self._differs(i, anchor)]:
                return generator.choice(candidates), name
        for _ in range(TRIES):
            other = generator.randrange(len(self.segments))
            if self._differs(other, anchor):
                return other, "nothing"
        candidates = [i for i in range(len(self.segments)) if self._differs(i, anchor)]
        if not candidates:
            raise UserError(
                f"the timbre metric found no clip of another instrument than {self.segments.instrument[anchor]}; "
                "use a larger data set"
            )
        return generator.choice(candidates), "nothing"

    def _neighbours(self, name: str, anchor: int) -> list[int]:
        key = {
            "pitch and family": (self.segments.pitch[anchor], self.segments.family[anchor]),
            "pitch": self.segments.pitch[anchor],
            "family": self.segments.family[anchor],
        }[name]
        known = all(key) if isinstance(key, tuple) else bool(key)
        return self._alike[name][key] if known else []

    def _differs(self, other: int, anchor: int) -> bool:
        segments = self.segments
        if segments.instrument[other] == segments.instrument[anchor]:
            return False
        return not segments.song[anchor] or segments.song[other] != segments.song[anchor]


def _groups(keys: Sequence) -> dict:
    groups = defaultdict(list)
    for position, key in enumerate(keys):
        groups[key].append(position)
    return groups
