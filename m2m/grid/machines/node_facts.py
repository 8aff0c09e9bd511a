"""What decides the bytes of a cell on a node: Python, packages, CPU, GPUs. Nodes get this file as part of a program."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

INSTRUCTIONS = ("amx_tile", "avx512f", "avx2")  # numeric libraries choose their loops by these, the widest first


def read_facts() -> dict[str, Any]:
    """What decides the bytes of a cell on this machine: Python, packages with versions, CPU and GPUs."""
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


def choose_facts(facts: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `facts` that `expected` names: of the packages the same ones, of the hardware GPUs or CPU."""
    packages = {name: facts["packages"].get(name, "") for name in expected["packages"]}
    return {name: packages if name == "packages" else facts[name] for name in expected}


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
