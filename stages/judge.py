"""Answers of two models → raw verdicts, prompt by prompt; measure parses them."""

import json
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float32

from m2m.judging.protocols.offline_judges import baselines, by_likelihood, by_similarity, games
from m2m.judging.protocols.protocols import PROTOCOLS, Protocol, own, played, words
from m2m.llm.client.ask import Engine, ask
from m2m.llm.client.reply import Reply, is_same_model
from m2m.llm.client.request import Endpoint, Request
from m2m.runtime.artifacts import read_table, require_ids, write_table
from m2m.runtime.cli import run
from m2m.schemas.answers import Answers
from m2m.schemas.prompts import Prompts
from m2m.schemas.verdicts import Verdicts
from m2m.text.embedder import embed, load_embedder

Precision = Literal["float32", "bfloat16"]
COLUMNS = list(Verdicts.to_schema().columns)


def main(
    prompts: Path,
    candidate: Path,
    opponent: Path,
    alpaca_eval: Path,
    arena_hard: Path,
    verdicts: Path,
    /,
    *,
    engines: tuple[Literal["likelihood", "similarity", "alpaca-eval", "arena-hard"], ...],
    against: tuple[Literal["opponent", "baseline"], ...],
    scope: Literal["own", "all"],
    orders: Literal["published", "both"],
    repeats: int,
    temperature: float,
    reply_tokens: int,
    llm: Engine,
    endpoint: Endpoint,
    responses: str,
    teacher: str,
    model: str,
    revision: str,
    precision: Precision,
    batch_size: int,
    max_tokens: int,
) -> None:
    """`likelihood`: who finds the reference likelier a byte. `similarity`: whose answer is nearer to it (embedding).

    `alpaca-eval`, `arena-hard`: an LLM, asked with the template of that name.
    """
    asked = read_table(prompts, Prompts)
    ours, theirs = (require_ids(path, read_table(path, Answers), asked["id"]) for path in (candidate, opponent))
    rivals = {"opponent": theirs} if "opponent" in against else {}
    rivals |= baselines(asked) if "baseline" in against else {}
    if not rivals:
        raise ValueError("no prompt has a baseline's answer to judge against: add opponent to judge.against")
    rows = pl.concat([games(asked, ours, rival, name) for name, rival in rivals.items()])
    judged: dict[str, pl.DataFrame] = {}
    if "likelihood" in engines:
        judged["likelihood"] = by_likelihood(rows)
    if "similarity" in engines:
        judged["similarity"] = by_similarity(rows, _vectors(rows, model, revision, precision, batch_size, max_tokens))
    templates = {"alpaca-eval": alpaca_eval, "arena-hard": arena_hard}
    for protocol in (name for name in PROTOCOLS if name in engines):
        _warn(endpoint.model, teacher if responses != "keep" else "")
        table = played(protocol, own(protocol, rows) if scope == "own" else rows, orders, repeats)
        template = templates[protocol].read_text(encoding="utf-8")
        replies = ask(_requests(protocol, table, template, temperature, reply_tokens), llm, endpoint, protocol)
        raw = [_raw(protocol, reply) for reply in replies]
        judged[protocol] = table.with_columns(raw=pl.Series(raw, dtype=pl.String))
    table = pl.concat([some.with_columns(engine=pl.lit(name)).select(COLUMNS) for name, some in judged.items()])
    if table.is_empty():
        raise ValueError("no prompt can be judged without an LLM: give prompts with references to `benchmark`")
    write_table(verdicts, Verdicts, table.sort("id", "opponent", "engine", "order", "repeat"))


def _vectors(
    rows: pl.DataFrame, model: str, revision: str, precision: Precision, batch_size: int, max_tokens: int
) -> dict[str, Float32[np.ndarray, "dim"]]:
    """A unit vector for every text of `rows`."""
    columns = ("reference", "candidate_answer", "opponent_answer")
    texts = sorted({text for column in columns for text in rows[column].drop_nulls()})
    vectors = embed(load_embedder(model, revision, precision, max_tokens), texts, batch_size)
    return dict(zip(texts, vectors, strict=True))


def _requests(
    protocol: Protocol, table: pl.DataFrame, template: str, temperature: float, reply_tokens: int
) -> list[Request]:
    """AlpacaEval reads one token's log-probabilities, at the temperature of its authors; the seed tells repeats."""
    told = [(words(template, game), game["repeat"]) for game in table.rows(named=True)]
    if protocol == "alpaca-eval":
        return [Request((to.user,), 1, to.system, temperature=1, seed=repeat, top_logprobs=5) for to, repeat in told]
    return [Request((to.user,), reply_tokens, to.system, temperature, seed=repeat) for to, repeat in told]


def _raw(protocol: Protocol, reply: Reply) -> str | None:
    """What `measure` parses; None for a call that failed, and for reasoning that was cut before its verdict."""
    if reply.error or (protocol == "arena-hard" and reply.finish == "length"):
        return None
    if protocol == "arena-hard":
        return reply.text
    choice = {"text": reply.text, "finish_reason": reply.finish, "logprobs": {"content": reply.logprobs}}
    return json.dumps(choice)  # ASCII: a token may be half a surrogate, which fits in no file


def _warn(judge: str, teacher: str) -> None:
    if teacher and (is_same_model(judge, teacher) or is_same_model(teacher, judge)):
        print(f"judge: {judge} also wrote the responses: it may prefer what sounds like itself", file=sys.stderr)


if __name__ == "__main__":
    run(main)
