"""The General MIDI programs that stand for NSynth's instruments."""

from dataclasses import dataclass

from pretty_midi import program_to_instrument_name

FAMILIES = ("bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "synth_lead", "vocal")
SOURCES = ("acoustic", "electronic", "synthetic")


@dataclass(frozen=True)
class Program:
    """One instrument: ``number`` is the General MIDI program (0-based), ``highest`` the last pitch that is in tune."""

    number: int
    family: str
    source: str
    held_out: bool = False
    highest: int = 127

    @property
    def name(self) -> str:
        """General MIDI's name."""
        return program_to_instrument_name(self.number)

    @property
    def label(self) -> str:
        """NSynth's ``instrument_str``; its three digits are here the program."""
        return f"{self.family}_{self.source}_{self.number:03d}"


# Every melodic program that fits a family was played on MIDI 36, 39 .. 84 at velocities 25 .. 127, and Basic Pitch
# (the note with the largest amplitude x duration) was asked for the pitch. Of those it finds at the written octave
# (all notes right, the accordions all up to 72) four per family were taken that sound unlike each other: the
# root-mean-square distance of their log-mel spectrograms is 4 dB or more, while, say, the three pianos 0, 1, 3 and
# the bowed strings 40, 41, 110 share their samples (1 to 3 dB). Octave-shifting organs 16-19, harmonics 31, bells 14
# and whistle 78 fell out. Of the programs right on every note one is held out: train never hears it.
PROGRAMS = (
    Program(32, "bass", "acoustic"),  # acoustic bass
    Program(35, "bass", "electronic"),  # fretless bass
    Program(38, "bass", "synthetic"),  # synth bass 1
    Program(33, "bass", "electronic", held_out=True),  # fingered bass
    Program(56, "brass", "acoustic"),  # trumpet
    Program(59, "brass", "acoustic"),  # muted trumpet
    Program(60, "brass", "acoustic"),  # French horn
    Program(57, "brass", "acoustic", held_out=True),  # trombone
    Program(72, "flute", "acoustic"),  # piccolo
    Program(73, "flute", "acoustic"),  # flute
    Program(75, "flute", "acoustic"),  # pan flute
    Program(74, "flute", "acoustic", held_out=True),  # recorder
    Program(24, "guitar", "acoustic"),  # nylon strings
    Program(26, "guitar", "electronic"),  # jazz guitar
    Program(30, "guitar", "electronic"),  # distortion guitar
    Program(25, "guitar", "acoustic", held_out=True),  # steel strings
    Program(0, "keyboard", "acoustic"),  # grand piano
    Program(4, "keyboard", "electronic"),  # electric piano 1
    Program(6, "keyboard", "acoustic"),  # harpsichord
    Program(2, "keyboard", "electronic", held_out=True),  # electric grand
    Program(11, "mallet", "acoustic"),  # vibraphone
    Program(12, "mallet", "acoustic"),  # marimba
    Program(114, "mallet", "acoustic"),  # steel drums
    Program(13, "mallet", "acoustic", held_out=True),  # xylophone
    Program(21, "organ", "acoustic", highest=72),  # accordion; from 73 on half a semitone flat in this SoundFont
    Program(22, "organ", "acoustic"),  # harmonica
    Program(23, "organ", "acoustic", highest=72),  # tango accordion; as 21
    Program(20, "organ", "acoustic", held_out=True),  # reed organ
    Program(65, "reed", "acoustic"),  # alto sax
    Program(68, "reed", "acoustic"),  # oboe
    Program(71, "reed", "acoustic"),  # clarinet
    Program(64, "reed", "acoustic", held_out=True),  # soprano sax
    Program(40, "string", "acoustic"),  # violin
    Program(46, "string", "acoustic"),  # harp
    Program(48, "string", "acoustic"),  # string ensemble
    Program(42, "string", "acoustic", held_out=True),  # cello
    Program(80, "synth_lead", "synthetic"),  # square
    Program(81, "synth_lead", "synthetic"),  # sawtooth
    Program(83, "synth_lead", "synthetic"),  # chiff
    Program(82, "synth_lead", "synthetic", held_out=True),  # calliope
    Program(52, "vocal", "acoustic"),  # choir aahs
    Program(54, "vocal", "synthetic"),  # synth voice
    Program(91, "vocal", "synthetic"),  # choir pad
    Program(53, "vocal", "acoustic", held_out=True),  # voice oohs
)
