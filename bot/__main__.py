"""`python -m bot`."""

import sys

from bot.ops import shutdown

shutdown.listen()  # before the imports that take time

from bot.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
