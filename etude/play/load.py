"""From the files of a trained system to a player."""

import json

import torch

from etude.audio.mel import mel_shapes
from etude.codecs import plugin as codec_plugin
from etude.diffusion.samplers import SamplerSettings
from etude.pipeline.stage import namespace
from etude.pipeline.trained import Trained
from etude.play.player import Mel, Player
from etude.systems import plugin as system_plugin
from etude.training.weights import load_weights


def load_player(trained: Trained) -> Player:
    """The player of ``trained``, on the GPU if there is one.

    Raises ``UserError`` for weights of another network than params.yaml describes.
    """
    params = trained.params
    codec = codec_plugin(trained.codec).load(trained.codec_facts.parent, namespace(params["codec"][trained.codec]))
    window = json.loads(trained.codec_facts.read_text(encoding="utf-8"))["chunk_samples"]
    mel = Mel(**params["encode"]["mel"])
    shapes = {"latents": (codec.channels, codec.frames(window))}
    shapes |= {f"mel{k}": shape for k, shape in enumerate(mel_shapes(mel.samples, mel.bands, mel.hop), start=1)}
    system = system_plugin(trained.system).build(namespace(params["systems"][trained.system]), shapes)
    load_weights(system, trained.weights, f"systems.{trained.system} describes")
    sampler = dict(params["generate"]["sampler"])
    name = sampler.pop("name")
    system.to("cuda" if torch.cuda.is_available() else "cpu")
    return Player(system, codec, mel, window, name, SamplerSettings(**sampler))
