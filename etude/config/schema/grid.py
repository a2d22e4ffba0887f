"""The grid of params.yaml."""

from pydantic import Field

from etude.config.schema.base import Block, Count, Word


class Grid(Block):
    """The cells of the tables: every combination is one row."""

    datasets: list[Word] = Field(min_length=1)
    codecs: list[Word] = Field(min_length=1)
    systems: list[Word] = Field(min_length=1)
    seeds: list[Count] = Field(min_length=1)
    embeddings: list[Word] = Field(min_length=1)
    priors: list[Word] = Field(default_factory=list)
    metrics: list[Word] = Field(default_factory=list)
