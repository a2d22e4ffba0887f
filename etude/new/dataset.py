"""A data set from a folder of sound files: what the manifest says of it is found by looking."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import soundfile
import yaml

from etude.audio.folder import Sound, sounds
from etude.config import resolve
from etude.errors import UserError
from etude.new.skeleton import Skeleton
from etude.pipeline.progress import progress

ENOUGH = 500  # clips with families, below which a network taught by them would know too little to judge
TEACHER = "gm_notes"
FEWEST = 3  # recordings: one for each of train, valid and test


def from_folder(skeleton: Skeleton, folder: Path, root: Path) -> Skeleton:
    """The skeleton of a data set that reads ``folder`` as it lies there.

    Raises ``UserError`` for a folder that is missing, holds no sound files, or too few or too short ones.
    """
    place = folder.expanduser().resolve()
    found = sounds(place)
    prepare = resolve(yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8")), root)["prepare"]
    seconds = prepare["chunk_samples"] / prepare["sample_rate"]
    durations = [_duration(place / sound.path) for sound in progress(found, "looking at sound files")]
    counts = [
        _clips(sound, duration, seconds, prepare["remainder"]) for sound, duration in zip(found, durations, strict=True)
    ]
    usable = sum(count > 0 for count in counts)
    if usable < FEWEST:
        raise UserError(
            f"{place}: {usable} of {len(found)} sound files last {prepare['remainder'] * seconds:.2f} s or more, and "
            f"train, valid and test need one each: add longer ones, or lower prepare.remainder in params.yaml"
        )
    clips = sum(counts)
    families = Counter(sound.family for sound in found if sound.family)
    own = len(families) > 1 and clips >= ENOUGH
    made = Skeleton.of("dataset", skeleton.name, root, template="folder").filled(
        place=json.dumps(str(place)),
        files=str(len(found)),
        expect="".join(f"  {json.dumps(pattern)}: {count}\n" for pattern, count in _patterns(place, found).items()),
        clips=str(clips),
        gigabytes=f"{max(sum((place / sound.path).stat().st_size for sound in found) / 1e9, 0.001):.3f}",
        judge=f"# judged_by: {TEACHER}               # own labels, enough of them to teach the judges"
        if own
        else f"judged_by: {TEACHER}                 # whose labels teach the judges; here are too few",
        splits="by folder, train/valid/test as they are called"
        if found[0].split
        else "by the hash of each file, 70 % train, 10 % valid, 20 % test; an instrument may be on both sides",
    )
    remarks = [
        f"{place}: {len(found)} sound files, {sum(durations) / 60:.1f} minutes, about {clips} clips of {seconds:.2f} s",
        f"labels: {_labels(found, families)}",
    ]
    if short := len(found) - usable:
        remarks.append(
            f"{short} files are shorter than {prepare['remainder'] * seconds:.2f} s (prepare.remainder) and will be "
            f"left out; data/prepared/{skeleton.name}/ledger.csv will list them"
        )
    if not own:
        remarks.append(f"its distances are measured by networks that learnt from {TEACHER} (judged_by in the manifest)")
    return replace(made, remarks=tuple(remarks))


def _duration(path: Path) -> float:
    try:
        return soundfile.info(path).duration
    except (soundfile.LibsndfileError, OSError) as error:
        raise UserError(f"{path}: not readable as audio ({error}); replace or remove it") from None


def _clips(sound: Sound, duration: float, seconds: float, remainder: float) -> int:
    """Clips that the prepare step will cut from a file, silence left aside."""
    whole, rest = divmod(duration, seconds)
    count = int(whole) + (rest >= remainder * seconds)
    return min(count, 1) if sound.pitch is not None else count


def _patterns(place: Path, found: list[Sound]) -> dict[str, int]:
    """Patterns that match the files, with how many they match: ``**`` would not follow the links to them."""
    kinds = sorted({(len(sound.path.parts) - 1, sound.path.suffix) for sound in found})
    patterns = ["*/" * depth + f"*{suffix}" for depth, suffix in kinds]
    return {pattern: sum(not path.name.startswith(".") for path in place.glob(pattern)) for pattern in patterns}


def _labels(found: list[Sound], families: Counter) -> str:
    said = []
    if families:
        listed = ", ".join(f"{name} {count}" for name, count in families.most_common(6))
        said.append(f"{len(families)} families ({listed}{', ...' if len(families) > 6 else ''})")
    if found[0].pitch is not None:
        pitches = [sound.pitch for sound in found]
        said.append(f"pitches {min(pitches)} to {max(pitches)}, so each file is one note")
    if found[0].split:
        said.append("splits by folder")
    return "; ".join(said) or "none, neither in the names of folders nor of files"
