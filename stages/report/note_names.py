"""How notes are called on a page."""

NOTES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


def pitch_name(pitch: str) -> str:
    """``60`` -> ``C4``; empty for what is no MIDI number."""
    return f"{NOTES[int(pitch) % 12]}{int(pitch) // 12 - 1}" if pitch.isdigit() else ""
