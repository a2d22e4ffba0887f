"""One pitch for a clip of one note, and whether two agree (P-35)."""

from collections.abc import Sequence

from etude.metrics.transcription import Note, main_pitch


def pitch_agrees(notes: Sequence[Note], pitch: int, octaves: bool = True) -> bool:
    """Whether the main note of a transcription has the MIDI number ``pitch``; a clip without notes is wrong.

    ``octaves`` False forgives octave errors.
    """
    found = main_pitch(list(notes))
    if found is None:
        return False
    return found == pitch if octaves else (found - pitch) % 12 == 0
