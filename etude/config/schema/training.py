"""How a network is trained: the block that many others have."""

from typing import Literal

from pydantic import model_validator

from etude.config.schema.base import Block, Count, Part, Positive, Rate


class Training(Block):
    """One training run: Adam, averaged weights, checkpoints (P-16, P-17)."""

    steps: Positive
    """updates of the weights, of all stages together [steps] (P-17)"""
    batch: Positive
    """examples of an update [examples] (P-17)"""
    lr: Rate
    """learning rate of Adam at its highest (P-17)"""
    warmup: Count
    """the learning rate rises linearly for so long [steps]"""
    schedule: Literal["constant", "cosine"]
    """of the learning rate after that, for each stage"""
    ema: Part
    """decay of the running average of the weights, which is what is kept; 0: the last weights [per step] (P-17)"""
    log_every: Positive
    """a row of `loss.csv` [steps]"""
    checkpoint_every: Positive
    """what a killed training goes on from; a multiple of `log_every` [steps]"""

    @model_validator(mode="after")
    def _checkpoints_follow_log_rows(self):
        if self.checkpoint_every % self.log_every:
            raise ValueError(
                f"checkpoint_every ({self.checkpoint_every}) must be a multiple of log_every ({self.log_every})"
            )
        return self
