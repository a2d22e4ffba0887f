"""The ceiling of a codec: the same facts as ever where it loses the phase, more where it keeps it."""

import numpy as np
import pytest

from etude.codecs import cqt
from etude.pipeline.files import read_csv, write_csv
from etude.pipeline.stage import namespace
from stages.codec.ceiling import ceiling

GRID = {
    "sample_rate": 16000,
    "f_min": 120.0,
    "bins_per_octave": 12,
    "bins": 48,
    "hop": 64,
    "iterations": 4,
    "deviation": 0.5,
}


class Phaseless:
    """Loses the sign of everything."""

    def encode(self, audio):
        return audio[:, None]

    def decode(self, latents, samples, seed):
        return -latents[:, 0]


class Coded(Phaseless):
    """Codes of eight bits."""

    keeps_phase, sample_rate, channels, codebooks, classes = True, 16000, 1, 1, 256

    def frames(self, samples):
        return samples

    def encode_codes(self, audio):
        return ((audio[:, None] + 1) * 127.5).round().long()

    def sum_of_codes(self, codes):
        return codes / 127.5 - 1

    def decode_codes(self, codes, samples, seed):
        return self.sum_of_codes(codes)[:, 0]


def test_where_the_phase_is_lost_nothing_is_said_of_samples(prepared):
    assert set(ceiling(Phaseless(), prepared)) == {
        "clips", "log_spectral_distance", "pitch_original", "pitch_round_trip"
    }  # fmt: skip


def test_a_cqt_is_inverted_and_keeps_the_pitch(prepared):
    codec = cqt.CqtCodec(namespace(GRID))
    facts = ceiling(codec, prepared)
    assert facts["second_trip_snr_db"] > 40 and facts["si_sdr_db"] > 10
    assert facts["pitch_round_trip"] >= facts["pitch_original"] - 0.15
    assert "si_sdr_db_codes" not in facts and "notes_f1_original" not in facts  # single notes have a pitch


def test_codes_and_melodies_have_their_own(prepared, tmp_path):
    """The same clips, without the label of a single pitch, are melodies of one note."""
    rows = [row | {"pitch": ""} for row in read_csv(prepared)]
    write_csv(tmp_path / "index.csv", rows, list(rows[0]))
    for name in ("audio.npy", "notes.csv", "protocol.json"):
        (tmp_path / name).write_bytes(prepared.with_name(name).read_bytes())
    facts = ceiling(Coded(), tmp_path / "index.csv")
    assert 20 < facts["si_sdr_db_codes"] < 60  # eight bits
    assert facts["si_sdr_db"] > 100 and facts["second_trip_snr_db"] == pytest.approx(-6.02, abs=0.01)  # a sign
    scores = [facts[f"notes_f1_{name}"] for name in ("original", "round_trip", "codes")]
    assert all(0 <= score <= 1 for score in scores) and scores[0] == scores[1]
    assert np.isfinite(list(facts.values())).all()
