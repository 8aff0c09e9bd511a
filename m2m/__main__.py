"""The command line: `python -m m2m`, or `m2m` where it is installed."""

import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

DOORS = {  # a command is m2m/commands/NAME.py, its help line the first line of that module
    "Choose a subset": ("select", "recommend", "export", "page"),
    "Run the study": ("use", "check", "plan", "grid", "bake-off", "score", "human"),
    "Share the results": ("collect", "study", "domains", "ledger"),
}
ANYWHERE = ("select", "recommend", "score")  # the others read the repository of the project
PROJECT_MARKS = Path("dvc.yaml"), Path("m2m/preflight")  # of a clone of this project
COMMANDS = tuple(name for names in DOORS.values() for name in names)
CLONE_MARK = "*"
SHELLS = ("bash", "zsh", "tcsh")


def main() -> None:
    """Run the command that the first word names."""
    program = "python -m m2m" if sys.argv[0].endswith("__main__.py") else "m2m"
    word, *flags = sys.argv[1:] or ["--help"]
    if word in ("-h", "--help"):
        print(format_help(program))
    elif word == "completion":
        print_completion(*flags[:1])
    elif word in COMMANDS:
        from m2m.preflight.restore import restore_workspace
        from m2m.runtime.cli import run

        absent = [path for path in PROJECT_MARKS if not path.exists()]
        if word not in ANYWHERE and not {"-h", "--help"} & set(flags) and absent:
            sys.exit(
                f"error: {word} needs a clone of the project, and this folder has no {absent[0]}: run it in the clone"
            )
        sys.argv = [sys.argv[0], *flags]
        before = None if absent else restore_workspace  # another project's DVC is not ours to mend
        run(_import_command(word).main, program=f"{program} {word}", before=before)
    else:
        nearest = get_close_matches(word, COMMANDS, n=1)
        hint = f"Did you mean {nearest[0]}? " if nearest else ""
        sys.exit(f"error: {word!r} is not a command. {hint}`{program} --help` lists all commands.")


def format_help(program: str) -> str:
    """Every command with its line, grouped by what a person wants to do."""
    groups = [
        f"{title}\n" + "\n".join(f"{_mark(name)} {name:<12}{_read_summary(name)}" for name in names)
        for title, names in DOORS.items()
    ]
    usage = f"usage: {program} COMMAND [--help]\n\nHow diverse should a fine-tuning subset be, and of what?"
    where = f"{CLONE_MARK} runs in a clone of the project; the others run in any folder."
    shell = f"Completion for your shell: {program} completion {{{','.join(SHELLS)}}}"
    return "\n\n".join([usage, *groups, where, shell])


def _mark(name: str) -> str:
    return " " if name in ANYWHERE else CLONE_MARK


def print_completion(shell: str = "") -> None:
    """Print a script that completes commands and flags in `shell`."""
    if shell not in SHELLS:
        sys.exit(f"error: completion needs one of {', '.join(SHELLS)}, got {shell or 'nothing'}")
    from tyro.conf import FlagCreatePairsOff
    from tyro.extras import SubcommandApp

    app = SubcommandApp()
    for name in COMMANDS:
        app.command(_import_command(name).main, name=name)
    app.cli(prog="m2m", args=["--tyro-print-completion", shell], config=(FlagCreatePairsOff,))


def _read_summary(name: str) -> str:
    return str(_import_command(name).__doc__).splitlines()[0]


def _import_command(name: str) -> Any:
    return import_module(f"m2m.commands.{name.replace('-', '_')}")


if __name__ == "__main__":
    main()
