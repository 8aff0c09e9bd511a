"""The settings that dvc.yaml hands to the stages, with their types → one sentence for what is wrong in params.yaml."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from m2m.grid.design import SHARED_REMEDY
from m2m.grid.params.setting_rules import PART_BLOCKS, PART_PREFIXES, explain_range, list_broken_rules
from m2m.grid.params.setting_types import HINT, SettingType, read_dataclass, read_main
from m2m.runtime.settings import COPIES_FOLDER

Known = dict[str, Any]  # a SettingType for a value, Known for a block; the key ANY stands for free names
ANY = "*"
SETTINGS_COPIES = COPIES_FOLDER / "params.yaml", COPIES_FOLDER / "params.yaml.1"  # as m2m.preflight writes them
PIPELINES = ("dvc.yaml", "metrics/dvc.yaml")
SETTING_NAME = re.compile(r"@(\w+(?:\.\w+)*)")
DATACLASSES = {
    "endpoint": ("m2m.llm.client.request", "Endpoint"),
    "ingest": ("m2m.data.pool.sources", "Source"),
    "benchmark": ("m2m.data.benchmarks.sources", "Benchmark"),
    "analyze": ("m2m.study.analysis.hypotheses", "Hypothesis"),
}


def check_settings(settings: Mapping[str, Any], file: str = "params.yaml") -> int:
    """The number of settings, if all are there, known, of their types, in their ranges and agree with each other.

    ValueError for the first that is not: the file, the setting, its rule and value, and the nearest name.
    """
    tree = list_known_settings()
    count = sum(1 for _ in _walk(settings, tree, "", file))
    if missing := list(_list_missing(settings, tree, "")):
        copies = [copy for copy in SETTINGS_COPIES if copy.exists()]
        raise ValueError(
            f"{file}: {missing[0]} is missing. Add it, or take it from {''.join(f'{copy} or ' for copy in copies)}"
            f"git show HEAD:params.yaml{f' ({len(missing)} settings are missing)' if len(missing) > 1 else ''}."
        )
    for sentence in list_broken_rules(settings):
        raise ValueError(f"{file}: {sentence}")
    return count


def list_missing_settings(settings: Mapping[str, Any]) -> list[str]:
    """The dotted names that `settings` lack; blocks that are none lack all of theirs."""
    return list(_list_missing(settings, list_known_settings(), ""))


def list_known_settings() -> Known:
    """Every key that params.yaml may have, and its type: what the commands of dvc.yaml read, by the stages' mains."""
    root = Path(__file__).parents[3]
    if not (root / PIPELINES[0]).exists():  # installed elsewhere: the clone that this process runs in
        root = Path()
    texts = [(root / name).read_text(encoding="utf-8") for name in PIPELINES]
    stages = [stage for text in texts for stage in yaml.load(text, yaml.CSafeLoader)["stages"].values()]
    commands = [command.split() for stage in stages for command in _list_commands(stage)]
    tree: Known = {}
    for words in sorted(commands, key=lambda words: len(_list_blocks(words)) != 1):  # one block: all flags are its own
        _add_blocks(tree, root, words)
    for words in commands:
        _add_flags(tree, root, words)
    for block in list(tree.values()):
        if isinstance(block, dict) and "reply_tokens" in block:
            block["endpoint"] = read_dataclass(root, *DATACLASSES["endpoint"])
    tree["generate"]["endpoint"] = read_dataclass(root, *DATACLASSES["endpoint"])
    for name in ("ingest", "benchmark"):
        tree[name]["sources"] = {ANY: read_dataclass(root, *DATACLASSES[name])}
    tree["analyze"]["hypotheses"] = {ANY: read_dataclass(root, *DATACLASSES["analyze"])}
    parts = {name: kind._replace(is_list=True, has_default=True) for name, kind in tree["subset"].items()}
    staged = {"keep": SettingType(("int",), is_list=True), "fresh": SettingType(("int",), is_list=True)}
    tree["grid"] = {
        "seconds": SettingType(("float",)),
        "staged": staged,
        **{block: {ANY: parts} for block in PART_BLOCKS},
    }
    return tree


def _add_blocks(tree: Known, root: Path, words: list[str]) -> None:
    """Add the blocks that one command reads whole, `@block`: the flags that nothing else gives."""
    types, names, flags = _read_types(root, words), _list_blocks(words), _read_flags(words)
    block_keys = {key for name in names for key in tree.get(name, {})}
    for name in names:
        if name not in tree:
            tree[name] = {key: kind for key, kind in types.items() if key not in flags and key not in block_keys}


def _add_flags(tree: Known, root: Path, words: list[str]) -> None:
    """Add the settings that one command reads by their flags, `--flag @block.key`."""
    types = _read_types(root, words)
    for flag, word in _read_flags(words).items():
        if match := SETTING_NAME.fullmatch(word):
            *path, key = match[1].split(".")
            block = tree
            for name in path:
                block = block.setdefault(name, {})
            block.setdefault(key, types[flag])


def _read_types(root: Path, words: list[str]) -> dict[str, SettingType]:
    return read_main(root, next(word for word in words if word.startswith("stages.")))


def _read_flags(words: list[str]) -> dict[str, str]:
    return {flag.removeprefix("--"): word for flag, word in pairwise(words) if flag[:2] == "--"}


def _list_commands(stage: Mapping[str, Any]) -> Iterator[str]:
    """The command of a stage, or that of each item of its `foreach`, with the item's text in place."""
    command = str(stage.get("do", stage)["cmd"])
    items = stage.get("foreach", {})
    for item in list(items.values()) if items else [{}]:
        texts = item if isinstance(item, Mapping) else {}
        yield re.sub(r"\$\{item\.(\w+)\}", lambda match, texts=texts: str(texts.get(match[1], match[0])), command)  # type: ignore[misc]


def _list_blocks(words: list[str]) -> list[str]:
    """The blocks that a command reads whole: `@band`, but not the value in `--launch @launch`."""
    pairs = zip(["", *words], words, strict=False)
    matches = [SETTING_NAME.fullmatch(word) for before, word in pairs if not before.startswith("--")]
    return [match[1] for match in matches if match]


def _walk(settings: Mapping[str, Any], tree: Known, prefix: str, file: str) -> Iterator[str]:
    """The dotted name of every value. ValueError for the first that is unknown, of a wrong type, or out of range."""
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if ANY not in tree and key not in tree:
            raise ValueError(f"{file}: {name:.80} is not a setting. {_suggest(prefix, str(key), tree)}")
        inner = tree[ANY] if ANY in tree else tree[key]
        if isinstance(inner, dict) and not isinstance(value, Mapping):
            raise ValueError(f"{file}: {name} must be a block of settings, got {value!r:.60}")
        if isinstance(value, Mapping) and not isinstance(inner, dict):
            raise ValueError(f"{file}: {name} must be one value, got a block with {', '.join(map(str, value))}")
        if isinstance(value, Mapping):
            yield from _walk(value, inner, f"{name}.", file)
            continue
        checked = [value] if prefix.startswith(PART_PREFIXES) and not isinstance(value, list) else value
        if rule := inner.explain(checked) or explain_range(name, checked) or _explain_empty(name, inner, checked):
            words, _, nearest = rule.partition(HINT)
            raise ValueError(f"{file}: {name} {words}, got {value!r:.60}{f'{HINT}{nearest}' if nearest else ''}")
        yield name


def _explain_empty(name: str, kind: SettingType, value: object) -> str:
    """A list that a stage needs has entries; DVC and the grid would take it for one that is not there."""
    is_needed = name.startswith(PART_PREFIXES) or not kind.has_default
    return "must have at least one entry" if value == [] and is_needed else ""


def _list_missing(settings: Mapping[str, Any], tree: Known, prefix: str) -> Iterator[str]:
    for key, inner in tree.items():
        if key == ANY:
            for name, block in settings.items():
                yield from _list_missing(_get_block(block), inner, f"{prefix}{name}.")
        elif isinstance(inner, dict):
            yield from _list_missing(_get_block(settings.get(key)), inner, f"{prefix}{key}.")
        elif key not in settings and not inner.has_default:
            yield f"{prefix}{key}"


def _get_block(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _suggest(prefix: str, key: str, tree: Known) -> str:
    if nearest := get_close_matches(key, tree, n=1):
        return f"Did you mean {prefix}{nearest[0]}?"
    if prefix.startswith(PART_PREFIXES):
        return SHARED_REMEDY
    elsewhere = {name.rpartition(".")[2]: name for name in _list_names(list_known_settings(), "")}
    if nearest := get_close_matches(key, elsewhere, n=1):
        return f"Did you mean {elsewhere[nearest[0]]}?"
    return f"{prefix.rstrip('.') or 'The top level'} has {', '.join(tree)}."


def _list_names(tree: Known, prefix: str) -> Iterator[str]:
    for key, inner in tree.items():
        yield f"{prefix}{key}"
        if isinstance(inner, dict) and ANY not in inner:
            yield from _list_names(inner, f"{prefix}{key}.")
