"""Formats exported from a small prepared data set, as the rule does it (M-03 to M-09)."""

import json

import numpy as np
import pytest
import torch

from etude.audio.files import to_float, to_int16
from etude.codecs import cqt, plugin, seanet
from etude.errors import UserError
from etude.pipeline.files import read_csv, sha256_bytes, write_csv, write_json
from etude.pipeline.stage import namespace
from etude.training.arrays import EncodedSplit
from etude.training.checkpoint import Checkpoint
from stages.encode.formats import main as formats

RATE, SAMPLES = 24000, 48000
INSTRUMENTS = ("piano", "trumpet", "violin")
TRAIN = {"steps": 1, "batch": 2, "lr": 1e-5, "warmup": 1, "schedule": "cosine", "ema": 0.9}
BLOCKS = {
    "cqt": {"sample_rate": RATE, "f_min": 261.63, "bins_per_octave": 12, "bins": 36, "hop": 160, "iterations": 2,
            "deviation": 0.5},
    "seanet": {"filters": 8, "lstm": 0, "bandwidth": 1.5, "kmeans": {"frames": 300, "iterations": 1}, "crop": 2560,
               "spectral": 0.3, "commitment": 0.1, "decay": 0.99, "seed": 0,
               "train": TRAIN | {"log_every": 1, "checkpoint_every": 1}},
    "spectral": {},
}  # fmt: skip
FORMATS = {
    "cqt": {"codec": "cqt", "array": "latents", "storage": "float16"},
    "latents": {"codec": "seanet", "array": "latents", "storage": "float32"},
    "codes": {"codec": "seanet", "array": "codes", "storage": "int16"},
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Index of clips with two notes each, a third silent."""
    folder = tmp_path_factory.mktemp("prepared")
    rows, notes, audio = [], [], []
    time = np.arange(SAMPLES) / RATE
    for k in range(20):
        sound, clip = np.zeros(SAMPLES), f"clip{k:02d}"
        for onset, pitch in ((0.25, 60 + k % 12), (1.0, 48 + k % 12)) if k % 3 else ():
            on = (time >= onset) & (time < onset + 0.5)
            sound += 0.3 * on * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time)
            notes.append({"clip": clip, "pitch": pitch, "onset": onset, "offset": onset + 0.5, "velocity": 127})
        audio.append(to_int16(sound))
        row = {"clip": clip, "row": k, "split": "train" if k < 14 else "valid", "sha256": sha256_bytes(audio[-1].data)}
        rows.append(row | {"instrument": INSTRUMENTS[k % 3], "pitch": ""})
    np.save(folder / "audio.npy", np.stack(audio))
    write_csv(folder / "index.csv", rows, list(rows[0]))
    write_csv(folder / "notes.csv", notes, list(notes[0]))
    write_json(folder / "protocol.json", {"sample_rate": RATE})
    return folder / "index.csv"


@pytest.fixture(scope="module")
def made(prepared, tmp_path_factory):
    """Folder of the formats; the codecs lie beside them."""
    root = tmp_path_factory.mktemp("formats")
    audio = np.load(prepared.with_name("audio.npy"))
    for name, codec in {"cqt": cqt, "seanet": seanet}.items():
        (root / name).mkdir()
        block = namespace(BLOCKS[name])
        facts = codec.obtain(root / name, audio[:14], RATE, block, Checkpoint(root / "scratch" / name))
        write_json(root / name / "codec.json", facts)
    for name in FORMATS:
        export(prepared, root, name, root / name / "format")
    return root


def export(prepared, root, name, out, **changes):
    chosen = FORMATS.get(name, FORMATS["latents"]) | changes
    settings = namespace(chosen | {"block": BLOCKS[chosen["codec"]]})
    formats(settings, prepared, root / chosen["codec"] / "codec.json", out)


def facts_of(folder):
    return json.loads((folder / "format.json").read_text())


@pytest.mark.parametrize(
    ("name", "shape", "type_"),
    [("cqt", (2, 36, 301), np.float16), ("latents", (128, 150), np.float32), ("codes", (2, 150), np.int16)],
)
def test_arrays_follow_the_index_and_have_the_formats_shape(made, prepared, name, shape, type_):
    folder = made / name / "format"
    assert read_csv(folder / "index.csv") == read_csv(prepared)
    clips, controls = (np.load(folder / f"{array}.npy", mmap_mode="r") for array in ("clips", "controls"))
    assert clips.shape == (20, *shape) and clips.dtype == type_
    assert controls.shape == (20, 5, shape[-1]) and controls.dtype == np.float32
    facts = facts_of(folder)
    assert facts["controls"] == ["velocity", "chroma", *INSTRUMENTS] and facts["frames"] == shape[-1]
    expected = {"cqt": (150.0, 0.0, None), "latents": (75.0, 0.5, None), "codes": (75.0, 0.5, 1024)}[name]
    assert (facts["frames_per_second"], facts["centre"], facts["classes"]) == expected
    assert (facts["codec"], facts["array"]) == (FORMATS[name]["codec"], FORMATS[name]["array"])


@pytest.mark.parametrize("name", FORMATS)
def test_the_arrays_are_bit_for_bit_what_the_codec_gives(made, prepared, name):
    chosen = FORMATS[name]
    codec = plugin(chosen["codec"]).load(made / chosen["codec"], namespace(BLOCKS[chosen["codec"]]))
    audio = torch.from_numpy(to_float(np.load(prepared.with_name("audio.npy"))[:16]))
    with torch.inference_mode():
        expected = (codec.encode_codes if chosen["array"] == "codes" else codec.encode)(audio).numpy()
    stored = np.load(made / name / "format" / "clips.npy", mmap_mode="r")[:16]
    np.testing.assert_array_equal(stored, expected.astype(chosen["storage"]))


@pytest.mark.parametrize("name", FORMATS)
def test_controls_tell_notes_and_instrument_within_a_frame(made, prepared, name):
    facts = facts_of(made / name / "format")
    controls = np.load(made / name / "format" / "controls.npy")
    middles = (np.arange(facts["frames"]) + facts["centre"]) / facts["frames_per_second"]
    notes = read_csv(prepared.with_name("notes.csv"))
    for k, row in enumerate(read_csv(prepared)):
        expected = np.zeros((5, facts["frames"]), np.float32)
        for note in notes:
            if note["clip"] == row["clip"]:
                on = (middles >= float(note["onset"])) & (middles < float(note["offset"]))
                expected[0, on], expected[1, on] = 1.0, int(note["pitch"]) % 12 / 11
        expected[2 + INSTRUMENTS.index(row["instrument"])] = 1.0
        np.testing.assert_allclose(controls[k], expected, atol=1e-7)


def test_training_reads_them_as_they_are(made):
    split = EncodedSplit(made / "codes" / "format", "valid", ("clips", "controls"))
    batch = split.batch(torch.tensor([3, 0]))
    stored = np.load(made / "codes" / "format" / "clips.npy")
    assert torch.equal(batch["clips"].long(), torch.from_numpy(stored[[17, 14]]).long())
    assert len(split) == 6 and split.shapes == {"clips": (2, 150), "controls": (5, 150)}


def test_exported_again_the_bytes_are_the_same(made, prepared, tmp_path):
    export(prepared, made, "codes", tmp_path)
    for name in ("clips.npy", "controls.npy", "format.json", "index.csv"):
        assert (tmp_path / name).read_bytes() == (made / "codes" / "format" / name).read_bytes()


def test_a_codec_that_cannot_give_the_array_is_one_sentence(made, prepared, tmp_path):
    with pytest.raises(UserError, match="codec cqt has no codes; set array to latents"):
        export(prepared, made, "codes", tmp_path, codec="cqt")
    assert not list(tmp_path.iterdir())
