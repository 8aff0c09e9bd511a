"""The LLM judges' protocols: which games are played, what the judge is shown; and what any judge's words are worth."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import polars as pl

from m2m.judging.protocols import alpaca_eval, arena_hard
from m2m.judging.protocols.winrate import preference
from m2m.llm.prompt_template import fill_template, wrap_as_data

Protocol = Literal["alpaca-eval", "arena-hard"]
PROTOCOLS: tuple[Protocol, ...] = ("alpaca-eval", "arena-hard")
SYSTEM_ENDS = "\n---\n"  # in a template: before it the system message


class Words(NamedTuple):
    """What the judge is told in one game."""

    system: str
    user: str


def own(protocol: Protocol, games: pl.DataFrame) -> pl.DataFrame:
    """The games on the protocol's own benchmark: its name begins with alpaca_eval or arena_hard. ValueError: none."""
    name = protocol.replace("-", "_")
    mine = games.filter(pl.col("benchmark").str.replace_all("-", "_", literal=True).str.starts_with(name))
    if mine.is_empty():
        raise ValueError(
            f"no benchmark's name begins with {name}: name it so in `benchmark`, or set judge.scope to all"
        )
    return mine


def played(protocol: Protocol, games: pl.DataFrame, orders: Literal["published", "both"], repeats: int) -> pl.DataFrame:
    """`games` (core.verdict) once for each order and repeat; order 1 shows the opponent first.

    Published: AlpacaEval plays one order, seeded by the instruction; Arena-Hard plays both, the baseline first.
    """
    both = orders == "both" or protocol == "arena-hard"
    order = [
        [1, 0] if both else [int(not alpaca_eval.candidate_first(instruction))] for instruction in games["instruction"]
    ]
    rounds = pl.DataFrame({"repeat": range(repeats)}, schema={"repeat": pl.Int16})
    each = games.with_columns(order=pl.Series(order, dtype=pl.List(pl.Int8))).explode("order", empty_as_null=False)
    return each.join(rounds, how="cross")


def words(template: str, game: Mapping[str, str | int]) -> Words:
    """The template with instruction and answers filled in, fenced, and without anything that reads as a verdict."""
    sides = ("candidate_answer", "opponent_answer")
    shown = {"instruction": "instruction", "first": sides[int(game["order"])], "second": sides[1 - int(game["order"])]}
    texts = {hole: wrap_as_data(arena_hard.without_labels(str(game[name]))) for hole, name in shown.items()}
    system, _, user = template.rpartition(SYSTEM_ENDS)
    return Words(system.strip(), fill_template(user, texts).strip())


def parsed(verdicts: pl.DataFrame, engine: str) -> pl.DataFrame:
    """`verdicts` (schema Verdicts, all of the judge `engine`) with won and weight, as core.games has them."""
    read = [_won(engine, raw, order) for raw, order in verdicts.select("raw", "order").rows()]
    schema = {"won": pl.Float64, "weight": pl.Int64}
    return verdicts.hstack(pl.DataFrame(read, schema=schema, orient="row"))


def _won(engine: str, raw: str | None, order: int) -> tuple[float | None, int]:
    """The candidate's part of one game, and how many games it counts for."""
    match engine:
        case "arena-hard":
            second, weight = arena_hard.score(raw) or (None, 1)
        case "alpaca-eval":
            second, weight = alpaca_eval.liking_of_second(raw), 1
        case _:
            return preference(raw), 1
    return (second if second is None or order else 1 - second), weight
