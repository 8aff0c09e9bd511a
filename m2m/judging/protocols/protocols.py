"""What an LLM judge is asked, and how the raw verdicts of every judge are parsed."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import polars as pl

from m2m.judging.protocols import alpaca_eval, arena_hard
from m2m.judging.protocols.offline_judges import read_preference
from m2m.llm.prompt_template import fill_template, wrap_as_data

Protocol = Literal["alpaca-eval", "arena-hard"]
PROTOCOLS: tuple[Protocol, ...] = ("alpaca-eval", "arena-hard")
SYSTEM_ENDS = "\n---\n"  # in a template: ends the system message


class JudgePrompt(NamedTuple):
    """The messages that the judge receives for one game."""

    system: str
    user: str


def select_own_benchmark(protocol: Protocol, games: pl.DataFrame) -> pl.DataFrame:
    """The games of the protocol's own benchmark, whose name begins with alpaca_eval or arena_hard. ValueError: none."""
    name = protocol.replace("-", "_")
    selected = games.filter(pl.col("benchmark").str.replace_all("-", "_", literal=True).str.starts_with(name))
    if selected.is_empty():
        raise ValueError(f"No benchmark's name begins with {name}. Rename it in `benchmark`, or set judge.scope: all.")
    return selected


def schedule_games(
    protocol: Protocol, games: pl.DataFrame, orders: Literal["published", "both"], repeats: int
) -> pl.DataFrame:
    """`games` (offline_judges.match_answers), one row an order and repeat; order 1 shows the opponent first.

    Published: AlpacaEval plays one order, seeded by the instruction; Arena-Hard plays both, the baseline first.
    """
    if orders == "both" or protocol == "arena-hard":
        order = [[1, 0]] * games.height
    else:
        order = [[int(not alpaca_eval.is_candidate_first(instruction))] for instruction in games["instruction"]]
    rounds = pl.DataFrame({"repeat": range(repeats)}, schema={"repeat": pl.Int16})
    ordered = games.with_columns(order=pl.Series(order, dtype=pl.List(pl.Int8)))
    return ordered.explode("order", empty_as_null=False).join(rounds, how="cross")


def fill_judge_prompt(template: str, game: Mapping[str, str | int]) -> JudgePrompt:
    """The template with instruction and answers filled in, fenced, and with their verdict labels escaped."""
    sides = ("candidate_answer", "opponent_answer")
    order = int(game["order"])
    columns = {"instruction": "instruction", "first": sides[order], "second": sides[1 - order]}
    texts = {hole: wrap_as_data(arena_hard.escape_labels(str(game[column]))) for hole, column in columns.items()}
    system, _, user = template.rpartition(SYSTEM_ENDS)
    return JudgePrompt(system.strip(), fill_template(user, texts).strip())


def parse_verdicts(verdicts: pl.DataFrame, engine: str) -> pl.DataFrame:
    """`verdicts` (schema Verdicts, all of the judge `engine`) with the columns won and weight of scoring.games."""
    scores = [score_raw(engine, raw, order) for raw, order in verdicts.select("raw", "order").rows()]
    schema = {"won": pl.Float64, "weight": pl.Int64}
    return verdicts.hstack(pl.DataFrame(scores, schema=schema, orient="row"))


def score_raw(engine: str, raw: str | None, order: int) -> tuple[float | None, int]:
    """The candidate's share of one game, 0..1, None without a verdict; and the number of games it counts for."""
    match engine:
        case "arena-hard":
            second, weight = arena_hard.score_reply(raw) or (None, 1)
        case "alpaca-eval":
            second, weight = alpaca_eval.read_second_preference(raw), 1
        case _:
            return read_preference(raw), 1
    return (second if second is None or order else 1 - second), weight
