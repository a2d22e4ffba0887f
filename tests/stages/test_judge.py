"""The judge step: judge.json and weights, whole or not at all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from etude.embeddings import fingerprint
from etude.pipeline.files import sha256_file

REPOSITORY = Path(__file__).resolve().parents[2]
GM_CNN = {"embedding": "gm_cnn", "seed": 0, "steps": 12, "batch": 8, "lr": 0.003, "width": 4}


def judge(settings: dict, data: Path, out: Path) -> subprocess.CompletedProcess:
    options = ["--settings", json.dumps(settings), "--data", str(data), "--out", str(out)]
    command = [sys.executable, "-m", "stages.judge.judge", *options]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_it_trains_and_says_what_it_made(prepared_set, tmp_path):
    index = prepared_set()
    outs = [tmp_path / name / "judge.json" for name in ("one", "other")]
    done = [judge(GM_CNN, index, out) for out in outs]
    assert [run.returncode for run in done] == [0, 0], done[0].stderr
    facts = json.loads(outs[0].read_text())
    assert facts["embedding"] == "gm_cnn"
    assert facts["weights_sha256"] == sha256_file(outs[0].parent / facts["weights"])
    assert facts["clips"]["train"] > facts["clips"]["valid"] > 0
    assert set(facts["validation"]) == {"step", "family_accuracy", "pitch_f1", "pitch_accuracy"}
    assert f"pitch_accuracy {facts['validation']['pitch_accuracy']:.3g}" in done[0].stdout
    assert len(fingerprint(facts)) == 64
    assert outs[0].read_bytes() == outs[1].read_bytes()  # and with them, by their hash, the weights


@pytest.mark.parametrize(
    "settings, says",
    [
        (
            {"embedding": "vggish", "weights": None, "sha256": None, "seed": 0},
            "judge.vggish.weights in params.yaml is not set",
        ),
        ({"embedding": "clap", "weights": "nowhere", "sha256": None, "seed": 0}, "nowhere"),
        ({"embedding": "pann", "seed": 0}, "no embedding called 'pann'"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(prepared_set, tmp_path, settings, says):
    run = judge(settings, prepared_set(), tmp_path / "judge" / "judge.json")
    assert run.returncode == 2
    assert run.stderr.startswith("error: ") and says in run.stderr and run.stderr.count("\n") == 1
    assert list((tmp_path / "judge").glob("*")) == []
