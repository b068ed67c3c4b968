"""`python -m bot`."""

import gc
import sys

from bot.ops import stopping

stopping.listen()
gc.disable()  # nothing that imports make is ever garbage, and looking for it would cost a tenth of the start

from bot.cli import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    sys.exit(main())
