"""The rules of settings beyond their types: ranges, free names, and those between two settings."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from m2m.data.benchmarks.sources import Benchmark, check_benchmark
from m2m.data.pool.sources import Source, check_source
from m2m.grid.design import list_cells, require_lengths
from m2m.inference.served_checkpoint import require_weights_hole
from m2m.llm.client.request import Endpoint, check_endpoint
from m2m.llm_fields import explain_unrated
from m2m.planning.staging import check_schedule
from m2m.runtime.cli import NAME
from m2m.strategies import STRATEGIES, get_strategy, require_match, require_prefilter
from m2m.study.analysis.hypotheses import read_hypotheses
from m2m.study.cells.outcomes import MAIN
from m2m.training.finetuning.launch import divide_batch

PART_BLOCKS = ("parts", "bake_off", "sizes")  # of `grid`: each a mapping from part name to lists
PART_PREFIXES = tuple(f"grid.{block}." for block in PART_BLOCKS)
LARGEST_SETTING = 2**53  # beyond it a float, as of JSON, skips numbers


class Range(NamedTuple):
    """The numbers from `least` to `most`; `is_open`: without `least` itself, `is_below`: without `most`."""

    least: float
    most: float = math.inf
    is_open: bool = False
    is_below: bool = False

    def has(self, number: float) -> bool:
        """Whether `number` is finite and in the range."""
        above = number > self.least if self.is_open else number >= self.least
        below = number < self.most if self.is_below else number <= self.most
        return above and below and math.isfinite(number) and abs(number) <= LARGEST_SETTING

    def describe(self) -> str:
        """As in "at least 1"."""
        least = f"{'above' if self.is_open else 'at least'} {self.least:g}"
        return (
            least if self.most == math.inf else f"{least} and {'below' if self.is_below else 'at most'} {self.most:g}"
        )


SEEDS, COUNTS, SHARES = Range(0, 2**32 - 1), Range(1), Range(0, 1)  # numpy takes 32 bits of a seed
AMOUNTS, POSITIVES = Range(0), Range(0, is_open=True)
RANGES = {  # of every number; a name without its block is that of every endpoint, source or benchmark
    SEEDS: "ingest.seed benchmark.seed base.seed respond.seed cluster.seed subset.seed opponent.seed measure.seed "
    "analyze.seed gradients.seed finetune.order_seed grid.staged.fresh",
    COUNTS: "ingest.max_chars base.hidden_size base.layers base.heads base.context base.batch_size base.train_tokens "
    "respond.reply_tokens concurrency max_requests max_tokens rows embed.batch_size embed.max_tokens "
    "cluster.n_components cluster.min_samples cluster.sample tag.per_text tag.max_words tag.reply_tokens subset.size "
    "subset.slack subset.max_tokens finetune.lora_rank finetune.lora_alpha finetune.epochs finetune.batch_size "
    "finetune.accumulate "
    "generate.batch_size generate.max_new_tokens judge.repeats judge.reply_tokens measure.resamples analyze.resamples "
    "grid.staged.keep rate.reply_tokens difficulty.batch_size represent.batch_size gradients.dims",
    AMOUNTS: "ingest.min_chars limit respond.temperature tag.temperature tag.max_distance band.low band.high "
    "rate.temperature subset.min_tokens finetune.checkpoint_minutes judge.temperature analyze.least_prompts",
    Range(0, 1, is_below=True): "ingest.heldout_share",
    SHARES: "ingest.corpus_share max_failed_share tag.min_share tag.max_share "
    "tag.min_support_share tag.min_confidence finetune.lora_dropout finetune.warmup_share finetune.max_lost_share "
    "subset.peel_noise",
    POSITIVES: "base.learning_rate timeout finetune.learning_rate generate.repetition_penalty grid.seconds margin",
    Range(0, 1, is_open=True): "subset.quality_share subset.prefilter_share",
    Range(0, 6): "subset.degree degrees",
    Range(2): "base.block cluster.n_neighbors cluster.min_cluster_size finetune.max_length generate.max_length "
    "difficulty.max_length represent.max_length gradients.max_length",
    Range(257): "base.vocab_size",  # the 256 bytes and the end of a text
}
RANGE_OF = {name: numbers for numbers, names in RANGES.items() for name in names.split()}
ORDERED = (  # the first of two settings is at most the second
    ("ingest.min_chars", "ingest.max_chars"),
    ("tag.min_share", "tag.max_share"),
    ("band.low", "band.high"),
    ("subset.min_tokens", "subset.max_tokens"),
)


def find_range(name: str) -> Range | None:
    """The range of the setting with this dotted name; those of a grid's part are those of `subset`."""
    key = name.rpartition(".")[2]
    if name.startswith(PART_PREFIXES):
        return RANGE_OF.get(f"subset.{key}")
    return RANGE_OF.get(name) or (RANGE_OF.get(key) if name.count(".") > 1 else None)


def explain_range(name: str, value: object) -> str:
    """The rule that a number breaks, as in "must be at least 1"; empty if it breaks none or is no number."""
    numbers = find_range(name)
    values = value if isinstance(value, list) else [value]
    strange = [item for item in values if isinstance(item, int | float) and numbers and not numbers.has(item)]
    return f"must be {numbers.describe()}" if strange and numbers else ""


def list_broken_rules(settings: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each rule between settings that is broken; `settings` have all keys, of the right types."""
    for first, second in ORDERED:
        low, high = (_get(settings, name) for name in (first, second))
        if low is not None and high is not None and low > high:
            yield f"{first} must be at most {second}, {high}, got {low}. Lower the one or raise the other."
    base, generate = settings["base"], settings["generate"]
    if base["hidden_size"] % base["heads"]:
        yield f"base.heads must divide base.hidden_size, {base['hidden_size']}, got {base['heads']}. Change it."
    if generate["max_new_tokens"] >= generate["max_length"]:
        yield (
            f"generate.max_new_tokens must be below generate.max_length, {generate['max_length']}, got "
            f"{generate['max_new_tokens']}. Lower it."
        )
    tune = settings["finetune"]
    if tune["attention"] == "varlen" and tune["packing"] != "exact":
        yield f"finetune.attention varlen needs finetune.packing exact, got {tune['packing']}. Change one of them."
    is_continuous = generate["engine"] == "local" and generate["batching"] == "continuous"
    if is_continuous and generate["repetition_penalty"] != 1:
        yield (
            "generate.batching continuous needs generate.repetition_penalty 1, got "
            f"{generate['repetition_penalty']}. Change one of them."
        )
    yield from _list_refused(settings)
    yield from _list_broken_names(settings)
    yield from _list_missing_inputs(settings)
    yield from _list_impossible_cells(settings)


def _list_refused(settings: Mapping[str, Any]) -> Iterator[str]:
    """What stages would refuse minutes later, in their own words."""
    tune, generate, staged = settings["finetune"], settings["generate"], settings["grid"]["staged"]
    blocks = {name: block for name, block in settings.items() if isinstance(block, Mapping) and "endpoint" in block}
    checks: list[tuple[str, Callable[[], object]]] = [
        ("", lambda: divide_batch(tune["batch_size"], 1, tune["accumulate"])),
        ("", lambda: check_schedule(staged["keep"], staged["fresh"])),
        *((f"{name}.", partial(check_endpoint, Endpoint(**block["endpoint"]))) for name, block in blocks.items()),
    ]
    if generate["engine"] == "endpoint":
        checks.append(("", lambda: require_weights_hole(generate["endpoint"]["model"])))
    for prefix, check in checks:
        try:
            check()
        except ValueError as error:
            yield f"{prefix}{error}"
    if settings["prompt_format"] == "chat" and settings["base"]["name"] == "scratch":
        yield "prompt_format chat needs a base with a chat template, got base.name scratch: set prompt_format to plain."
    if (outcome := settings["analyze"]["primary_outcome"]) not in MAIN:
        yield f"analyze.primary_outcome must be one of {', '.join(MAIN)}, got {outcome!r:.60}. Change it."


def explain_missing_input(name: str, settings: Mapping[str, Any]) -> str:
    """What a strategy chooses by and these settings do not name, and what to set; empty where it has all."""
    strategy = STRATEGIES[name]
    if strategy.needs_quality and settings["subset"]["quality"] is None:
        return (
            f"{name} chooses by a number of the rows: set subset.quality to the name of that field, or to an LLM's, "
            "llm_complexity*llm_quality."
        )
    if strategy.needs_examples and settings["target"]["examples"] is None:
        return f"{name} chooses rows like your examples: set target.examples to their file."
    return ""


def _list_missing_inputs(settings: Mapping[str, Any]) -> Iterator[str]:
    """Sentences of what a strategy, of the workspace's cell or of a grid, chooses by and does not get."""
    subset = settings["subset"]
    if subset["quality"] is None and subset["quality_share"] != 1:
        yield f"subset.quality_share {subset['quality_share']} needs subset.quality, the name of a number field."
    if sentence := explain_unrated(subset["quality"], settings["rate"]["engine"]):
        yield sentence
    parts = [part for block in PART_BLOCKS for part in settings["grid"].get(block, {}).values()]
    for name in dict.fromkeys([subset["prefilter"], *_list_values(parts, "prefilter")]):
        if name != "random" and settings["target"]["examples"] is None:
            yield f"prefilter {name} keeps rows like your examples: set target.examples to a file."
    names = [subset["strategy"], *_list_values(parts, "strategy")]
    for name in dict.fromkeys(name for name in names if name in STRATEGIES):
        if sentence := explain_missing_input(name, settings):
            yield sentence


def _list_values(parts: Sequence[Mapping[str, Any]], setting: str) -> list[Any]:
    """What the parts of a grid list for `setting`, in lists or as one value."""
    listed = [part.get(setting, []) for part in parts]
    return [name for values in listed for name in (values if isinstance(values, list) else [values])]


def _list_broken_names(settings: Mapping[str, Any]) -> Iterator[str]:
    """Sentences of strategies that do not exist, of free names, and of sources with fields of another kind."""
    hypotheses = settings["analyze"].get("hypotheses")
    if hypotheses is None:
        yield "analyze.hypotheses is missing. Add it; {} registers none."
    for path, names in (
        ("ingest.sources", settings["ingest"]["sources"]),
        ("benchmark.sources", settings["benchmark"]["sources"]),
        *((f"grid.{block}", settings["grid"].get(block, {})) for block in PART_BLOCKS),
        ("analyze.hypotheses", hypotheses or {}),
    ):
        if not names and path != "analyze.hypotheses":
            yield f"{path} must have at least one entry, got none. Add one."
        for name in names:
            if not NAME.fullmatch(str(name)):
                yield f"a name in {path} may have letters, digits, - and _, got {str(name)!r:.60}. Rename it."
    try:
        for name, source in settings["ingest"]["sources"].items():
            check_source(name, Source(**source))
        for name, source in settings["benchmark"]["sources"].items():
            check_benchmark(name, Benchmark(**source))
        read_hypotheses(hypotheses or {})
        get_strategy(settings["subset"]["strategy"])
        require_match(settings["subset"]["match"])
        require_prefilter(settings["subset"]["prefilter"], settings["subset"]["prefilter_share"])
        require_lengths(settings["subset"]["strategy"], settings["subset"]["lengths"], "subset.lengths")
    except ValueError as error:
        yield str(error)


def _list_impossible_cells(settings: Mapping[str, Any]) -> Iterator[str]:
    """The first mistake in the cells of each block of the grid, which its run would report after the shared stages."""
    for block in PART_BLOCKS:
        parts = settings["grid"].get(block, {})
        if block == "bake_off":  # a part without strategies gets all selectors, which `require_bake_off` looks at
            parts = {name: {"strategy": ["random"], **lists} for name, lists in parts.items()}
        try:
            list_cells(parts, settings["subset"], "full", block)
        except ValueError as error:
            yield str(error)


def _get(settings: Mapping[str, Any], name: str) -> Any:
    block, _, key = name.partition(".")
    return settings[block][key]
