"""Runs a stage's main from the command line: flags in, one sentence out when something is wrong."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import tyro


def run(main: Callable[..., None]) -> None:
    """Call `main` with the flags of this process; a ValueError or OSError ends it with its text and place alone."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads slow a neighbour, and it us, sixfold
    try:
        tyro.cli(main, config=(tyro.conf.FlagConversionOff,))
    except (ValueError, OSError) as error:
        if os.environ.get("TRACEBACK"):
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        sys.exit(f"error: {error}  [{Path(place.filename).name}:{place.lineno}; TRACEBACK=1 shows the way there]")
