"""params.yaml: what its keys mean, how a scale changes them, and what a misspelt one gets to hear."""

from etude.config.datasets import prepare_settings
from etude.config.load import resolve

__all__ = ["prepare_settings", "resolve"]
