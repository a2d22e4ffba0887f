"""Import what the stages import, so that a broken installation shows here and not an hour into a run."""

import importlib
import importlib.util
import logging
import sys
import warnings

IMPORTED = (
    "basic_pitch.inference", "dvc.repo", "encodec", "fluidsynth", "librosa", "matplotlib", "mir_eval", "onnxruntime",
    "pandas", "pretty_midi", "safetensors.torch", "scipy.signal", "sklearn", "snakemake",
    "snakemake_executor_plugin_slurm", "soundfile", "soxr", "tensorboard", "torch", "torchaudio", "torchlibrosa",
    "umap", "etude.cli",
)  # fmt: skip
# Not importable as they are installed (what they ask for at import is left out on purpose): there is enough.
PRESENT = ("frechet_audio_distance", "music2latent")

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)  # basic_pitch names each inference back end that it does not find
problems = []
for name in IMPORTED:
    try:
        importlib.import_module(name)
    except Exception as error:  # whatever a broken library throws, the user wants its name
        problems.append(f"{name} ({type(error).__name__}: {error})")
problems += [f"{name} (not installed)" for name in PRESENT if importlib.util.find_spec(name) is None]
if problems:
    sys.exit("setup: installed, but cannot be imported: " + "; ".join(problems))
