"""From control tracks to the conditions of a U-Net's levels (M-21, M-22, M-28).

A branch is made for ``rows`` control rows, ``width`` channels and a U-Net of ``depth`` halvings; called with controls
[batch, rows, any frames] and the U-Net's ``frames``, it returns one condition per level 0..depth.
"""

from torch import Tensor, nn
from torch.nn import functional


class LocalBranch(nn.Module):
    """Mirrors the way down of the U-Net: time is halved per layer, the channels stay; level k is [batch, width, frames
    / 2**k] (M-21). Without normalisation, so that a frame of control acts within its receptive field alone.

    Controls at a lower rate than the frames are held (M-53).
    """

    def __init__(self, rows: int, width: int, depth: int):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv1d(width if level else rows, width, 3, stride=2 if level else 1, padding=1)
            for level in range(depth + 1)
        )

    def forward(self, controls: Tensor, frames: int) -> list[Tensor]:
        x = controls if controls.shape[-1] == frames else functional.interpolate(controls, frames, mode="nearest")
        levels = []
        for layer in self.layers:
            x = functional.silu(layer(x))
            levels.append(x)
        return levels


class GlobalBranch(nn.Module):
    """A chain of perceptrons on the controls' mean over time, each fed by the one before: level k is [batch, width, 1]
    (M-22)."""

    def __init__(self, rows: int, width: int, depth: int):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width if level else rows, width) for level in range(depth + 1))

    def forward(self, controls: Tensor, frames: int) -> list[Tensor]:
        x = controls.mean(-1)
        levels = []
        for layer in self.layers:
            x = functional.silu(layer(x))
            levels.append(x[..., None])
        return levels


class TokenBranch(nn.Module):
    """Each frame of control is a token, whatever their rate; all levels are given the same tokens [batch, width,
    control frames] (M-28)."""

    def __init__(self, rows: int, width: int, depth: int):
        super().__init__()
        self.depth = depth
        self.layers = nn.Sequential(nn.Conv1d(rows, width, 1), nn.SiLU(), nn.Conv1d(width, width, 1))

    def forward(self, controls: Tensor, frames: int) -> list[Tensor]:
        return [self.layers(controls)] * (self.depth + 1)
