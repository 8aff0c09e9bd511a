"""Runs the seven benchmarks that have a peer, one process each, and leaves their lines on standard output.

`python -m bench [--full]`: ten million rows of selection and 117,000 of clustering are in --full alone.
"""

import subprocess
import sys

ROOMS = ("selection", "incidence", "farthest", "diversity", "band", "embed", "cluster")
FULL = {"selection": ["--full"], "cluster": ["--rows", "117000"]}


def main(flags: list[str]) -> int:
    """The number of benchmarks that failed."""
    extra_flags = FULL if "--full" in flags else {}
    commands = [[sys.executable, "-m", f"bench.{module}", *extra_flags.get(module, [])] for module in ROOMS]
    return sum(subprocess.run(command, check=False).returncode != 0 for command in commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
