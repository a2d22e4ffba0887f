"""A SEANet autoencoder that starts as a linear transform coder, so that training has only to better it.

From random weights such a network learns for thousands of steps before its output has anything to do with its input.
It can as well begin as what it would have to find first: the strided convolutions of the encoder lay successive
samples side by side in channels, the last of them takes the principal components of the block of samples that a frame
brings, turned so that all channels carry alike, and the decoder does it backwards.

Signals are held where the activation, an ELU, is the identity: above zero by an offset, or near zero. Channels that the
transform does not need keep their random weights, and residual branches start at zero.
"""

import numpy as np
import torch
from torch import Tensor, nn

from etude.audio.files import to_float

OFFSET = 1.0  # added to samples, which are in -1..1
NEAR_ZERO = 0.05  # factor on latents of unit variance
FRAMES = 50_000  # of which principal components are taken
WHITENING = 0.5  # 0: components keep their proportions, 1: all alike; in between, codebooks spend bits on weak ones too
WEAKEST = 1e-3  # of the strongest component's deviation: weaker ones, inaudible, are not blown up


@torch.no_grad()
def linear_start(network: nn.Module, audio: np.ndarray) -> None:
    """Set encoder and decoder of ``network``, a model of the package ``encodec`` with weight normalisation and at least
    eight filters, by ``audio`` int16 [clips, samples]. What is random in it comes from torch's own generator."""
    encoder, decoder = network.encoder.model, network.decoder.model
    down = [part.conv.conv for part in encoder if hasattr(part, "conv")]
    up = [(part.convtr.convtr if hasattr(part, "convtr") else part.conv.conv)
          for part in decoder if hasattr(part, "convtr") or hasattr(part, "conv")]  # fmt: skip
    inward, outward = transform(audio, network.encoder.hop_length, network.encoder.dimension)
    inward, outward = NEAR_ZERO * inward, outward / NEAR_ZERO
    for part in (*network.encoder.modules(), *network.decoder.modules()):
        if isinstance(part, nn.LSTM):
            _silence_lstm(part)
        elif type(part).__name__ == "SEANetResnetBlock":
            _make_identity(part)

    _set(down[0], torch.ones(1, 1, 1), OFFSET)
    held = 1
    for layer in down[1:-2]:
        _set(layer, _side_by_side(held, layer.stride[0]), 0.0)
        held *= layer.stride[0]
    taps = inward.reshape(len(inward), -1, held).transpose(1, 2)
    _set(down[-2], taps, -OFFSET * taps.sum((1, 2)))
    unit = torch.eye(len(inward))[..., None]
    _set(down[-1], unit / NEAR_ZERO, 0.0)

    _set(up[0], unit * NEAR_ZERO, 0.0)
    taps = outward.reshape(len(outward), -1, held).transpose(1, 2)
    _set(up[1], taps, OFFSET)
    for layer in up[2:-1]:
        held //= layer.stride[0]
        _set(layer, _side_by_side(held, layer.stride[0]), 0.0)
    _set(up[-1], torch.ones(1, 1, 1), -OFFSET)


def transform(audio: np.ndarray, hop: int, count: int) -> tuple[Tensor, Tensor]:
    """Analysis and synthesis vectors [count, hop] of ``count`` latents of unit variance for each block of ``hop``
    samples of ``audio`` int16 [clips, samples]."""
    clips = max(1, min(len(audio), FRAMES * hop // audio.shape[1]))
    covariance = torch.zeros(hop, hop, dtype=torch.float64)
    for clip in np.linspace(0, len(audio) - 1, clips).round().astype(int):
        blocks = torch.from_numpy(to_float(audio[clip])).unfold(0, hop, hop)
        covariance += (blocks.T @ blocks).double() / (len(blocks) * clips)
    variances, vectors = torch.linalg.eigh(covariance)
    variances, vectors = variances.flip(0)[:count].clamp_min(1e-12), vectors.flip(1)[:, :count].float()
    deviations = variances.clamp_min(WEAKEST**2 * variances[0]).sqrt().float()
    weights = deviations**-WHITENING
    weights = weights / ((weights**2 * variances.float()).sum() / count).sqrt()
    components = vectors.T * vectors.gather(0, vectors.abs().argmax(0, keepdim=True)).sign().T
    rotation = torch.linalg.qr(torch.randn(count, count))[0]
    return rotation @ (weights[:, None] * components), rotation @ (components / weights[:, None])


def _side_by_side(held: int, stride: int) -> Tensor:
    """Weights [held * stride, held, stride] that put ``stride`` successive frames of ``held`` channels into one, in
    the order of time."""
    weights = torch.zeros(stride, held, held, stride)
    for tap in range(stride):
        weights[tap, :, :, tap] = torch.eye(held)
    return weights.reshape(stride * held, held, stride)


def _set(layer: nn.Module, weights: Tensor, bias: float | Tensor) -> None:
    """Let the first channels of ``layer`` be ``weights`` [coarse, fine, taps], a convolution's [out, in, taps] or a
    transposed one's [in, out, taps], on the samples of the present frame, and depend on nothing else; the others stay
    as they are. The kernel of a convolution ends with the present frame, a transposed one's begins with it."""
    strength, direction = layer.weight_g, layer.weight_v
    coarse, fine, taps = weights.shape
    if isinstance(layer, nn.ConvTranspose1d):
        direction[:, :fine] = 0.0
        direction[:coarse, :fine, :taps] = weights
        layer.bias[:fine] = bias
    else:
        direction[:coarse] = 0.0
        direction[:coarse, :fine, -taps:] = weights
        layer.bias[:coarse] = bias
    strength.copy_(direction.norm(dim=(1, 2), keepdim=True))


def _make_identity(block: nn.Module) -> None:
    """A residual block whose shortcut passes everything and whose branch adds nothing yet."""
    last, shortcut = block.block[-1].conv.conv, block.shortcut.conv.conv
    last.weight_g.zero_()
    last.bias.zero_()
    shortcut.weight_v.copy_(torch.eye(len(shortcut.weight_v))[..., None])
    shortcut.weight_g.fill_(1.0)
    shortcut.bias.zero_()


def _silence_lstm(lstm: nn.LSTM) -> None:
    """Let the last layer add nothing: what its cells take in (the third of four gates) is zero."""
    cells = slice(2 * lstm.hidden_size, 3 * lstm.hidden_size)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(lstm, f"{name}_l{lstm.num_layers - 1}")[cells] = 0.0
