"""The grid of params.yaml."""

from pydantic import Field

from etude.config.schema.base import Block, Count, Word


class Grid(Block):
    """The cells of the tables: every combination is one row."""

    datasets: list[Word] = Field(min_length=1)
    """data sets; each has a manifest, `data/sources/<name>.yaml`"""
    codecs: list[Word] = Field(min_length=1)
    """codecs; each has a block in `codec`"""
    systems: list[Word] = Field(min_length=1)
    """systems, trained on every data set with every codec; each has a block in `systems` or a line in
    `ablated_systems`"""
    seeds: list[Count] = Field(min_length=1)
    """seeds of the trainings: a system is trained once for each"""
    embeddings: list[Word] = Field(min_length=1)
    """embeddings under which FAD is computed; each has a block in `judge` (P-27)"""
    priors: list[Word] = Field(default_factory=list)
    """systems of which samples from their priors are rows of `reports/fad.csv` too (P-72)"""
    metrics: list[Word] = Field(default_factory=list)
    """metrics of reconstructions beside their originals: rows of `reports/metrics.csv`"""
