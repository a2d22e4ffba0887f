"""Make torchaudio import beside a torch built without CUDA.

torchaudio's wheels carry compiled extensions that are linked against CUDA, and importing torchaudio fails where those
libraries cannot be loaded. Where they are not there at all it goes on without: only forced alignment and the RNN-T
loss are lost, which nothing here uses. So they are removed, and only where torch itself has no CUDA.
"""

import importlib.util
from pathlib import Path

import torch

if torch.version.cuda is None:
    package = importlib.util.find_spec("torchaudio")
    for extension in (Path(package.origin).parent / "lib").glob("*.so"):
        extension.unlink()
        print(f"removed {extension.name} of torchaudio: it wants CUDA, and this torch has none")
