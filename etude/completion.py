"""`etude completion SHELL`: what a shell needs to complete `etude` on the Tab key, made from the command line itself.

source <(etude completion bash)                      in ~/.bashrc
etude completion zsh > "${fpath[1]}/_etude"          once
"""

import argparse
import re
from pathlib import Path

import shtab


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `etude completion`."""
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS, help="for which shell")


def execute(arguments: argparse.Namespace) -> int:
    """Print the script; returns the exit status."""
    from etude.cli import command_line

    words = " ".join(steps(Path.cwd()))
    preamble = {"bash": f'_etude_targets() {{ compgen -W "{words}" -- "$1"; compgen -f -- "$1"; }}'}
    print(shtab.complete(command_line(), arguments.shell, preamble=preamble))
    return 0


def steps(root: Path) -> list[str]:
    """The rules of the project in ``root`` that make nothing and only ask for files: what one gives `etude run`."""
    found = []
    for path in sorted(root.glob("stages/*/*.smk")):
        for block in re.findall(r"^localrules:\n((?:    \w+,\n)+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            found += re.findall(r"\w+", block)
    return found
