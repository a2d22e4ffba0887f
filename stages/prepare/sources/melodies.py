"""Reader of any folder of MIDI files: phrases of one melody, each played by one instrument (M-01, M-02).

Of each file one track that is no drums becomes monophonic, is cut into windows as long as a clip, and brought into the
range by octaves. Each window gets an instrument and a swell of its velocities, drawn from ``settings.seed``, the bytes
of its file and its number alone, and is rendered by FluidSynth. Files, not windows, are split: in the order of their
sha256, which is that of chance, the first ones are test, the next valid, the rest train.

Whatever is left out is listed: files (empty, corrupt, too large, too long, no melody, polyphonic, duplicate) and
windows (too little music, out of range, repeated, enough clips).
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pretty_midi

from etude.errors import UserError
from etude.midi.monophony import MONOPHONY
from etude.midi.note import Note, inside
from etude.midi.read import notes_of, read_midi
from etude.midi.swell import draw_swell
from etude.midi.tracks import TRACKS
from etude.midi.transposition import OCTAVE, TRANSPOSITIONS
from etude.pipeline.files import read_csv, sha256_file
from etude.pipeline.stage import plain
from etude.synth.fluid import render, soundfont
from stages.prepare.clip import Clip, Dropped

SUFFIXES = (".mid", ".midi")
RECORDED = (
    "programs", "track", "monophony", "pitches", "transposition", "shortest", "minimum", "velocity", "gain",
    "oversampling", "clips_per_file", "seed",
)  # fmt: skip
TICKS_OF_A_SECOND = 100  # two windows whose notes agree to 10 ms are the same music


class File(NamedTuple):
    """A MIDI file: where it is, its hash and size, and a name that no other has."""

    path: Path
    sha256: str
    bytes: int
    name: str


class Unusable(Exception):
    """A file without a melody: the rule that drops it, and what was found."""


def clips(raw: Path, settings: SimpleNamespace) -> Iterator[Clip | Dropped]:
    """Yield the phrases of the files that ``raw/manifest.csv`` lists.

    Of music that comes twice the one met first is kept: the small splits, test and valid, are served before train.
    Raises ``UserError`` when a split gets no phrase at all.
    """
    low, high = settings.pitches
    if not 0 <= low <= high <= 127 or high - low < OCTAVE - 1:
        raise UserError(
            f"prepare.readers.melodies.pitches is [{low}, {high}]; two MIDI numbers in 0..127 are expected, eleven or "
            "more apart, so that octaves lead into the range"
        )
    files, repeated = _files(raw)
    yield from repeated
    played: dict[tuple, str] = {}
    for split, members in _splits(files, settings.parts).items():
        left_out: Counter[str] = Counter()
        found = 0
        for item in _of_split(members, split, getattr(settings.clips, split), played, settings):
            found += isinstance(item, Clip)
            if isinstance(item, Dropped):
                left_out[item.rule] += 1
            yield item
        if not found:
            why = ", ".join(f"{count} {rule}" for rule, count in sorted(left_out.items())) or "no files"
            raise UserError(
                f"{raw}: of {len(files)} MIDI files {len(members)} fell to split {split}, and they give no clip "
                f"({why}); add files, or change what prepare.readers.melodies in params.yaml leaves out"
            )


def protocol(settings: SimpleNamespace) -> dict[str, Any]:
    """What this reader chooses, for protocol.json. ``instruments`` is the order of the rows of the controls (M-09)."""
    return {
        "chunks_taken": "windows of a melody, rendered; a window is a clip",
        "instruments": [program["name"] for program in settings.programs],
        "melodies": {key: plain(getattr(settings, key)) for key in RECORDED},
        "soundfont": {"name": soundfont().name, "sha256": sha256_file(soundfont())},
    }


def _files(raw: Path) -> tuple[list[File], list[Dropped]]:
    """The MIDI files in the order of their hashes, and those that are copies of one before them."""
    rows = sorted(read_csv(raw / "manifest.csv"), key=lambda row: (row["sha256"], row["path"]))
    rows = [row for row in rows if Path(row["path"]).suffix.lower() in SUFFIXES]
    if not rows:
        raise UserError(f"{raw}: no file ends in {' or '.join(SUFFIXES)}; put MIDI files there and fetch it again")
    stems = Counter(Path(row["path"]).stem for row in rows)
    files: list[File] = []
    repeated = []
    for row in rows:
        path = raw / row["path"]
        if files and files[-1].sha256 == row["sha256"]:
            repeated.append(Dropped(path, "duplicate", f"the same bytes as {files[-1].path.relative_to(raw)}"))
            continue
        name = path.stem if stems[path.stem] == 1 else f"{path.stem}-{row['sha256'][:8]}"
        files.append(File(path, row["sha256"], int(row["bytes"]), name))
    return files, repeated


def _splits(files: list[File], parts: SimpleNamespace) -> dict[str, list[File]]:
    test, valid = (max(1, round(part * len(files))) for part in (parts.test, parts.valid))
    return {"test": files[:test], "valid": files[test : test + valid], "train": files[test + valid :]}


def _of_split(
    files: list[File], split: str, limit: int, played: dict[tuple, str], settings: SimpleNamespace
) -> Iterator[Clip | Dropped]:
    """Phrases of one split until there are ``limit`` (0: no limit). ``played``: notes of phrases so far, by clip."""
    found = 0
    for file in files:
        if 0 < limit <= found:
            yield Dropped(file.path, "enough clips", f"split {split} has its {limit}; not opened")
            continue
        try:
            melody = _melody(file, settings)
        except Unusable as problem:
            yield Dropped(file.path, *problem.args)
            continue
        room = min(settings.clips_per_file or limit or np.inf, limit - found if limit else np.inf)
        for item in _phrases(file, melody, split, room, played, settings):
            found += isinstance(item, Clip)
            yield item


def _melody(file: File, settings: SimpleNamespace) -> list[Note]:
    """The one melody of a file, in seconds from its start. Raises ``Unusable``."""
    if not file.bytes:
        raise Unusable("empty", "0 bytes")
    if file.bytes > settings.largest_file:
        raise Unusable("too large", f"{file.bytes} bytes, at most {settings.largest_file} are opened")
    try:
        score = read_midi(file.path)
    except UserError as error:
        raise Unusable("corrupt", str(error).removeprefix(f"{file.path}: ").rpartition(";")[0]) from None
    if (seconds := score.get_end_time()) > settings.longest:
        raise Unusable("too long", f"lasts {seconds:.0f} s, at most {settings.longest:g} are taken")
    tracks = [notes_of(instrument) for instrument in score.instruments if not instrument.is_drum]
    tracks = [notes for notes in tracks if len(notes) >= settings.minimum.notes]
    if not tracks:
        drums = sum(instrument.is_drum for instrument in score.instruments)
        raise Unusable(
            "no melody", f"no track of {settings.minimum.notes} notes but {drums} of drums" if drums else
            f"no track of {settings.minimum.notes} notes"
        )  # fmt: skip
    melody = MONOPHONY[settings.monophony](TRACKS[settings.track](tracks))
    if melody is None:
        raise Unusable("polyphonic", "notes of its melody sound together")
    return [note for note in melody if note.offset - note.onset >= settings.shortest]


def _phrases(
    file: File, melody: list[Note], split: str, room: float, played: dict[tuple, str], settings: SimpleNamespace
) -> Iterator[Clip | Dropped]:
    """The windows of a melody, by chance which first: at most ``room`` as clips, the others with the reason why not."""
    seconds = settings.chunk_samples / settings.sample_rate
    first, last = (melody[0].onset, melody[-1].offset) if melody else (0.0, 0.0)
    windows = range(int(np.ceil((last - first) / seconds)))
    for window in sorted(windows, key=lambda window: _hash(settings.seed, file, window)):
        start = first + window * seconds
        drop = partial(Dropped, file.path, start=start)
        notes = [n for n in inside(melody, start, start + seconds) if n.offset - n.onset >= settings.shortest]
        sounding = sum(note.offset - note.onset for note in notes) / seconds
        if len(notes) < settings.minimum.notes or sounding < settings.minimum.sounding:
            yield drop("too little music", f"{len(notes)} notes, one sounds in {sounding:.0%} of {seconds:g} s")
            continue
        moved = TRANSPOSITIONS[settings.transposition](notes, *settings.pitches)
        if moved is None:
            span = min(note.pitch for note in notes), max(note.pitch for note in notes)
            yield drop("out of range", f"pitches {span[0]} to {span[1]}, no octave brings all into {settings.pitches}")
            continue
        if room <= 0:
            yield drop("enough clips", "the file, or the split, has as many as it may")
            continue
        music = tuple((n.pitch, *(round(t * TICKS_OF_A_SECOND) for t in (n.onset, n.offset))) for n in moved)
        name = f"{file.name}-{window:04d}"
        if (before := played.setdefault(music, name)) != name:
            yield drop("repeated", f"the same notes as {before}")
            continue
        room -= 1
        yield _clip(file, name, split, start, moved, _hash(settings.seed, file, window), settings)


def _clip(
    file: File, name: str, split: str, start: float, notes: list[Note], seed: int, settings: SimpleNamespace
) -> Clip:
    rng = np.random.default_rng(seed)
    program = settings.programs[rng.integers(len(settings.programs))]
    swell = draw_swell(rng, settings.velocity, settings.chunk_samples / settings.sample_rate)
    played = swell.play(notes, settings.velocity.base)
    return Clip(
        id=name,
        audio=file.path,
        kind="phrase",
        split=split,
        group=file.name,
        instrument=program["name"],
        family=pretty_midi.program_to_instrument_class(program["program"]),
        notes=lambda: played,
        track=file.name,
        samples=partial(_play, played, program["program"], settings),
        start=start,
    )


def _play(notes: list[Note], program: int, settings: SimpleNamespace) -> tuple[np.ndarray, int]:
    """The notes as sound: float32 [samples, 1] at the rate of the clips."""
    written = [pretty_midi.Note(note.velocity, note.pitch, note.onset, note.offset) for note in notes]
    sound = render(
        written,
        program,
        settings.chunk_samples,
        settings.sample_rate,
        settings.gain,
        oversampling=settings.oversampling,
    )
    return sound[:, None], settings.sample_rate


def _hash(seed: int, file: File, window: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {file.sha256} {window}".encode()).digest()[:8], "big")
