"""Runs a stage's main from the command line: flags in, one sentence out when something is wrong."""

import atexit
import functools
import gc
import inspect
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import tyro

from m2m.runtime.project_root import find_project_root
from m2m.runtime.settings import SETTINGS_FILE, read_arguments
from m2m.runtime.visible_text import make_visible

ENVIRONMENT = {  # of every stage, where it is not set already
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin for long slow a neighbouring process sixfold
    "GOMP_SPINCOUNT": "10000",  # some 30 µs: none at all halves the speed of a small model alone
    "HF_HUB_DISABLE_TELEMETRY": "1",  # TRL would report each training to the hub
}
NAME = re.compile(r"[\w-]+")
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
        words = sys.argv[1:] if program else read_arguments(sys.argv[1:])
        tyro.cli(
            main, prog=program or f"python -m {'.'.join(module)}", args=words, config=(tyro.conf.FlagCreatePairsOff,)
        )
        sys.stdout.flush()
    except BrokenPipeError:  # of `| head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if (sentence := explain_full_memory(error)) and not os.environ.get("TRACEBACK"):
            sys.exit(f"error: {sentence}")
        if isinstance(error, subprocess.CalledProcessError) and not os.environ.get("TRACEBACK"):
            sys.exit(f"error: {explain_failed_program(error)}")
        mendable = isinstance(error, (ValueError, OSError)) or type(error).__module__.split(".")[0] in FOREIGN
        if os.environ.get("TRACEBACK") or not mendable:
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        sentence = make_visible(" ".join(str(error).split()))
        sys.exit(f"error: {sentence}  [{Path(place.filename).name}:{place.lineno}; TRACEBACK=1 shows the way there]")


def explain_failed_program(error: subprocess.CalledProcessError) -> str:
    """Which program failed and its last words, or where to read them."""
    words = error.cmd if isinstance(error.cmd, str) else " ".join(map(str, error.cmd[:4]))
    text = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else error.stderr or ""
    reason = " ".join(text.split())[-300:] or "its output above gives the reason"
    return make_visible(f"{words} … ended with {error.returncode}: {reason}")


def explain_full_memory(error: BaseException) -> str:
    """What to do where the memory of the machine or of its GPU was too small; empty for any other error."""
    if isinstance(error, MemoryError):
        return (
            "the memory of this machine is full: close other programs, or give this step less "
            "(ingest: a source's limit, fewer or smaller files; models: a smaller batch_size)"
        )
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported here
        return (
            "the memory of the GPU is full: lower the batch_size of this step (and raise finetune.accumulate), "
            "or free the GPU: nvidia-smi lists who uses it"
        )
    return ""


def list_names(mapping: str) -> list[str]:
    """The names that the flags of this process give to the parts of a `mapping`, as in --sources.NAME.kind=files.

    `--help` alone gets NAME, so that it shows what a part may have.
    """
    words = [] if _is_help() else read_arguments(sys.argv[1:])
    flags = [word.split("=")[0].split(".") for word in words if word.startswith(f"--{mapping}.")]
    for flag in flags:
        if len(flag) != 3 or not NAME.fullmatch(flag[1]):
            name = ".".join(flag[1:-1] or flag[1:])
            sys.exit(f"error: a name in {mapping} may have letters, digits, - and _, got {name!r}")
    return list(dict.fromkeys(name for _, name, _ in flags)) or ["NAME"] * _is_help()


class _VisibleOutput(io.TextIOWrapper):
    """Standard output on which no text of others can move the cursor, colour a line or turn its direction."""

    def write(self, text: str) -> int:
        return super().write(make_visible(text))


def _prepare_terminal() -> None:
    """Print what a terminal's encoding lacks as an escape, in place of a traceback; control characters likewise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if type(sys.stdout) is io.TextIOWrapper:
        sys.stdout = _VisibleOutput(
            sys.stdout.buffer, sys.stdout.encoding, "backslashreplace", line_buffering=sys.stdout.line_buffering
        )


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
