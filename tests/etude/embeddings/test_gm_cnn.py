"""The trained embedding: its labels, its front end, its training, its weights."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from etude.audio.clips import read_clips
from etude.embeddings import gm_cnn
from etude.errors import UserError
from etude.pipeline.files import read_csv, write_csv
from tests.conftest import make_prepared

SETTINGS = SimpleNamespace(seed=0, steps=120, batch=16, lr=0.004, width=8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Facts and folder of a short training on sines, twice."""
    torch.set_num_threads(1)
    index = make_prepared(tmp_path_factory.mktemp("set") / "sines")
    folders = [tmp_path_factory.mktemp("judge") for _ in range(2)]
    return index, folders, [gm_cnn.obtain(folder, index, SETTINGS) for folder in folders]


def test_it_learns_families_of_notes_it_has_not_heard(trained):
    """Three families: chance is 1/3. Sines are easy, pitches between those of the train split are not."""
    assert trained[2][0]["validation"]["family_accuracy"] > 0.8


def test_training_again_gives_the_same_bytes(trained):
    _, (one, other), (facts, again) = trained
    assert (one / "weights.safetensors").read_bytes() == (other / "weights.safetensors").read_bytes()
    assert facts == again


def test_vectors_are_windows_of_one_second_every_half(trained):
    index, (folder, _), (facts, _) = trained
    embedding = gm_cnn.load(folder, facts)
    audio = torch.from_numpy(np.stack([samples for _, samples in read_clips(index, "test")]))
    vectors = embedding.embed(audio)
    assert vectors.shape == (len(audio), 3, 64)
    assert (vectors >= 0).all() and torch.isfinite(vectors).all()
    alone = embedding.embed(audio[2:3, 8000:24000])
    torch.testing.assert_close(alone[0, 0], vectors[2, 1])
    assert embedding.embed(audio[:, : embedding.shortest]).shape[1] == 1


def test_silence_has_finite_vectors(trained):
    _, (folder, _), (facts, _) = trained
    assert torch.isfinite(gm_cnn.load(folder, facts).embed(torch.zeros(1, 32768))).all()


def test_frames_of_a_window_are_those_of_the_clip():
    """So training on pieces of a clip's frames is training on windows."""
    audio = torch.randn(32768, generator=torch.Generator().manual_seed(0))
    whole = gm_cnn.log_mel(audio)
    for frame in (0, 7, 30):
        window = audio[frame * gm_cnn.STEP : frame * gm_cnn.STEP + gm_cnn.WINDOW]
        torch.testing.assert_close(gm_cnn.log_mel(window), whole[:, frame : frame + gm_cnn.FRAMES])


def test_rounding_to_16_bits_does_not_show():
    time = torch.arange(16000) / 16000
    quiet = 0.01 * torch.sin(2 * torch.pi * 440 * time)
    rounded = torch.round(quiet * 32768) / 32768
    assert (gm_cnn.log_mel(quiet) - gm_cnn.log_mel(rounded)).abs().max() < 0.1


def test_a_window_knows_the_pitches_that_sound_in_it():
    clips = gm_cnn.Labelled(
        [torch.zeros(gm_cnn.BANDS, 61)],
        torch.tensor([0]),
        [np.array([[60, 0.0, 0.5], [64, 0.4, 1.2], [67, 1.1, 2.0], [72, 0.98, 0.985], [30, 1.55, 1.9]])],
    )
    pitches = [clips.window(0, frame)[1].nonzero().flatten().tolist() for frame in (0, 15)]
    assert pitches == [[60, 64, 72], [64, 67, 72]]  # 0-1 s; 0.48-1.48 s: of 60 too little, of 30 nothing is left


def test_other_weights_are_refused(trained, tmp_path):
    _, (folder, _), (facts, _) = trained
    with pytest.raises(UserError, match="not found"):
        gm_cnn.load(tmp_path, facts)
    (tmp_path / "weights.safetensors").write_bytes((folder / "weights.safetensors").read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=f"{facts['weights_sha256']} expected"):
        gm_cnn.load(tmp_path, facts)


def test_clips_shorter_than_a_window_are_refused(prepared_set, tmp_path):
    with pytest.raises(UserError, match=r"lasts 0\.500 s"):
        gm_cnn.obtain(tmp_path, prepared_set(samples=8000), SETTINGS)


def test_a_set_at_another_rate_is_resampled(prepared_set):
    index = prepared_set(rate=22050, samples=45158, pitches=range(60, 63))
    mels = gm_cnn.labelled(index, "train", ["flute", "reed", "string"]).mels
    assert all(mel.shape == (gm_cnn.BANDS, 61) for mel in mels)


def test_a_family_that_was_not_learned_counts_as_wrong(trained):
    index, (folder, _), (facts, _) = trained
    network = gm_cnn.load(folder, facts)._network
    clips = gm_cnn.labelled(index, "valid", ["nothing", "of", "the kind"])
    assert clips.families.eq(-1).all()
    assert gm_cnn.validate(network, clips)["family_accuracy"] == 0


def test_without_a_split_valid_it_says_so(prepared_set, tmp_path):
    index = prepared_set()
    rows = [row | {"split": "train"} for row in read_csv(index)]
    write_csv(index, rows, list(rows[0]))
    with pytest.raises(UserError, match="no clips in split 'valid'"):
        gm_cnn.obtain(tmp_path, index, SETTINGS)
