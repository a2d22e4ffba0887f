"""`etude interpolate`: from one sound to another in steps, on one level or on all (P-63).

    etude interpolate a.wav b.wav --level 4 --steps 5 -o folder

The chosen level moves in a straight line from a's to b's, the others stay a's; all steps start from the same noise.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from etude.errors import UserError
from etude.pipeline.files import write_csv
from etude.play.judges import judge
from etude.play.render import Mix
from etude.play.session import Session, add_session_arguments


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of `etude interpolate`."""
    parser.add_argument("first", type=Path, help="sound file to start from")
    parser.add_argument("second", type=Path, help="sound file to arrive at")
    parser.add_argument("--level", default="all", help="frames of the level that moves (4, 8, 16), or all: the default")
    parser.add_argument(
        "--steps", type=int, default=5, help="files to write, both ends included (default: %(default)s)"
    )
    parser.add_argument("-o", "--out", required=True, type=Path, metavar="FOLDER", help="what to write into")
    add_session_arguments(parser)


def execute(arguments: Namespace) -> int:
    """Write the steps and print what the judges hear in them; returns the exit status."""
    if arguments.steps < 2:
        raise UserError(f"--steps {arguments.steps}: give 2 or more, both ends are among them")
    if arguments.out.exists() and not arguments.out.is_dir():
        raise UserError(f"{arguments.out}: is a file, and -o names a folder; choose another name")
    session = Session(arguments, [arguments.first, arguments.second])
    frames = session.player.level_frames
    known = [*map(str, frames), "all"]
    if arguments.level not in known:
        raise UserError(f"--level {arguments.level}: {session.trained} has the levels {', '.join(known)}")
    moving = [arguments.level in (str(count), "all") for count in frames]
    rows = []
    for number in range(arguments.steps):
        part = number / (arguments.steps - 1)
        file = arguments.out / f"{number:02d}_{part:.2f}.wav"
        levelled = session.render(between(part, moving), file, f"interpolate, step {number + 1} of {arguments.steps}")
        row = {"file": file.name, "part": f"{part:.6g}", "level": arguments.level}
        rows.append(row | {"gain_db": f"{levelled.gain_db:.2f}", "limited_seconds": f"{levelled.limited_seconds:.3f}"})
    write_csv(arguments.out / "index.csv", rows, list(rows[0]))
    print(f"{arguments.out}: {len(rows)} files and index.csv, {session.trained}, noise seed {session.seed}")
    made = {row["part"]: arguments.out / row["file"] for row in rows}
    print(judge(made, {"first": arguments.first, "second": arguments.second}, session))
    return 0


def between(part: float, moving: list[bool]) -> Mix:
    """The levels of the first source, those that are ``moving`` by ``part`` (0 to 1) on the way to the second's."""

    def mix(sources):
        pairs = zip(*sources, moving, strict=True)
        return [(1 - part) * first + part * second if moves else first for first, second, moves in pairs]

    return mix
