"""`python -m etude`: the command `etude` of the checkout that one stands in, whichever one is installed."""

import sys

from etude.cli import main

sys.exit(main())
