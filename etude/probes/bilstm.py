"""The probe for what sounds when (P-29): levels resampled to the label rate, a two-layer BiLSTM, a dense layer."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

LAYERS = 2


class BiLSTMProbe(nn.Module):
    """Levels [members, clips, width, frames] to logits [members, clips, ``label_frames``, pitches].

    ``marginals`` [pitches], in 0..1, is how often each pitch sounds: the probe starts by saying just that, and goes on
    saying it of a pitch that is not in ``heard`` (bool [pitches]), one that no training clip has.
    """

    def __init__(
        self,
        width: int,
        hidden: int,
        label_frames: int,
        marginals: Tensor,
        heard: Tensor,
        generators: Sequence[torch.Generator],
    ):
        super().__init__()
        self.label_frames = label_frames
        logits = torch.logit(marginals.float())
        # Torch's own LSTM, one after another: on a CPU it is three times as fast as all members in batched products.
        self.members = nn.ModuleList()
        for generator in generators:
            with torch.random.fork_rng():
                torch.manual_seed(generator.initial_seed())
                lstm = nn.LSTM(width, hidden, LAYERS, bidirectional=True, batch_first=True)
                head = nn.Linear(2 * hidden, int(heard.sum()))
            with torch.no_grad():
                head.bias.copy_(logits[heard])
            self.members.append(nn.ModuleDict({"lstm": lstm, "head": head}))
        self.register_buffer("prior", logits)
        self.register_buffer("heard", heard.nonzero().flatten())

    def forward(self, levels: Tensor) -> Tensor:
        """Logits of all pitches."""
        logits = self.heard_logits(levels)
        whole = self.prior.expand(*logits.shape[:-1], -1).clone()
        whole[..., self.heard] = logits
        return whole

    def heard_logits(self, levels: Tensor) -> Tensor:
        """Logits [members, clips, label frames, heard pitches]: what there is to train."""
        return torch.stack([self._member(*pair) for pair in zip(self.members, levels, strict=True)])

    def _member(self, member: nn.ModuleDict, levels: Tensor) -> Tensor:
        states, _ = member["lstm"](resample(levels, self.label_frames).transpose(1, 2))
        return member["head"](states)

    def parameters_of(self, member: int) -> list[Tensor]:
        return list(self.members[member].parameters())


def resample(levels: Tensor, frames: int) -> Tensor:
    """Levels [clips, width, frames'] to [clips, width, frames], linearly between the frames' centres."""
    return levels if levels.shape[-1] == frames else functional.interpolate(levels, size=frames, mode="linear")


def roll_loss(logits: Tensor, rolls: Tensor) -> Tensor:
    """Binary cross-entropy in nats of each member: [members, clips, frames, pitches], mean over all but members."""
    # ln(1 + e^x) - x y: half the time of torch's own.
    return (functional.softplus(logits) - logits * rolls.to(logits.dtype)).flatten(1).mean(dim=1)
