"""The command line every stage has: ``python -m stages.<step>.<step> --settings '{...}' --name value ...``.

A stage is a function of plain arguments. The harness parses them, prints a user's mistake as one sentence, and turns
what the machine may do to anybody (no space left, out of memory) into one as well.
"""

import argparse
import errno
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from etude.errors import UserError


def run_stage(main: Callable[..., None], **options: str) -> None:
    """Run ``main`` with one keyword argument per option, then exit the process.

    Each of ``options`` maps a name to its help text; the value arrives as ``str``, or as ``pathlib.Path`` when the help
    begins with "path". ``--settings`` is always there: a JSON object with the parameters of this job, which arrives
    as a ``SimpleNamespace`` (nested objects too), so that ``settings.steps`` reads like the params.yaml it came from.
    """
    parser = argparse.ArgumentParser(description=main.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", required=True, type=_settings, help="JSON object: the parameters of this job")
    for name, text in options.items():
        kind = Path if text.startswith("path") else str
        parser.add_argument("--" + name.replace("_", "-"), required=True, type=kind, help=text)
    arguments = vars(parser.parse_args())
    try:
        main(**arguments)
    except UserError as error:
        sys.exit(_say(str(error)))
    except MemoryError:
        sys.exit(_say("not enough memory for this job: give it more (mem_mb in slurm/config.yaml) or a smaller batch"))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            where = f" while writing {error.filename}" if error.filename else ""
            sys.exit(
                _say(
                    f"no space left on the device{where}: free some (`etude cost` says what a run needs) and run again"
                )
            )
        raise


def namespace(value: Any) -> Any:
    """Nested dicts as nested ``SimpleNamespace`` (lists are kept)."""
    if isinstance(value, dict):
        return SimpleNamespace(**{key: namespace(item) for key, item in value.items()})
    return value


def plain(value: Any) -> Any:
    """The inverse of :func:`namespace`."""
    if isinstance(value, SimpleNamespace):
        return {key: plain(item) for key, item in vars(value).items()}
    return value


def _settings(text: str) -> SimpleNamespace:
    return namespace(json.loads(text))


def _say(sentence: str) -> int:
    print("error: " + sentence, file=sys.stderr, flush=True)
    return 2
