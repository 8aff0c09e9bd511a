"""The settings that there are: those of the shipped params.yaml and no others; a key that nothing reads is refused."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from m2m.commands import bake_off, check, collect, domains, grid, plan, study, use
from m2m.grid.design import list_cells
from m2m.grid.params import known_settings
from m2m.grid.params.known_settings import ANY, check_settings, list_known_settings
from m2m.grid.params.params_file import list_profiles, read_profile, read_settings, write_settings
from m2m.grid.params.profiles import apply_profiles
from m2m.grid.params.setting_files import require_named_files
from m2m.grid.params.setting_rules import find_range

ROOT = Path(__file__).parents[3]
PARAMS = read_settings(ROOT / "params.yaml")


def list_leaves(block: Any, prefix: Any = "") -> Iterator[Any]:
    for key, inner in block.items():
        if (
            not isinstance(inner, dict)
            or ANY in inner
            or key in ("sources", "parts", "bake_off", "sizes", "hypotheses")
        ):
            yield f"{prefix}{key}"
        else:
            yield from list_leaves(inner, f"{prefix}{key}.")


def test_what_dvc_hands_to_the_stages_is_what_the_shipped_settings_have() -> None:
    assert set(list_leaves(list_known_settings())) - {"generate.endpoint.revision"} == set(list_leaves(PARAMS))


def test_every_shipped_profile_has_known_settings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in list_profiles():
        settings = deepcopy(PARAMS)
        apply_profiles(settings, *read_profile(name))
        assert check_settings(settings) > 100


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("subset.min_tokns", r"^params\.yaml: subset\.min_tokns is not a setting\. Did you mean subset\.min_tokens\?$"),
        ("opponent.sed", r"opponent\.sed is not a setting\. Did you mean opponent\.seed\?"),
        ("opponent.degree", r"opponent\.degree is not a setting\. Did you mean subset\.degree\?"),
        ("finetun", r"finetun is not a setting\. Did you mean finetune\?"),
        ("min_tokens", r"min_tokens is not a setting\. Did you mean subset\.min_tokens\?"),
        ("band.zzzz", r"band\.zzzz is not a setting\. band has tokenizer, low, high, limits, band\."),
        ("tag.side", r"tag\.side is not a setting\. Did you mean"),
        ("judge.endpoint.modell", r"judge\.endpoint\.modell is not a setting\. Did you mean judge\.endpoint\.model\?"),
        ("ingest.sources.docstrings.limt", r"sources\.docstrings\.limt is not a setting\. Did you mean .*\.limit\?"),
        ("grid.parts.random.sead", r"grid\.parts\.random\.sead is not a setting\. Did you mean .*\.seed\?"),
    ],
)
def test_a_key_that_nothing_reads_is_refused_with_its_path_and_the_nearest_one(path: str, message: str) -> None:
    settings = deepcopy(PARAMS)
    *blocks, key = path.split(".")
    inner = settings
    for block in blocks:
        inner = inner[block]
    inner[key] = 1
    with pytest.raises(ValueError, match=message):
        check_settings(settings)


@pytest.mark.parametrize("part", [{"cluster.seed": [1, 2]}, {"cluster": {"seed": [1, 2]}}])
def test_a_part_of_the_grid_that_lists_a_shared_setting_gets_the_way_to_vary_it(part: Any) -> None:
    with pytest.raises(
        ValueError, match=r"not a setting\. What all cells share, .* run a grid a value, each with a --fol"
    ):
        check_settings(change("grid.parts.clusters", part))


def change(path: str, value: Any) -> Any:
    """The shipped settings with `value` at `path`."""
    settings = deepcopy(PARAMS)
    *blocks, key = path.split(".")
    inner = settings
    for block in blocks:
        inner = inner[block]
    inner[key] = value
    return settings


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("base", 3, "base must be a block of settings, got 3"),
        ("subset.size", {"rows": 3}, "subset.size must be one value, got a block with rows"),
        ("base.layers", -3, "base.layers must be at least 1, got -3"),
        ("base.layers", 2.0, "base.layers must be a whole number, got 2.0"),
        ("base.layers", True, "base.layers must be a whole number, got True"),
        ("base.layers", 10**30, f"base.layers must be at least 1, got {10**30}"),
        ("base.train_tokens", -1, "base.train_tokens must be at least 1, got -1"),
        ("base.train_tokens", "many", "base.train_tokens must be a whole number, got 'many'"),
        ("base.heads", 5, "base.heads must divide base.hidden_size, 192, got 5. Change it."),
        ("base.revision", 1234567, "base.revision must be text in quotes, got 1234567"),
        ("base.learning_rate", 0, "base.learning_rate must be above 0, got 0"),
        ("base.learning_rate", float("nan"), "base.learning_rate must be above 0, got nan"),
        ("embed.max_tokens", 0, "embed.max_tokens must be at least 1, got 0"),
        ("ingest.heldout_share", 1.5, "ingest.heldout_share must be at least 0 and below 1, got 1.5"),
        ("ingest.heldout_share", 1.0, "ingest.heldout_share must be at least 0 and below 1, got 1.0"),
        ("ingest.min_chars", 1300, "ingest.min_chars must be at most ingest.max_chars, 1200, got 1300."),
        ("ingest.sources", {}, "ingest.sources must have at least one entry, got none. Add one."),
        ("ingest.sources.docstrings.limit", -1, "ingest.sources.docstrings.limit must be at least 0, got -1"),
        ("ingest.sources.docstrings.kind", "file", "hub or null, got 'file'. Did you mean files?"),
        ("ingest.sources.docstrings.packages", "rich", "must be a list, each entry text in quotes, got 'rich'"),
        ("ingest.sources.docstrings.path", "a.jsonl", "source 'docstrings'"),
        ("ingest.sources.a;touch${IFS}X;", {"kind": "files", "path": "a"}, "may have letters, digits, - and _"),
        ("respond.endpoint.timeout", 0, "respond.endpoint.timeout must be above 0, got 0"),
        ("respond.endpoint.url", None, "respond.endpoint.url must be text in quotes, got None"),
        ("judge.engines", ["likelyhood"], "alpaca-eval, arena-hard, got ['likelyhood']"),
        ("judge.engines", [], "judge.engines must have at least one entry, got []"),
        ("judge.engines", "likelihood", "judge.engines must be a list, each entry one of likelihood"),
        ("subset.strategy", "response-mikro", "did you mean response-micro?"),
        ("subset.strategy", "deita", "deita chooses by a number of the rows: set subset.quality"),
        ("subset.strategy", "bm25", "bm25 chooses rows like your examples: set target.examples"),
        ("subset.strategy", "rds-plus", "rds-plus chooses rows like your examples: set target.examples"),
        ("subset.prefilter", "bm25", "prefilter bm25 keeps rows like your examples: set target.examples"),
        ("subset.prefilter_share", 0.5, "prefilter_share 0.5 needs subset.prefilter: set it to bm25 or rds-plus"),
        ("subset.quality_share", 0.5, "subset.quality_share 0.5 needs subset.quality"),
        ("subset.quality", "llm_quality", "llm_quality, a score by an LLM, and rate.engine is none: set it"),
        ("subset.quality", "mine * llm_complexity", "subset.quality names llm_complexity, a score by an LLM"),
        ("rate.engine", "locale", "one of none, endpoint, local, got 'locale'. Did you mean local?"),
        ("rate.reply_tokens", 0, "rate.reply_tokens must be at least 1, got 0"),
        ("rate.endpoint.url", "me", "rate.endpoint.url must begin with http:// or https:// and contain no name"),
        ("grid.parts.random.strategy", ["random", "deita"], "deita chooses by a number of the rows"),
        ("subset.degree", 7, "subset.degree must be at least 0 and at most 6, got 7"),
        ("subset.weights", "inverze", "one of uniform, inverse, got 'inverze'. Did you mean inverse?"),
        ("generate.max_new_tokens", 1024, "generate.max_new_tokens must be below generate.max_length, 1024, got 1024"),
        ("generate.batching", "continuous", "continuous needs generate.repetition_penalty 1, got 1.2. Change"),
        ("finetune.attention", "varlen", "varlen needs finetune.packing exact, got none. Change"),
        ("finetune.batch_size", 6, "finetune.batch_size 6 must be a multiple of processes × accumulate, got 1 × 4"),
        ("prompt_format", "chat", "chat needs a base with a chat template, got base.name scratch: set prompt_format"),
        ("judge.endpoint.url", "127.0.0.1:8000/v1", "judge.endpoint.url must begin with http:// or https://"),
        ("respond.endpoint.url", "http://me:pass@a/v1", "respond.endpoint.url must begin with http:// or https:// and"),
        ("tag.endpoint.key", "sk-1234", "tag.endpoint.key must be the name of an environment variable, not the key"),
        ("grid.staged.keep", [2, 5], "grid.staged.keep must be falling numbers of at least 1, such as [9, 4, 2], got"),
        ("grid.staged.fresh", [1, 20], "grid.staged.fresh must not contain a seed that chooses"),
        ("analyze.primary_outcome", "bpb", "primary_outcome must be one of bpb_reduction, likelihood_win_rate, "),
        ("grid.seconds", 0, "grid.seconds must be above 0, got 0"),
        ("grid.parts", None, "grid.parts must be a block of settings, got None"),
        ("grid.parts", {}, "grid.parts must have at least one entry, got none"),
        ("grid.parts.random", [1], "grid.parts.random must be a block of settings, got [1]"),
        ("grid.parts.random.budget", ["euros"], "must have entries that are each one of rows, tokens, got ['euros']"),
        ("grid.parts.random.size", [0], "grid.parts.random.size must be at least 1, got [0]"),
        ("grid.bake_off.rows.seed", [-1], "grid.bake_off.rows.seed must be at least 0"),
        ("grid.sizes.random.strategy", ["bm25"], "bm25 chooses rows like your examples"),
        ("grid.parts.matched.match", ["longest"], "match of a cell in grid.parts.matched must be one of instruction"),
        ("grid.bake_off.rows.strategy", ["longer"], "strategy of a cell in grid.bake_off.rows must be one of"),
        ("grid.bake_off.rows.match", ["longest"], "match of a cell in grid.bake_off.rows must be one of instruction"),
        ("grid.bake_off.rows.quality_share", [0.5], "grid.bake_off.rows may not list quality_share: a grid has one"),
        ("grid.sizes.random.strategy", ["randon"], "grid.sizes.random must be one of"),
        ("grid.sizes.random.min_tokens", [100001], "min_tokens of a cell in grid.sizes.random must be at most max_t"),
        ("grid.parts.baselines.lengths", ["as-random"], "grid.parts.baselines.lengths as-random needs a strategy with"),
        ("grid.parts.random.size", [[1]], "must have entries that are each a whole number, got [[1]]"),
        ("grid.parts.random.seed", [], "grid.parts.random.seed must have at least one entry, got []"),
        ("grid.parts.random.seed", {"a": 1}, "grid.parts.random.seed must be one value, got a block with a"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_file_path_rule_and_value(path: str, value: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=r"^params\.yaml: ") as refusal:
        check_settings(change(path, value))
    assert rule in str(refusal.value)


@pytest.mark.parametrize("strategy", ["longest", "k-center", "token-entropy"])
def test_lengths_as_random_of_a_strategy_without_units_are_refused(strategy: str) -> None:
    settings = change("subset.lengths", "as-random")
    check_settings(settings)  # the grid's baselines have free lengths
    for name in ("random", "length-matched", "response-macro"):
        settings["subset"]["strategy"] = name
        check_settings(settings)
    settings["subset"]["strategy"] = strategy
    message = rf"^params\.yaml: subset\.lengths as-random needs a strategy with units, and {strategy} has none: give"
    with pytest.raises(ValueError, match=message):
        check_settings(settings)


def test_a_served_checkpoint_needs_a_name_that_changes_with_its_weights() -> None:
    settings = change("generate.engine", "endpoint")
    check_settings(settings)
    settings["generate"]["endpoint"]["model"] = "mine"
    with pytest.raises(ValueError, match=r"^params\.yaml: generate\.endpoint\.model must contain \{weights\}"):
        check_settings(settings)


@pytest.mark.parametrize("engine", ["endpoint", "local"])
def test_deita_may_choose_by_the_scores_of_an_llm_that_is_asked(engine: str) -> None:
    settings = change("rate.engine", engine)
    settings["subset"] |= {"strategy": "deita", "quality": "llm_complexity*llm_quality"}
    check_settings(settings)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("launch", "nowhere"),
        ("measure.gamed", "nowhere.csv"),
        ("measure.alpaca_eval", "nowhere.json"),
        ("target.examples", "nowhere/*.jsonl"),
        ("ingest.sources.mine", {"kind": "files", "path": "nowhere"}),
        ("benchmark.sources.mine", {"kind": "files", "path": "nowhere"}),
    ],
)
def test_a_file_that_is_nowhere_is_told_before_the_first_stage(
    path: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    require_named_files(PARAMS)
    settings = change(path, value)
    check_settings(settings)
    with pytest.raises(ValueError, match=rf"^params\.yaml: {path}[.a-z]* must be a file.*nowhere"):
        require_named_files(settings)


@pytest.mark.parametrize("path", ["base.layers", "launch", "finetune", "judge.endpoint.url"])
def test_a_setting_that_is_missing_is_named(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a clone may hold copies, which the sentence then names
    settings = deepcopy(PARAMS)
    *blocks, key = path.split(".")
    inner = settings
    for block in blocks:
        inner = inner[block]
    del inner[key]
    with pytest.raises(ValueError, match=rf"^params\.yaml: {path}[\w.]* is missing\. Add it, or take it from git show"):
        check_settings(settings)


def test_every_number_has_a_range_and_nothing_else_has_one() -> None:
    kinds = list(list_types(list_known_settings()))
    assert [name for name, kind in kinds if bool({"int", "float"} & set(kind.kinds)) != bool(find_range(name))] == []
    assert len(kinds) > 100


def list_types(block: Any, prefix: str = "") -> Iterator[Any]:
    for key, inner in block.items():
        if isinstance(inner, dict):
            yield from list_types(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


STRANGE = [None, True, -1, 0, 10**30, 0.5, -2.5, float("inf"), "", "x", "a;b", [], [None], [[1]], ["x"], {}]
STRANGE += [{"a": 1}, {1: {2: 3}}]
CELL_RULES = ("strategy of a cell", "match of a cell", "grid.parts")  # of `list_cells`


def list_paths(block: Any, prefix: str = "") -> Iterator[str]:
    for key, inner in block.items():
        yield f"{prefix}{key}"
        if isinstance(inner, dict):
            yield from list_paths(inner, f"{prefix}{key}.")


def test_whatever_stands_anywhere_is_a_grid_or_one_sentence_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of 18 strange values in each of some 200 settings, of those of the grid more: no traceback."""
    known, plain = list_known_settings(), json.dumps(PARAMS)
    monkeypatch.setattr(known_settings, "list_known_settings", lambda: known)
    pairs = [(path, value) for path in list_paths(PARAMS) for value in STRANGE]
    draw = random.Random(1)
    of_the_grid = [pair for pair in pairs if pair[0].startswith("grid")]
    refused = 0
    for path, value in [*draw.sample(pairs, 300), *draw.sample(of_the_grid, 150)]:
        settings = json.loads(plain)
        *blocks, key = path.split(".")
        reduce(dict.__getitem__, blocks, settings)[key] = value
        try:
            check_settings(settings)
            if path.startswith(("grid", "subset")):
                list_cells(settings["grid"]["parts"], settings["subset"], "full")
        except ValueError as error:
            refused += 1
            assert str(error).startswith(("params.yaml: ", *CELL_RULES)) or " of a cell in grid.parts" in str(error)
    assert refused > 300


@pytest.mark.parametrize(
    "command",
    [
        check.main,
        plan.main,
        grid.main,
        collect.main,
        lambda: use.main("tiny"),
        lambda: study.main(Path("metrics")),
        lambda: domains.main(Path("metrics")),
        lambda: bake_off.main(report=True),
    ],
)
def test_every_command_that_begins_with_the_settings_checks_them_first(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = deepcopy(PARAMS)
    settings["subset"]["min_tokns"] = 40
    write_settings(tmp_path / "params.yaml", settings)
    before = (tmp_path / "params.yaml").read_bytes()
    with pytest.raises(ValueError, match=r"params\.yaml: subset\.min_tokns is not a setting"):
        command()
    assert (tmp_path / "params.yaml").read_bytes() == before


def test_check_counts_the_settings_of_the_shipped_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    check.main()
    assert capsys.readouterr().out.startswith("params.yaml: ") and "python -m m2m check" in Path("Makefile").read_text()


def test_registered_hypotheses_that_are_missing_are_named() -> None:
    settings = deepcopy(PARAMS)
    del settings["analyze"]["hypotheses"]
    with pytest.raises(ValueError, match=r"analyze\.hypotheses is missing\. Add it; \{\} registers none\."):
        check_settings(settings)
