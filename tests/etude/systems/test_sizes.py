"""params.yaml at paper scale builds the released networks (P-08, P-11, P-23)."""

from pathlib import Path

import pytest
import yaml

from etude.audio.mel import mel_shapes
from etude.config import resolve
from etude.pipeline.stage import namespace
from etude.systems import plugin

ROOT = Path(__file__).parents[3]
RAW = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def build(name: str, variant: str):
    params = resolve(RAW | {"scale": "paper", "variant": variant}, ROOT)
    mel = params["encode"]["mel"]
    mels = mel_shapes(mel["samples"], mel["bands"], mel["hop"])
    shapes = {"latents": (64, 32)} | {f"mel{k}": shape for k, shape in enumerate(mels, start=1)}
    return plugin(name).build(namespace(params["systems"][name]), shapes)


def millions(module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def test_multi_scale_system_has_the_released_parameter_counts():
    system = build("msdae", "released")
    assert millions(system.unet) == pytest.approx(20.1347, abs=5e-5)
    assert [round(millions(encoder), 4) for encoder in system.encoders] == [1.0426] * 3
    assert sum(map(millions, system.encoders)) == pytest.approx(3.1279, abs=5e-5)


def test_hdae_has_the_parameter_counts_of_the_released_configuration_3():
    system = build("hdae", "released")
    assert millions(system.unet) == pytest.approx(15.350, abs=5e-4)
    assert millions(system.encoder) == pytest.approx(1.058, abs=5e-4)


@pytest.mark.parametrize("variant", ["text", "corrected"])
@pytest.mark.parametrize("name", ["hdae", "msdae"])
def test_other_variants_differ_in_where_conditions_join_only(name, variant):
    """Conditions at other places change a few convolutions; the networks stay the same size within 2 %."""
    assert millions(build(name, variant)) == pytest.approx(millions(build(name, "released")), rel=0.02)
