"""Records of benchmarks, and held-out rows → evaluation prompts with what there is to compare an answer with."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Literal

import polars as pl

from m2m.data.records.cleaning import normalize_text
from m2m.data.records.form_readers import FORM_READERS, TURN_FIELDS
from m2m.data.records.hash_split import draw_each
from m2m.data.records.record_formats import read_pair

PROMPT_COLUMNS = {
    "id": pl.String,
    "benchmark": pl.String,
    "instruction": pl.String,
    "reference": pl.String,
    "baseline": pl.String,
    "baseline_answer": pl.String,
    "group": pl.String,
}
BASELINE_FIELDS = ("baseline", "generator", "baseline_model")  # the last two: AlpacaEval's word, and a common one
GROUP_FIELDS = ("package", "cluster", "category", "subject", "dataset")  # the second: Arena-Hard, the last: AlpacaEval
ANSWER_FIELDS = ("baseline_answer", "baseline_response")
QUESTION_FIELDS = tuple(name for name in FORM_READERS if name not in TURN_FIELDS)
NO_PROMPT = (
    f"no record has the fields of a prompt: a text in {' or '.join(QUESTION_FIELDS)}, "
    f"or turns in {' or '.join(TURN_FIELDS)}"
)


def convert_heldout_rows(benchmark: str, rows: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Held-out rows as prompts: the id stays, the response is the reference, the group its package, category or file.

    `rows` as in schema Pool, `places` as in RowOrigins.
    """
    groups = places.select("id", "source", "file", "fields").rows()
    table = pl.DataFrame(
        [(row, _name_group(source, file, fields)) for row, source, file, fields in groups],
        schema={"id": pl.String, "group": pl.String},
        orient="row",
    )
    prompts = rows.select(
        "id", pl.lit(benchmark).alias("benchmark"), "instruction", pl.col("response").alias("reference")
    ).with_columns(baseline=pl.lit(None, pl.String), baseline_answer=pl.lit(None, pl.String))
    return prompts.join(table, on="id", how="left", maintain_order="left").with_columns(pl.col("group").fill_null(""))


def convert_records(
    benchmark: str,
    records: Iterable[object],
    answers: Mapping[str, tuple[str, str]],
    reference: Literal["own", "baseline"] = "own",
) -> pl.DataFrame:
    """Records as prompts; one without an instruction, or with an earlier one's, is left out.

    A record has an instruction in one of the forms of `read_pair`, in Arena-Hard's turns, or alone in a field of a
    form. Its response is the reference, unless a generator is named (AlpacaEval): then it is the answer of that
    baseline. `reference`, and `baseline` with `baseline_answer`, win over both; `answers` (uid → baseline, answer) come
    last. With `reference` "baseline" the baseline's answer is the reference, and no opponent's; a prompt without one
    has none. An id is 16 hex digits of the hash of benchmark and instruction. A group is the benchmark, with the
    record's category if it has one.
    """
    prompts = [_read_prompt(record, answers) for record in records if isinstance(record, Mapping)]
    columns = list(PROMPT_COLUMNS)[2:]
    table = pl.DataFrame(prompts, schema={name: PROMPT_COLUMNS[name] for name in columns}, orient="row")
    table = table.with_columns(
        normalize_text(pl.col(name)).replace("", None) for name in columns[:-1] if name != "baseline"
    )
    if reference == "baseline":
        table = table.with_columns(reference="baseline_answer", baseline_answer=pl.lit(None, pl.String))
    table = table.drop_nulls("instruction").unique("instruction", keep="first", maintain_order=True)
    ids = [hashlib.sha256(f"{benchmark}\0{text}".encode()).hexdigest()[:16] for text in table["instruction"]]
    named = table.with_columns(pl.Series("id", ids, pl.String), pl.lit(benchmark).alias("benchmark"))
    groups = pl.concat_str(pl.lit(benchmark), pl.col("group").replace("", None), separator="/", ignore_nulls=True)
    return named.with_columns(
        groups.alias("group"),
        pl.when(pl.col("baseline_answer").is_not_null())
        .then(pl.col("baseline").fill_null("baseline"))
        .alias("baseline"),
    ).select(*PROMPT_COLUMNS)


def sample_prompts(prompts: pl.DataFrame, limit: int | None, seed: int) -> pl.DataFrame:
    """At most `limit` of `prompts` (None: all), those that the hash of the id prefers. ValueError below 1."""
    if limit is not None and limit < 1:
        raise ValueError(f"a benchmark's limit must be at least 1, or null for all, got {limit}")
    preferred = prompts.sort(draw_each(pl.col("id"), "prompts", seed))
    return preferred if limit is None else preferred.head(limit)


def read_baseline_answers(records: Iterable[object]) -> dict[str, tuple[str, str]]:
    """uid → (model, answer) of Arena-Hard's model_answer files, of either layout (messages, or choices of turns)."""
    answers = {}
    for record in records:
        if isinstance(record, Mapping) and (answer := _read_answer(record)):
            model = _text(record.get("model", record.get("model_id")))
            answers[str(record.get("uid", record.get("question_id")))] = (model or "baseline", answer)
    return answers


def _name_group(source: str, file: str, fields: str) -> str:
    """
    >>> _name_group("docstrings", "", '{"package": "numpy"}')
    'docstrings/numpy'
    >>> _name_group("mine", "a.jsonl", "{}")
    'mine/a.jsonl'
    """
    category = _read_category(json.loads(fields))
    return "/".join(filter(None, (source, category or file)))


def _read_category(record: Mapping[str, object]) -> str:
    return next((text for name in GROUP_FIELDS if (text := _text(record.get(name)))), None) or ""


def _read_prompt(record: Mapping[str, object], answers: Mapping[str, tuple[str, str]]) -> tuple[str | None, ...]:
    pair = read_pair(record)
    generator = next((text for name in BASELINE_FIELDS if (text := _text(record.get(name)))), None)
    answer_field = next((text for name in ANSWER_FIELDS if (text := _text(record.get(name)))), None)
    generated = pair.response if "generator" in record else None
    uid = str(record.get("uid", record.get("question_id")))
    baseline, answer = (
        (generator, answer_field or generated) if answer_field or generated else answers.get(uid, (None, None))
    )
    reference = _text(record.get("reference")) or (None if generated else pair.response)
    single = next((text for name in QUESTION_FIELDS if (text := _text(record.get(name)))), None)
    instruction = pair.instruction or _read_first_turn(record.get("turns")) or single
    return instruction, reference, baseline, answer, _read_category(record)


def _read_answer(record: Mapping[str, object]) -> str | None:
    """
    >>> _read_answer({"messages": [{"role": "assistant", "content": {"answer": "!"}}]})
    '!'
    >>> _read_answer({"choices": [{"index": 0, "turns": [{"content": "!"}]}]})
    '!'
    """
    choices, messages = record.get("choices"), record.get("messages")
    if isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
        return _read_first_turn(choices[0].get("turns"))
    last = messages[-1] if isinstance(messages, list) and messages else None
    content = last.get("content") if isinstance(last, Mapping) else None
    return _text(content.get("answer") if isinstance(content, Mapping) else content)


def _read_first_turn(turns: object) -> str | None:
    """The text of Arena-Hard's first turn."""
    return (
        _text(turns[0].get("content")) if isinstance(turns, list) and turns and isinstance(turns[0], Mapping) else None
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() and _is_encodable(value) else None


def _is_encodable(text: str) -> bool:
    """No half of a surrogate pair, which no table can hold."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
