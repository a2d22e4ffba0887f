"""`etude recombine`: one sound with the coarse, the middle and the fine level of three others (P-22).

    etude recombine --coarse a.wav --mid b.wav --fine c.wav -o out.wav [--system msdae] [--dataset gm_notes] [--seed 0]

The levels are recombined before the finer ones are refined by the coarser: the coarse sound is heard in all three.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from etude.play.judges import judge
from etude.play.session import Session, add_session_arguments

PLACES = ("coarse", "mid", "fine")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of `etude recombine`."""
    for place in PLACES:
        parser.add_argument(f"--{place}", required=True, type=Path, metavar="FILE", help=f"gives the {place} level")
    parser.add_argument("-o", "--out", required=True, type=Path, metavar="FILE", help="what to write: .wav or .flac")
    add_session_arguments(parser)


def execute(arguments: Namespace) -> int:
    """Write the sound and print what the judges hear in it; returns the exit status."""
    files = {place: getattr(arguments, place) for place in PLACES}
    session = Session(arguments, list(files.values()))
    levelled = session.render(
        lambda levels: [levels[k][k] for k in range(len(PLACES))], arguments.out, f"recombine {session.trained}"
    )
    print(
        f"{arguments.out}: {session.samples / session.player.rate:.2f} s at {session.player.rate} Hz, "
        f"{session.trained}, noise seed {session.seed}"
    )
    if levelled.gain_db or levelled.limited_seconds:
        further = f"{levelled.limited_seconds:.2f}"
        words = "" if further == "0.00" else f", and its loudest {further} s further"
        print(f"To stay below full scale it was turned down by {abs(levelled.gain_db):.1f} dB{words}.")
    frames = session.player.level_frames
    sources = {f"{place} ({frames[k]} frames)": file for k, (place, file) in enumerate(files.items())}
    print(judge({"result": arguments.out}, sources, session))
    return 0
