"""Says which outputs of a run differ from the committed ones although their inputs are equal, as on another CPU."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

LOCK = Path("dvc.lock")
INPUTS = ("cmd", "deps", "params")
EXACT = (
    *("ingest", "benchmark", "tokenizer", "respond", "tag", "rate", "band", "strategy", "subset", "overlap", "exclude"),
)
LLM_JUDGES = {"alpaca-eval", "arena-hard"}  # of judge.engines
CPU, SERVER = "another CPU rounds otherwise", "an LLM server may reply otherwise"
Stages = Mapping[str, Mapping[str, Any]]


def describe_other_bytes() -> str:
    """What a person should know of dvc.lock in this folder, against that of the last commit; empty if nothing."""
    committed = subprocess.run(["git", "show", f"HEAD:{LOCK}"], capture_output=True, text=True, check=False)
    if committed.returncode or not LOCK.exists():
        return ""
    texts = committed.stdout, LOCK.read_text(encoding="utf-8")
    before, after = (yaml.load(text, yaml.CSafeLoader)["stages"] for text in texts)
    first = list_first_differences(before, after)
    if not first:
        return ""
    later = sum(before.get(name) != stage for name, stage in after.items()) - len(first)
    changed = subprocess.run(["git", "diff", "--name-only", "HEAD"], capture_output=True, text=True, check=True)
    files = [name for name in changed.stdout.split() if name == str(LOCK) or name.startswith("metrics/")]
    engines = {name: _list_engines(name, after[name]) for name in first}
    if exact := [name for name in first if name.split("@")[0] in EXACT and not engines[name] & {"endpoint", "local"}]:
        return (
            f"Same inputs, other bytes than in the last commit: {', '.join(exact)}. No CPU explains that: compare your "
            "packages with constraints.txt, and please report it."
        )
    reasons = {SERVER if "endpoint" in used else CPU for used in engines.values()}
    reason = " and ".join(sorted(reasons))
    return (
        f"Same inputs, other bytes than in the last commit: {', '.join(first)} (later stages that follow: {later}). "
        f"{reason[0].upper()}{reason[1:]}: that is no fault, and your results are right. "
        f"Commit {' '.join(files)} to keep them; or go back with: git restore {' '.join(files)}"
    )


def list_first_differences(before: Stages, after: Stages) -> list[str]:
    """The stages of both whose commands, dependencies and settings are equal, and whose outputs are not."""
    return [
        name
        for name, stage in after.items()
        if name in before
        and all(stage.get(kind) == before[name].get(kind) for kind in INPUTS)
        and stage.get("outs") != before[name].get("outs")
    ]


def _list_engines(name: str, stage: Mapping[str, Any]) -> set[str]:
    """What the stage computes with, as its settings say: endpoint for a server, local for an LLM in this process."""
    blocks = stage.get("params", {}).get("params.yaml", {})
    settings = blocks.get(name.split("@", maxsplit=1)[0], {})
    has_llm_judge = LLM_JUDGES & set(settings.get("engines", []))
    return {settings.get("engine", "")} | ({settings["llm"]} if has_llm_judge else set())
