"""`python -m batchf1`, the same as the command `batchf1`."""

import sys

from batchf1.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
