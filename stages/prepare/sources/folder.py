"""Reader of any folder of sound files: labels are what the names of folders and files tell (etude/audio/folder.py).

Where every file has a pitch in its name, each is a single note; otherwise each is a recording, cut into clips one after
another. Folders called train and test are the splits; where there are none, a fifth of the files is ``test`` and a
tenth ``valid``, by the sha256 of their bytes: copies of one recording stay together, whatever they are called. So no
recording is on both sides, but an instrument, or another take of the same piece, may be.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import soundfile

from etude.audio.folder import Sound, sounds
from etude.errors import UserError
from etude.pipeline.files import sha256_file
from stages.prepare.clip import SPLITS, Clip, Note

VALID, TEST = 0.1, 0.2  # shares of the recordings, one of each at least
VELOCITY = 100  # of a note whose name tells none


def clips(raw: Path, settings: SimpleNamespace) -> Iterator[Clip]:
    """Yield the sound files below ``raw``, splits in the order train, valid, test."""
    found = sounds(raw)
    hashes = [sha256_file(raw / sound.path) for sound in found]
    splits = by_hash(hashes) if not found[0].split else {}
    recordings: dict[str, str] = {}  # named after the first file that holds it
    names = Counter(sound.path.with_suffix("") for sound in found)
    placed = []
    for sound, digest in zip(found, hashes, strict=True):
        recording = recordings.setdefault(digest, sound.path.as_posix())
        named = sound.path.with_suffix("")
        twin = sound.path.suffix.replace(".", "_") if names[named] > 1 else ""  # kick.flac beside kick.wav
        split = splits.get(digest, sound.split)
        placed.append(_clip(raw / sound.path, sound, "__".join(named.parts) + twin, split, recording))
    yield from sorted(placed, key=lambda clip: SPLITS.index(clip.split))


def by_hash(hashes: Iterable[str]) -> dict[str, str]:
    """The split of each of ``hashes``: those first in their order are test, the next valid.

    Raises ``UserError`` when there are fewer than three different ones.
    """
    ordered = sorted(set(hashes))
    if len(ordered) < len(SPLITS):
        raise UserError(
            f"{len(ordered)} different recordings found, and train, valid and test need one each: add sound files"
        )
    test = max(1, round(TEST * len(ordered)))
    valid = test + max(1, round(VALID * len(ordered)))
    return {
        digest: "test" if place < test else "valid" if place < valid else "train"
        for place, digest in enumerate(ordered)
    }


def _clip(path: Path, sound: Sound, name: str, split: str, recording: str) -> Clip:
    def notes() -> list[Note]:
        if sound.pitch is None:
            return []
        seconds = soundfile.info(path).duration  # the file has been read by now: it is one
        return [Note(sound.pitch, 0.0, seconds, sound.velocity or VELOCITY)]

    return Clip(
        id=name,
        audio=path,
        kind="stem" if sound.pitch is None else "note",
        split=split,
        group=recording,
        instrument=sound.instrument,
        family=sound.family,
        notes=notes,
        pitch=sound.pitch,
        velocity=sound.velocity,
        track=sound.path.as_posix(),
    )
