"""The other end of gm_cnn: not its embedding but what it takes the instrument to be, second by second."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from etude.audio.resample import resample
from etude.embeddings._weights import existing, hashed
from etude.embeddings.gm_cnn import HOP, RATE, WINDOW, LogMelCNN, log_mel
from etude.errors import UserError
from etude.pipeline.files import read_csv


class FamilyJudge:
    """The family head of a trained gm_cnn as a classifier of instruments.

    ``instruments``: their names in the order of the probabilities. ``window`` and ``hop`` in seconds.
    """

    window, hop = WINDOW / RATE, HOP / RATE

    def __init__(self, network: LogMelCNN, instruments: list[str]):
        self._network, self.instruments = network.eval(), instruments

    @classmethod
    def load(cls, judge: Path, index: Path) -> "FamilyJudge":
        """From ``judge.json`` of gm_cnn; ``index`` of the data set says which instrument each family is.

        Raises ``UserError`` where a family has several instruments: then its head does not tell them apart.
        """
        try:
            facts = json.loads(judge.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"{judge}: not found; `etude run {judge}` trains it") from None
        if facts.get("embedding") != "gm_cnn":
            raise UserError(
                f"{judge}: describes {facts.get('embedding')!r}, and only gm_cnn tells families; give its judge.json"
            )
        path = existing(judge.parent / facts["weights"], "gm_cnn", "run the judge step again")
        hashed(path, facts["weights_sha256"])
        network = LogMelCNN(facts["width"], len(facts["families"]))
        network.load_state_dict(load_file(path))
        return cls(network, [_instrument(family, index) for family in facts["families"]])

    @torch.no_grad()
    def shares(self, audio: np.ndarray, rate: int) -> np.ndarray:
        """Probabilities [windows, instruments] for windows of a second, every half second, of mono ``audio`` [samples];
        what is shorter than a window is padded with silence."""
        sound = resample(np.asarray(audio, np.float32), rate, RATE)
        sound = np.pad(sound, (0, max(0, WINDOW - len(sound))))
        windows = torch.from_numpy(sound).unfold(0, WINDOW, HOP)
        return self._network(log_mel(windows))[0].softmax(dim=1).numpy()

    def agreement(self, shares: np.ndarray, asked: np.ndarray, names: list[str], frame_rate: float) -> tuple[int, int]:
        """(right, asked for) of one clip of :meth:`shares`: of the instruments that ``asked`` [frames] (positions in
        ``names``, negative: free) asks for, each once, how many the mean over their windows finds.

        A window counts for the instrument that most of its frames ask for.
        """
        wanted = [self._wanted(asked, frame_rate, window) for window in range(len(shares))]
        right = 0
        players = sorted({number for number in wanted if number >= 0})
        for number in players:
            mean = shares[[one == number for one in wanted]].mean(axis=0)
            right += self.instruments[int(mean.argmax())] == names[number]
        return right, len(players)

    def _wanted(self, asked: np.ndarray, frame_rate: float, window: int) -> int:
        first = round(window * self.hop * frame_rate)
        part = asked[first : max(first + 1, round((window * self.hop + self.window) * frame_rate))]
        numbers, often = np.unique(part, return_counts=True)
        return int(numbers[often.argmax()]) if len(numbers) else -1


def _instrument(family: str, index: Path) -> str:
    found = sorted({row["instrument"] for row in read_csv(index) if row["family"] == family})
    if len(found) != 1:
        raise UserError(
            f"{index}: family {family!r} has the instruments {', '.join(found) or 'none'}, one is expected where the "
            "controls name instruments; name a data set of one instrument per family"
        )
    return found[0]
