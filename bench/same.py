"""Runs the pipeline again in other surroundings, and lists the outputs whose bytes are not those of the first run.

`python -m bench.same [--target subset@candidate] [--only locale]`: tiny settings, one copy of the repository a run. The
target dvc.yaml runs everything, about four CPU minutes a run.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
FIRST = "first run"
SURROUNDINGS: dict[str, dict[str, str]] = {
    FIRST: {},
    "another folder": {},
    "locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "LANG": "tr_TR.UTF-8"},
    "time zone": {"TZ": "Pacific/Auckland"},
    "hash seed": {"PYTHONHASHSEED": "4321"},
    "threads": {"OMP_NUM_THREADS": "2", "POLARS_MAX_THREADS": "1", "RAYON_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
    "offline": {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"},
    "older CPU": {  # what libraries would do without the vectors of this one
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
        "NUMBA_CPU_NAME": "nehalem",
    },
}
Hashes = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="subset@candidate")
    parser.add_argument("--only", choices=list(SURROUNDINGS)[1:])
    flags = parser.parse_args()
    names = [FIRST, flags.only] if flags.only else list(SURROUNDINGS)
    differing = 0
    with tempfile.TemporaryDirectory() as folder:
        hashes: dict[str, Hashes] = {}
        for name in names:
            hashes[name] = run_copy(Path(folder, name.replace(" ", "-"), "m2m"), flags.target, SURROUNDINGS[name])
            changed = compare(hashes[FIRST], hashes[name])
            differing += len(changed)
            print(f"{name}: {len(hashes[name])} outputs, {', '.join(changed) or 'all the same'}", flush=True)
    sys.exit(f"{differing} outputs differ" if differing else 0)


def run_copy(copy: Path, target: str, environment: dict[str, str]) -> Hashes:
    """The MD5 of every output, by its path, after a run with tiny settings in a copy of the repository."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file() and name != "dvc.lock":
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))}
    env = inherited | {"PATH": paths} | environment
    for command in (["git", "init", "--quiet"], [sys.executable, "-m", "m2m", "use", "tiny"], ["dvc", "repro", target]):
        ended = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
        if ended.returncode:
            sys.exit(f"{' '.join(command)} failed in {copy}:\n{ended.stderr[-2000:]}")
    stages = yaml.safe_load((copy / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage["outs"]}


def compare(first: Hashes, second: Hashes) -> list[str]:
    """The outputs that one run has and the other has not, or with other bytes."""
    return sorted(path for path in first.keys() | second.keys() if first.get(path) != second.get(path))


if __name__ == "__main__":
    main()
