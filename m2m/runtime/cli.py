"""Runs a stage's main from the command line: flags in, one sentence out when something is wrong."""

import atexit
import functools
import gc
import inspect
import io
import os
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import tyro

from m2m.project_root import find_project_root

SETTINGS_FILE = Path("params.yaml")
ENVIRONMENT = {  # of every stage, where it is not set already
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin for long slow a neighbouring process sixfold
    "GOMP_SPINCOUNT": "10000",  # some 30 µs: none at all halves the speed of a small model alone
    "HF_HUB_DISABLE_TELEMETRY": "1",  # TRL would report each training to the hub
}
CACHES = {"NUMBA_CACHE_DIR": "numba", "MPLCONFIGDIR": "matplotlib", "HF_HOME": "huggingface"}
FOREIGN = ("dvc", "polars", "yaml")
# torch and its kin are a million objects that stay: looking for garbage among them takes seconds each time
THRESHOLDS = (50_000, 20, 20)


def prepare_caches() -> None:
    """Let libraries cache elsewhere where the home cannot be written: numba ends with a traceback there.

    In a checkout it is .cache, else a folder of this process alone: a cache is code, so nobody else may write it.
    """
    if os.access(os.environ.get("HOME", ""), os.W_OK):
        return
    root = find_project_root()
    folder = root / ".cache"
    if not (root / SETTINGS_FILE).exists() or not os.access(root, os.W_OK):
        folder = Path(tempfile.mkdtemp(prefix="m2m-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, place in CACHES.items():
        os.environ.setdefault(name, str(folder / place))


prepare_caches()  # numba looks for its folder when it is imported, before `run`


def run(main: Callable[..., None], program: str = "", before: Callable[[], None] | None = None) -> None:
    """Call `main` with the flags of this process; an error that a person can mend ends it with its text and place.

    `before` is called first, but for `--help`.

    These are every ValueError and OSError, and the errors of FOREIGN packages about files and settings. `--help`
    describes each setting by its comment in params.yaml; a command, whose name is `program`, has its own help.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    _prepare_terminal()
    module = Path(os.path.relpath(sys.argv[0])).with_suffix("").parts
    if _is_help() and SETTINGS_FILE.exists() and not program:
        function = main.func if isinstance(main, functools.partial) else main
        meanings = _describe_settings(main, module[-1], SETTINGS_FILE.read_text(encoding="utf-8"))
        function.__doc__ = inspect.cleandoc(function.__doc__ or "") + (f"\n\nArgs:\n{meanings}" if meanings else "")
    gc.set_threshold(*THRESHOLDS)
    atexit.register(gc.freeze)  # nor at exit
    try:
        if before and not _is_help():
            before()
        tyro.cli(main, prog=program or f"python -m {'.'.join(module)}", config=(tyro.conf.FlagCreatePairsOff,))
        sys.stdout.flush()
    except BrokenPipeError:  # of `| head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        mendable = isinstance(error, (ValueError, OSError)) or type(error).__module__.split(".")[0] in FOREIGN
        if os.environ.get("TRACEBACK") or not mendable:
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        sentence = " ".join(str(error).split())
        sys.exit(f"error: {sentence}  [{Path(place.filename).name}:{place.lineno}; TRACEBACK=1 shows the way there]")


def list_names(mapping: str) -> list[str]:
    """The names that the flags of this process give to the parts of a `mapping`, as in --sources.NAME.kind files.

    `--help` alone gets NAME, so that it shows what a part may have.
    """
    flags = [argument.split(".") for argument in sys.argv if argument.startswith(f"--{mapping}.")]
    for flag in flags:
        if len(flag) != 3:
            sys.exit(f"error: a name in {mapping} may have letters, digits, - and _, got {'.'.join(flag[1:])!r}")
    return list(dict.fromkeys(name for _, name, _ in flags)) or ["NAME"] * _is_help()


def _prepare_terminal() -> None:
    """Print what a terminal's encoding lacks as an escape, in place of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _is_help() -> bool:
    return not {"-h", "--help"}.isdisjoint(sys.argv)


def _describe_settings(main: Callable[..., None], name: str, settings: str) -> str:
    """A docstring's Args from the comments of params.yaml: of the stage's block, or of the only one with it."""
    pattern = re.compile(r"^  (\w+):.*?# (.+)$", re.MULTILINE)
    blocks = [(text.split(":")[0], dict(pattern.findall(text))) for text in re.split(r"(?m)^(?=\w)", settings)]
    lines = []
    for flag, parameter in inspect.signature(main).parameters.items():
        stage_first = sorted(blocks, key=lambda block: block[0] != name)
        meanings = [comments[flag] for _, comments in stage_first if flag in comments]
        is_of_stage = any(block == name and flag in comments for block, comments in blocks)
        if parameter.kind is parameter.KEYWORD_ONLY and (is_of_stage or len(meanings) == 1):
            lines.append(f"    {flag}: {meanings[0]}")
    return "\n".join(lines)
