"""Runs a stage's main from the command line: flags in, one sentence out when something is wrong."""

import atexit
import functools
import gc
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import tyro

SETTINGS_FILE = Path("params.yaml")
ENVIRONMENT = {  # of every stage, where it is not set already
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin for long slow a neighbour, and it us, sixfold
    "GOMP_SPINCOUNT": "10000",  # some 30 µs: none at all halves the speed of a small model alone
    "HF_HUB_DISABLE_TELEMETRY": "1",  # TRL would tell the hub of each training
}
FOREIGN = ("dvc", "polars", "yaml")
# torch and its kin are a million objects that stay: to look for garbage among them again and again takes seconds
THRESHOLDS = (50_000, 20, 20)


def run(main: Callable[..., None], program: str = "") -> None:
    """Call `main` with the flags of this process; an error that a person can mend ends it with its text and place.

    Those are every ValueError and OSError, and what FOREIGN packages say of files and settings.

    `--help` explains each setting by its comment in params.yaml. A command, whose name is `program`, has its own words.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    module = Path(os.path.relpath(sys.argv[0])).with_suffix("").parts
    if _helps() and SETTINGS_FILE.exists() and not program:
        told = main.func if isinstance(main, functools.partial) else main
        meanings = _explained(main, module[-1], SETTINGS_FILE.read_text(encoding="utf-8"))
        told.__doc__ = inspect.cleandoc(told.__doc__ or "") + (f"\n\nArgs:\n{meanings}" if meanings else "")
    gc.set_threshold(*THRESHOLDS)
    atexit.register(gc.freeze)  # nor is it looked for at the end
    try:
        tyro.cli(main, prog=program or f"python -m {'.'.join(module)}", config=(tyro.conf.FlagCreatePairsOff,))
    except Exception as error:
        mendable = isinstance(error, (ValueError, OSError)) or type(error).__module__.split(".")[0] in FOREIGN
        if os.environ.get("TRACEBACK") or not mendable:
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        sentence = " ".join(str(error).split())
        sys.exit(f"error: {sentence}  [{Path(place.filename).name}:{place.lineno}; TRACEBACK=1 shows the way there]")


def list_names(mapping: str) -> list[str]:
    """The names that the flags of this process give to the parts of a `mapping`, as in --sources.NAME.kind files.

    `--help` alone gets NAME, so that it tells what a part may have.
    """
    flags = [word.split(".") for word in sys.argv if word.startswith(f"--{mapping}.")]
    for flag in flags:
        if len(flag) != 3:
            sys.exit(f"error: a name in {mapping} holds letters, digits, - and _ alone, got {'.'.join(flag[1:])!r}")
    return list(dict.fromkeys(name for _, name, _ in flags)) or ["NAME"] * _helps()


def _helps() -> bool:
    return not {"-h", "--help"}.isdisjoint(sys.argv)


def _explained(main: Callable[..., None], name: str, settings: str) -> str:
    """A docstring's Args from the comments of params.yaml: those of the stage's own block, or else of the only one."""
    pattern = re.compile(r"^  (\w+):.*?# (.+)$", re.MULTILINE)
    blocks = [(text.split(":")[0], dict(pattern.findall(text))) for text in re.split(r"(?m)^(?=\w)", settings)]
    lines = []
    for flag, parameter in inspect.signature(main).parameters.items():
        found = [told[flag] for block, told in sorted(blocks, key=lambda one: one[0] != name) if flag in told]
        own = any(block == name and flag in told for block, told in blocks)
        if parameter.kind is parameter.KEYWORD_ONLY and (own or len(found) == 1):
            lines.append(f"    {flag}: {found[0]}")
    return "\n".join(lines)
