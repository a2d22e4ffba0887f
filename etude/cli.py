"""The command `etude`: one subcommand per line of the table below."""

import argparse
import importlib
import sys

from etude import __version__
from etude.errors import UserError

# Name -> module that has it, and the sentence that --help shows. A module offers ``add_arguments(parser)`` and
# ``execute(arguments) -> int`` (the exit status), and is imported only when its command is asked for.
COMMANDS = {
    "run": ("etude.pipeline.run", "make what is missing or out of date, then show the table"),
    "sync": ("etude.versions.sync", "write dvc.yaml from the Snakefile"),
    "check": ("etude.versions.check", "is dvc.yaml what the Snakefile says?"),
    "seal": ("etude.versions.seal", "version what a finished run has made"),
    "restore": ("etude.versions.restore", "bring back what was sealed, so that nothing is left to run"),
    "why": ("etude.versions.why", "where a file comes from: rule, parameters, code, inputs, machine, time"),
    "cost": ("etude.cost", "jobs, GPU hours and disk of a scale, before anything is fetched"),
    "recombine": ("etude.play.recombine", "one sound with the coarse, middle and fine level of three others"),
    "interpolate": ("etude.play.interpolate", "from one sound to another in steps, on one level or on all"),
    "generate": ("etude.play.generate", "a melody under controls that one draws: velocity, chroma, instruments"),
    "unlock": ("etude.pipeline.unlock", "tidy up after a run that was killed, without starting another"),
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's own) and return its exit status.

    A user's mistake is printed as one sentence and gives 2. What follows ``--`` is for the program that a command
    starts, and reaches it as ``arguments.passed_on``.
    """
    argv = sys.argv[1:] if argv is None else argv
    end = argv.index("--") if "--" in argv else len(argv)
    argv, passed_on = argv[:end], argv[end + 1 :]
    parser = argparse.ArgumentParser(prog="etude", description="Rebuild the tables of audio-generation papers.")
    parser.add_argument("--version", action="version", version=f"etude {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, sentence) in COMMANDS.items():
        command = commands.add_parser(name, help=sentence, description=sentence[0].upper() + sentence[1:] + ".")
        if name in argv[:1]:
            importlib.import_module(module).add_arguments(command)
    arguments = parser.parse_args(argv)
    arguments.passed_on = passed_on
    try:
        return importlib.import_module(COMMANDS[arguments.command][0]).execute(arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
