"""Write down the notes that Basic Pitch hears in every clip of a set (P-33), once for all that ask for them.

    python -m stages.judge.transcribe --settings '{"batch": 16, "onset_threshold": 0.5, ...}'
        --clips data/generated/gm_notes/spectral/hdae/0/index.csv --out data/transcriptions/.../notes.csv

`notes.csv` has one row per note: clip, onset, offset (seconds), pitch (MIDI), amplitude (0..1). A clip in which nothing
is heard has no row and is listed in `transcription.json` beside it, with the thresholds and the hash of the network.
"""

import time
from pathlib import Path
from types import SimpleNamespace

from etude.audio import clips as sets
from etude.metrics.transcription import Note, Transcriber, TranscriptionSettings
from etude.pipeline.files import read_csv, sha256_file, write_csv, write_json
from etude.pipeline.progress import progress
from etude.pipeline.stage import plain, run_stage

COLUMNS = ["clip", "onset", "offset", "pitch", "amplitude"]
DIGITS = 6  # of seconds and amplitudes


def transcribe(settings: SimpleNamespace, clips: Path, out: Path) -> None:
    """Settings: split (optional), clips (optional: at most so many), batch, and the thresholds of note creation."""
    chosen = (clips, getattr(settings, "split", None), getattr(settings, "clips", None) or None)
    thresholds = TranscriptionSettings(settings.onset_threshold, settings.frame_threshold, settings.minimum_frames)
    ids, rate = sets.clip_ids(*chosen), sets.sample_rate(clips)
    samples = 0
    began = time.monotonic()

    def audio():
        nonlocal samples
        for _, sound in sets.read_clips(*chosen):
            samples += len(sound)
            yield sound

    transcriber = Transcriber(thresholds)
    found = progress(transcriber.transcribe(audio(), rate, settings.batch), "Basic Pitch", total=len(ids))
    notes = dict(zip(ids, found, strict=True))
    seconds, taken = samples / rate, time.monotonic() - began
    silent = [clip for clip, heard in notes.items() if not heard]
    protocol = {
        "transcriber": "Basic Pitch, ONNX",
        "weights_sha256": network_sha256(),
        "thresholds": plain(settings),
        "clips": len(ids),
        "seconds": round(seconds, 3),
        "set_sha256": sets.set_hash(*chosen),
        "without_notes": silent,
    }
    write_json(out.with_name("transcription.json"), protocol)
    write_csv(out, (_row(clip, note) for clip in ids for note in notes[clip]), COLUMNS)
    count = sum(map(len, notes.values()))
    print(
        f"{clips}: {count} notes in {len(ids)} clips ({len(silent)} without any), {seconds:.0f} s of audio, "
        f"{seconds / taken:.0f} times real time"
    )


def _row(clip: str, note: Note) -> dict[str, str | int]:
    times = {name: f"{getattr(note, name):.{DIGITS}f}" for name in ("onset", "offset", "amplitude")}
    return {"clip": clip, "pitch": note.pitch, **times}


def network_sha256() -> str:
    """Hash of the ONNX file inside the basic-pitch wheel."""
    import basic_pitch

    return sha256_file(str(basic_pitch.build_icassp_2022_model_path(basic_pitch.FilenameSuffix.onnx)))


def read_notes(path: Path) -> dict[str, list[Note]]:
    """The notes of each clip that has any, in the order of their onsets."""
    notes: dict[str, list[Note]] = {}
    for row in read_csv(path):
        note = Note(float(row["onset"]), float(row["offset"]), int(row["pitch"]), float(row["amplitude"]))
        notes.setdefault(row["clip"], []).append(note)
    return notes


if __name__ == "__main__":
    run_stage(transcribe, clips="path of the set's index.csv", out="path of notes.csv to write")
