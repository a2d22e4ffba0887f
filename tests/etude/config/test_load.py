import copy
from pathlib import Path

import pytest
import yaml

from etude.config import prepare_settings, resolve
from etude.config.schema import Params
from etude.config.variants import VARIANTS
from etude.errors import UserError

ROOT = Path(__file__).parents[3]
RAW = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def changed(path: str, value, scale: str = "laptop") -> dict:
    raw = copy.deepcopy(RAW) | {"scale": scale}
    *folders, key = path.split(".")
    block = raw
    for folder in folders:
        block = block[folder]
    block[key] = value
    return raw


@pytest.mark.parametrize("scale", ["laptop", "smoke", "paper"])
@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_every_scale_and_variant_is_whole(scale, variant):
    params = resolve(RAW | {"scale": scale, "variant": variant}, ROOT)
    assert params["scale"] == scale
    for path, value in VARIANTS[variant].items():
        block = params
        for key in path.split("."):
            block = block[key]
        assert block == value, path


def test_scales_change_what_they_name_and_nothing_else():
    laptop, smoke = resolve(RAW, ROOT), resolve(RAW | {"scale": "smoke"}, ROOT)
    assert smoke["train"]["steps"] == RAW["scales"]["smoke"]["train"]["steps"]
    assert smoke["train"]["lr"] == laptop["train"]["lr"]
    assert smoke["transcription"] == laptop["transcription"]


def test_a_key_that_is_set_wins_over_the_variant():
    assert resolve(changed("systems.msdae.residual", "plain"), ROOT)["systems"]["msdae"]["residual"] == "plain"


def test_the_callers_mapping_is_not_touched():
    before = copy.deepcopy(RAW)
    resolve(RAW, ROOT)
    assert before == RAW


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (changed("train.stepz", 1), r"train\.stepz is not a known key; did you mean steps\?"),
        (changed("trian", {}), r"trian is not a known key; did you mean train\?"),
        (changed("systems.msdae.encoder.chanels", [1]), r"systems\.msdae\.encoder\.chanels .*did you mean channels\?"),
        (changed("codec.spectral.train.lrr", 1), r"codec\.spectral\.train\.lrr .*did you mean lr\?"),
        (changed("train.steps", "many"), r"train\.steps: .*integer, found 'many'"),
        (changed("train.steps", -1), r"train\.steps: .*greater than 0, found -1"),
        (changed("variant", "mended"), r"variant: .*'text', 'released' or 'corrected', found 'mended'"),
        (changed("grid.datasets", ["gm_note"]), r"grid\.datasets names 'gm_note'.*did you mean gm_notes\?"),
        (changed("grid.systems", ["msdea"]), r"grid\.systems names 'msdea'.*did you mean msdae\?"),
        (changed("grid.codecs", ["spectra"]), r"grid\.codecs names 'spectra'.*did you mean spectral\?"),
        (changed("grid.embeddings", ["vgish"]), r"grid\.embeddings names 'vgish'.*did you mean vggish\?"),
        (changed("grid.seeds", [0, 0]), r"grid\.seeds lists something twice"),
        (changed("grid.seeds", []), r"grid\.seeds"),
        (
            changed("grid.priors", ["msdea"]),
            r"grid\.priors names 'msdea', .*not in grid\.systems; did you mean msdae\?",
        ),
        (changed("priors.seeds", [1, 1]), r"priors\.seeds lists something twice"),
        (changed("priors.model.coarser_noise", -0.1), r"priors\.model\.coarser_noise: .*found -0\.1"),
        (changed("codec.spectrall", {}), r"codec\.spectrall is not known; did you mean spectral\?"),
        (changed("scale", "huge"), r"scale is 'huge'; it may be laptop, large, paper, smoke"),
        (changed("prepare.readers.melodies.gian", 2.0), r"prepare\.readers\.melodies\.gian .*did you mean gain\?"),
        (
            changed("prepare.readers.melodies.clips", {"train": 1}),
            r"prepare\.readers\.melodies\.clips\.valid is missing",
        ),
        (changed("prepare.readers.melody", {}), r"prepare\.readers\.melody is not known; did you mean melodies\?"),
        (changed("prepare.datasets.gm_noets", {}), r"prepare\.datasets\.gm_noets is not .*did you mean gm_notes\?"),
        (changed("prepare.datasets.gm_notes", {"gain": 2.0}), r"prepare\.datasets\.gm_notes\.gain is not a known key"),
        (changed("train.checkpoint_every", 75), r"must be a multiple of log_every"),
        (changed("scales.smoke.train.stepz", 1, "smoke"), r"train\.stepz is not a known key"),
        (
            changed("mante2024.cells.edm_best.paradigm", {"scaling": "hlaf"}),
            "edm_best.paradigm.scaling: input should be",
        ),
        (changed("mante2024.cells.edm_best.paradigm", {"scalling": "half"}), "paradigm.scalling is not a known key"),
    ],
)
def test_mistakes_are_one_sentence_that_names_the_key(raw, sentence):
    with pytest.raises(UserError, match=r"^params\.yaml: .*" + sentence) as caught:
        resolve(raw, ROOT)
    assert "\n" not in str(caught.value)


def test_a_reader_and_a_data_set_change_what_they_name_for_themselves():
    raw = changed("prepare.datasets", {"gm_melodies": {"gain": 1.0, "clips": {"train": 7}}, "lakh": {"seed": 3}})
    block = resolve(raw, ROOT)["prepare"]
    common = {key: value for key, value in RAW["prepare"].items() if key not in ("readers", "datasets")}
    assert prepare_settings(block, "gm_notes", "nsynth") == common, "as it was before there were others"
    melodies = prepare_settings(block, "gm_melodies", "melodies")
    assert melodies["gain"] == 1.0 and melodies["clips"] == RAW["prepare"]["readers"]["melodies"]["clips"] | {
        "train": 7
    }
    assert melodies["sample_rate"] == 24000 and melodies["loudness"] == common["loudness"] | {"rule": "none"}
    assert prepare_settings(block, "lakh", "melodies") == melodies | {
        "seed": 3, "gain": RAW["prepare"]["readers"]["melodies"]["gain"],
        "clips": RAW["prepare"]["readers"]["melodies"]["clips"],
    }  # fmt: skip
    assert prepare_settings(block, "a_users_own", "melodies")["chunk_samples"] == 192000


def test_a_missing_block_is_named():
    raw = copy.deepcopy(RAW)
    del raw["encode"]
    with pytest.raises(UserError, match="encode is missing"):
        resolve(raw, ROOT)


def test_every_block_of_the_schema_is_in_the_file():
    assert set(RAW) == set(Params.model_fields) | {"scales"}
