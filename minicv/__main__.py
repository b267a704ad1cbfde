"""``python -m minicv`` is the command ``minicv``."""

import sys

from minicv.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
