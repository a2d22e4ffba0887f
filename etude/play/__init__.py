"""Trained systems as an instrument: sounds of any length in, their levels recombined or interpolated, sound out."""
