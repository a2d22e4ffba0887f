"""The command `etude`: one subcommand per line of the tables below."""

import argparse
import importlib
import sys
import textwrap

from etude import __version__
from etude.errors import UserError

# What one does, in the order in which one comes to it: name -> module that has it, and the sentence that --help shows.
# A module offers ``add_arguments(parser)`` and ``execute(arguments) -> int`` (the exit status), and is imported only
# when its command is asked for.
GROUPS = {
    "before the first table": {
        "doctor": ("etude.doctor", "what this machine has, what it lacks, what that costs, what to type"),
        "cost": ("etude.cost", "jobs, GPU hours and disk of a scale, before anything is fetched"),
    },
    "the tables": {
        "run": ("etude.pipeline.run", "make what is missing or out of date, then show the table"),
        "unlock": ("etude.pipeline.unlock", "tidy up after a run that was killed, without starting another"),
        "why": ("etude.versions.why", "where a file comes from: rule, parameters, code, inputs, machine, time"),
    },
    "the sounds": {
        "recombine": ("etude.play.recombine", "one sound with the coarse, middle and fine level of three others"),
        "interpolate": ("etude.play.interpolate", "from one sound to another in steps, on one level or on all"),
        "generate": ("etude.play.generate", "a melody under controls that one draws: velocity, chroma, instruments"),
    },
    "of your own": {
        "new": ("etude.new", "a data set, system, codec or metric that works and is tested from the first minute"),
    },
    "to keep and to show": {
        "seal": ("etude.versions.seal", "version what a finished run has made"),
        "restore": ("etude.versions.restore", "bring back what was sealed, so that nothing is left to run"),
        "publish": ("etude.publish", "write the present tables and figures into docs/results/, to be committed"),
        "sync": ("etude.versions.sync", "write dvc.yaml from the Snakefile, after an edit of the rules"),
        "check": ("etude.versions.check", "is dvc.yaml what the Snakefile says?"),
    },
    "the shell": {
        "completion": ("etude.completion", "a script that lets your shell complete all this"),
    },
}  # fmt: skip
COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}
STORY = """\
Rebuild the tables of audio-generation papers, and trust them.

`etude run` (or `make run`, which installs what is missing first) makes the tables of params.yaml, from nothing or from
wherever an earlier run stopped, and shows what it has made. Everything below is for before, after and beside it."""


def command_line(imported: set[str] | None = None) -> argparse.ArgumentParser:
    """The parser, with the arguments of the commands ``imported`` (default: of all, which takes a second)."""
    parser = argparse.ArgumentParser(
        prog="etude",
        description=STORY,
        epilog=_groups(),
        usage="etude COMMAND ...     (etude COMMAND --help says more)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"etude {__version__}")
    # --help has the groups; a shell that completes wants the plain list with its sentences.
    hidden = {} if imported is None else {"help": argparse.SUPPRESS}
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, **hidden)
    for name, (module, sentence) in COMMANDS.items():
        listed = {"help": sentence} if imported is None else {}
        text = f"{sentence[0].upper()}{sentence[1:]}."
        command = commands.add_parser(name, prog=f"etude {name}", description=text, **listed)
        if imported is None or name in imported:
            importlib.import_module(module).add_arguments(command)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's own) and return its exit status.

    A user's mistake is printed as one sentence and gives 2. What follows ``--`` is for the program that a command
    starts, and reaches it as ``arguments.passed_on``.
    """
    argv = sys.argv[1:] if argv is None else argv
    end = argv.index("--") if "--" in argv else len(argv)
    argv, passed_on = argv[:end], argv[end + 1 :]
    arguments = command_line({*argv[:1]}).parse_args(argv)
    arguments.passed_on = passed_on
    try:
        return importlib.import_module(COMMANDS[arguments.command][0]).execute(arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 2
    except KeyboardInterrupt:
        return 130


def _groups() -> str:
    width = max(map(len, COMMANDS)) + 2
    lines = []
    for title, group in GROUPS.items():
        lines.append(f"{title}:")
        for name, (_, sentence) in group.items():
            lines += textwrap.wrap(
                sentence, 118 - width, initial_indent=f"  {name:{width}}", subsequent_indent=" " * (width + 2)
            )
        lines.append("")
    return "\n".join(lines).rstrip()


if __name__ == "__main__":
    sys.exit(main())
