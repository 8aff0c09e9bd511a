"""Runs every benchmark, one process each, and leaves its lines on standard output."""

import subprocess
import sys

ROOMS = ("selection", "farthest", "diversity", "band", "embed", "cluster")


def main(flags: list[str]) -> int:
    """The number of benchmarks that failed; `--full` is for selection's ten million rows."""
    given = {"selection": flags}
    commands = [[sys.executable, "-m", f"bench.{room}", *given.get(room, [])] for room in ROOMS]
    return sum(subprocess.run(command, check=False).returncode != 0 for command in commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
