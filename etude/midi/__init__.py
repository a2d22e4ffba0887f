"""Scores: MIDI files read as notes, and melodies made of them."""
