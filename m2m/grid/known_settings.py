"""The settings that dvc.yaml hands to the stages → one sentence for a key of params.yaml that nothing reads."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from m2m.data.benchmarks.sources import Benchmark
from m2m.data.pool.sources import Source
from m2m.llm.client.request import Endpoint

Known = dict[str, Any]  # None for a value, Known for a block; the key ANY stands for free names
ANY = "*"
PIPELINES = ("dvc.yaml", "metrics/dvc.yaml")
REFERENCE = re.compile(r"\$\{(\w+(?:\.\w+)*)\}")
VARIABLES = {"item", "key", "sides"}  # of dvc.yaml itself


def check_settings(settings: Mapping[str, Any], file: str = "params.yaml") -> int:
    """The number of settings; ValueError for a key that no stage reads, with the nearest one that there is."""
    return sum(1 for _ in _walk(settings, list_known_settings(), "", file))


def list_known_settings() -> Known:
    """Every key that params.yaml may have: what dvc.yaml refers to, and of whole blocks the flags of the stage."""
    root = Path(__file__).parents[2]
    if not (root / PIPELINES[0]).exists():  # installed elsewhere: the clone that this process runs in
        root = Path()
    texts = [(root / name).read_text(encoding="utf-8") for name in PIPELINES]
    known: Known = {}
    for text in texts:
        for reference in REFERENCE.findall(text):
            _add(known, reference.split("."))
    commands = [_get_command(stage) for text in texts for stage in yaml.safe_load(text)["stages"].values()]
    blocks: dict[str, set[str]] = {}
    for words in sorted((command.split() for command in commands), key=_count_blocks):  # one block's own flags first
        names = _list_blocks(words)
        others = set().union(*(blocks.get(name, set()) for name in names))
        explicit = {word.removeprefix("--") for word in words if word.startswith("--")}
        for name in names:
            blocks.setdefault(name, _read_flags(root, words) - explicit - others)
    for name, keys in blocks.items():
        known[name] = dict.fromkeys(sorted(keys))
    for block in known.values():
        if block and "endpoint" in block:
            block["endpoint"] = {field.name: None for field in fields(Endpoint)}
    known["ingest"]["sources"] = {ANY: {field.name: None for field in fields(Source)}}
    known["benchmark"]["sources"] = {ANY: {field.name: None for field in fields(Benchmark)}}
    known["grid"] = {"seconds": None, "staged": {"keep": None, "fresh": None}, "parts": {ANY: known["subset"]}}
    return known


def _walk(settings: Mapping[str, Any], known: Known, prefix: str, file: str) -> Iterator[str]:
    """The dotted name of every value."""
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if ANY not in known and key not in known:
            raise ValueError(f"{file}: {name} is not a setting. {_suggest(prefix, str(key), known)}")
        inner = known[ANY] if ANY in known else known[key]
        if inner is not None and not isinstance(value, Mapping):
            raise ValueError(f"{file}: {name} must be a block of settings, got {value!r}")
        if isinstance(value, Mapping) and inner is None:
            raise ValueError(f"{file}: {name} must be one value, got a block with {', '.join(map(str, value))}")
        if isinstance(value, Mapping):
            yield from _walk(value, inner, f"{name}.", file)
        else:
            yield name


def _suggest(prefix: str, key: str, known: Known) -> str:
    if nearest := get_close_matches(key, known, n=1):
        return f"Did you mean {prefix}{nearest[0]}?"
    elsewhere = {name.rpartition(".")[2]: name for name in _list_names(list_known_settings(), "")}
    if nearest := get_close_matches(key, elsewhere, n=1):
        return f"Did you mean {elsewhere[nearest[0]]}?"
    return f"{prefix.rstrip('.') or 'The top level'} has {', '.join(known)}."


def _list_names(known: Known, prefix: str) -> Iterator[str]:
    for key, inner in known.items():
        yield f"{prefix}{key}"
        if inner is not None and ANY not in inner:
            yield from _list_names(inner, f"{prefix}{key}.")


def _add(known: Known, keys: list[str]) -> None:
    if keys[0] in VARIABLES:
        return
    for key in keys[:-1]:
        known[key] = known.get(key) or {}
        known = known[key]
    known.setdefault(keys[-1], None)


def _get_command(stage: Mapping[str, Any]) -> str:
    return str(stage.get("do", stage)["cmd"])


def _list_blocks(words: list[str]) -> list[str]:
    """The blocks that a command hands on whole: `${band}`, but not the value in `--launch ${launch}`."""
    pairs = zip(["", *words], words, strict=False)
    matches = [REFERENCE.fullmatch(word) for before, word in pairs if not before.startswith("--")]
    return [match[1] for match in matches if match and "." not in match[1] and match[1] not in VARIABLES]


def _count_blocks(words: list[str]) -> int:
    return len(_list_blocks(words))


def _read_flags(root: Path, words: list[str]) -> set[str]:
    """The keyword-only parameters of the stage's main, from its source: importing all stages takes seconds."""
    module = next(word for word in words if word.startswith("stages."))
    tree = ast.parse((root / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    mains = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    return {argument.arg for argument in mains[0].args.kwonlyargs}
