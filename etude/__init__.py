"""Étude: an experiment-pipeline orchestrator for reproducible audio-generation research."""

__version__ = "0.1.0"
