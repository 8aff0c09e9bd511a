"""What decides the bytes that a node makes: Python, packages, CPU, GPUs. Nodes get this file as part of a program."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from types import MappingProxyType
from typing import Any

Facts = Mapping[str, Any]  # of a node: node, python, packages (versions by name), cpu, gpus
INSTRUCTIONS = ("amx_tile", "avx512f", "avx2")  # numeric libraries choose their loops by these, the widest first


def read_facts() -> dict[str, Any]:
    """What decides the bytes of this machine: Python, packages with versions, CPU and GPUs."""
    packages = {normalize_package(item.metadata["Name"] or ""): item.version for item in distributions()}
    info = Path("/proc/cpuinfo")
    place = {"node": name_node(), "python": platform.python_version()}
    return {
        **place,
        "packages": packages,
        "cpu": name_cpu(info.read_text() if info.exists() else ""),
        "gpus": _list_gpu_names(),
    }


def name_node() -> str:
    """This machine, as Slurm or the network calls it."""
    return os.environ.get("SLURMD_NODENAME") or platform.node()


def read_driver_facts(pins: Path, optional: Mapping[Path, str] = MappingProxyType({})) -> Facts:
    """This machine's facts; of the packages those that `pins` (constraints.txt) names, "" for one that is not here.

    Those that an `optional` file pins count where they are here; its value is the command that installs them.
    """
    facts = read_facts()
    names = dict.fromkeys(_list_pinned(pins), "make install")
    for file, command in optional.items():
        names |= {name: command for name in _list_pinned(file) if name in facts["packages"] and name not in names}
    return facts | {"packages": {name: facts["packages"].get(name, "") for name in names}, "commands": names}


def describe_kind(facts: Facts, gpus_each: int) -> str:
    """The hardware that decides the bytes of a cell: its GPUs where it trains on some, else its CPU."""
    return " + ".join(facts["gpus"]) if gpus_each else str(facts["cpu"])


def explain_difference(facts: Facts, driver: Facts) -> str:
    """Why a node of this environment may not run cells, in one sentence; empty if it may."""
    if facts["python"] != driver["python"]:
        return (
            f"Node {facts['node']} has Python {facts['python']}, but this machine has {driver['python']}: "
            "install that there."
        )
    pairs = {name: (facts["packages"].get(name, ""), version) for name, version in sorted(driver["packages"].items())}
    different = [name for name, (version, expected) in pairs.items() if version != expected]
    if not different:
        return ""
    version, expected = pairs[different[0]]
    return (
        f"Node {facts['node']} has {different[0]} {version or 'not at all'}, but this machine has {expected} "
        f"({len(different)} of {len(pairs)} pinned packages differ): run {driver['commands'][different[0]]} there."
    )


def choose_facts(facts: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `facts` that `expected` names: of the packages the same ones, of the hardware GPUs or CPU."""
    packages = {name: facts["packages"].get(name, "") for name in expected["packages"]}
    return {name: packages if name == "packages" else facts[name] for name in expected}


def _list_pinned(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [normalize_package(line.split("==")[0].strip()) for line in lines if "==" in line]


def normalize_package(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_cpu(text: str) -> str:
    """The CPU's model, and the widest instructions that it has for numeric libraries; `text` is /proc/cpuinfo."""
    fields: dict[str, str] = dict(re.findall(r"^(model name|flags|Features)\s*:\s*(.*)$", text, re.MULTILINE))
    flags = fields.get("flags", fields.get("Features", "")).split()
    widest = next((name for name in INSTRUCTIONS if name in flags), "")
    return " ".join(filter(None, (fields.get("model name", platform.machine()), widest)))


def _list_gpu_names() -> list[str]:
    """The names of this machine's GPUs, each once."""
    if not shutil.which("nvidia-smi"):
        return []
    words = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    process = subprocess.run(words, capture_output=True, text=True, check=False)
    return [] if process.returncode else sorted(set(process.stdout.splitlines()))  # it prints why it failed there too
