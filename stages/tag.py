"""One side of the pairs → raw tags, the table tag → canonical tag, and meso units."""

import sys
from collections.abc import Iterator
from functools import partial
from math import ceil
from pathlib import Path
from typing import Literal

import polars as pl

from m2m.data.records.word_windows import explain_unspaced
from m2m.llm.client.request import Endpoint, Request
from m2m.llm.prompt_template import fill_template, wrap_as_data
from m2m.runtime.artifacts import get_columns, read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.pairs import Pairs
from m2m.schemas.tags import Canon, Tags
from m2m.schemas.units import Units
from m2m.schemas.unusable import Unusable
from m2m.table_slices import read_slices
from m2m.text.embedder import embed, load_embedder
from m2m.units.meso.key_phrases import extract_phrases
from m2m.units.meso.llm_tags import parse_tags
from m2m.units.meso.structured_replies import Unparsed, ask_in_form
from m2m.units.meso.tag_normalization import apply_canonical_tags, normalize_tags


def main(
    pairs: Path,
    template: Path,
    tags: Path,
    canon: Path,
    units: Path,
    rejected: Path,
    /,
    *,
    side: Literal["instruction", "response"],
    engine: Literal["phrases", "endpoint", "local"],
    per_text: int,
    max_words: int,
    min_share: float,
    max_share: float,
    max_distance: float,
    min_support_share: float,
    min_confidence: float,
    temperature: float,
    reply_tokens: int,
    endpoint: Endpoint,
    model: str,
    revision: str,
    precision: Literal["float32", "bfloat16"],
    batch_size: int,
    max_tokens: int,
) -> None:
    """Thresholds are shares of the pool's rows, so that they grow with it."""
    unusable = pl.DataFrame(schema=get_columns(Unusable))
    if engine == "phrases":
        table = read_table(pairs, Pairs).sort("id").select("id", text=side)
        if reason := explain_unspaced(table["text"]):
            raise ValueError(reason)
        ids = table["id"].to_list()
        raw = extract_phrases(ids, table["text"].to_list(), per_text, max_words, min_share, max_share)
    else:
        ids = [id for piece in read_slices(pairs, Pairs, ["id"]) for id in piece["id"]]
        prompt = fill_template(template.read_text(encoding="utf-8"), {"tags": str(per_text), "words": str(max_words)})
        read = partial(_write_requests, pairs, side, prompt, reply_tokens, temperature)
        answers = ask_in_form(read, partial(parse_tags, per_text=per_text), engine, endpoint, f"tag {side}")
        raw, unusable = _split(ids, answers)
        print(f"tag {side}: {unusable.height} of {len(ids)} rows got no tags, see {rejected}", file=sys.stderr)
    raw = raw.sort("id", "tag")
    names = normalize_tags(
        raw,
        lambda texts: embed(load_embedder(model, revision, precision, max_tokens), texts, batch_size),
        min_rows=ceil(min_share * len(ids)),
        max_distance=max_distance,
        min_support=ceil(min_support_share * len(ids)),
        min_confidence=min_confidence,
    )
    write_table(tags, Tags, raw)
    write_table(canon, Canon, names)
    write_table(units, Units, apply_canonical_tags(raw, names).rename({"tag": "unit"}))
    write_table(rejected, Unusable, unusable)


def _write_requests(
    pairs: Path, side: str, prompt: str, reply_tokens: int, temperature: float
) -> Iterator[list[Request]]:
    """One request a row, a slice of rows at once."""
    for table in read_slices(pairs, Pairs, ["id", side]):
        texts = (fill_template(prompt, {"text": wrap_as_data(text)}) for text in table[side])
        yield [Request((text,), reply_tokens, temperature=temperature) for text in texts]


def _split(ids: list[str], answers: list[list[str] | Unparsed]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The columns id, tag of the rows that got tags; id, reason, text of the others. ValueError when none got any."""
    rows = list(zip(ids, answers, strict=True))
    lost = [(id, answer.reason, answer.text) for id, answer in rows if isinstance(answer, Unparsed)]
    tagged = [(id, tag) for id, answer in rows if not isinstance(answer, Unparsed) for tag in answer]
    if not tagged:
        raise ValueError(f"no row got tags; the first, {lost[0][0]}: {lost[0][1]}; check the model and the prompt")
    return (
        pl.DataFrame(tagged, schema={"id": pl.String, "tag": pl.String}, orient="row"),
        pl.DataFrame(lost, schema=get_columns(Unusable), orient="row"),
    )


if __name__ == "__main__":
    run(main)
