"""How a network is trained: the block that many others have."""

from typing import Literal

from pydantic import model_validator

from etude.config.schema.base import Block, Count, Part, Positive, Rate


class Training(Block):
    """One training run: Adam, averaged weights, checkpoints (P-16, P-17)."""

    steps: Positive
    batch: Positive
    lr: Rate
    warmup: Count
    schedule: Literal["constant", "cosine"]
    ema: Part
    log_every: Positive
    checkpoint_every: Positive

    @model_validator(mode="after")
    def _checkpoints_follow_log_rows(self):
        if self.checkpoint_every % self.log_every:
            raise ValueError(
                f"checkpoint_every ({self.checkpoint_every}) must be a multiple of log_every ({self.log_every})"
            )
        return self
