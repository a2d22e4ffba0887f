"""`python -m etude`: the command `etude` of the checkout that one stands in, whichever one is installed."""

import gc
import sys

from etude.cli import main


def run() -> int:
    """Run the command line of this process and return its exit status."""
    status = main()
    gc.freeze()  # what ends takes nothing along: to look through a workflow for garbage takes a tenth of `etude check`
    return status


if __name__ == "__main__":
    sys.exit(run())
