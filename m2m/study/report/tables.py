"""Study and cells → the tables of the report, in the order of reading."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from m2m.schemas.study import Study
from m2m.strategies import NO_DEGREE, UNIT_STRATEGIES
from m2m.study.analysis.paper_results import SLOPES
from m2m.study.cells.cells import SETTING
from m2m.study.cells.labels import label_setting, select_rows
from m2m.study.cells.outcomes import MAIN

Value = str | float | int | None
TableRow = Mapping[str, Any]
Columns = dict[str, tuple[str, str]]  # key in a row → head of the column, and the format of its numbers
OUTCOME: Columns = {"outcome": ("outcome", "")}
STRATEGY: Columns = {"strategy": ("strategy", "")}
SETTING_COLUMN: Columns = {"setting": ("setting", "")}
INTERVAL: Columns = {"low": ("95\u00a0%\u00a0CI from", "+.3f"), "high": ("to", "+.3f")}
SLOPE: Columns = STRATEGY | SETTING_COLUMN | {"value": ("slope", "+.3f")} | INTERVAL
HOLM: Columns = {"p_holm": ("p\u00a0(Holm)", ".2g")}
CORRELATION: Columns = {"pearson_r": ("r", "+.2f")}
DEGREE_TESTS: Columns = {"differ": ("degrees differ, p\u00a0(Holm)", ".2g"), "bend": ("not linear, p", ".2g")}
EQUAL_LENGTH: Columns = {
    "own": ("at equal length: this strategy", ""),
    "shared": ("at equal length: all strategies", ""),
}
SLOPES_COLUMNS = (
    SLOPE | {"positive": ("P(slope\u00a0>\u00a00)", ".3f")} | HOLM | CORRELATION | DEGREE_TESTS | EQUAL_LENGTH
)
CLAIM_COLUMNS: Columns = (
    {"words": ("claim of the paper", ""), "state": ("this study", "")}
    | SETTING_COLUMN
    | {
        "p_supported": ("p\u00a0if\u00a0false", ".2g"),
        "p_contradicted": ("p\u00a0if\u00a0true", ".2g"),
        "rivals": ("compared with", ".0f"),
    }
)
TOKENS_COLUMN: Columns = {"mean_response_tokens": ("response tokens", ".0f")}
MATCHED_COLUMNS: Columns = (
    STRATEGY
    | {"degree": ("degree", ".0f")}
    | SETTING_COLUMN
    | {"value": ("difference", "+.3f")}
    | INTERVAL
    | HOLM
    | TOKENS_COLUMN
)
CONFIRMED_COLUMNS: Columns = (
    STRATEGY
    | {"degree": ("degree", ".0f")}
    | SETTING_COLUMN
    | {"value": ("gain over random", "+.3f"), "all_low": ("95\u00a0%\u00a0CI from", "+.3f"), "all_high": ("to", "+.3f")}
    | HOLM
    | {"cells": ("fresh seeds", ".0f")}
    | TOKENS_COLUMN
)
FAMILY_COLUMNS: Columns = (
    {"hypothesis": ("hypothesis", ""), "test": ("test", ""), "value": ("estimate", "+.3f")}
    | INTERVAL
    | HOLM
    | {"prompts_only_low": ("other prompts, 95\u00a0%\u00a0CI from", "+.3f"), "prompts_only_high": ("to", "+.3f")}
    | {"reason": ("not tested because", "")}
)
PAPER_COLUMNS: Columns = SLOPE | {size: (f"the paper, {size}", "+.2f") for size in SLOPES}
CELL_COLUMNS: Columns = {
    "experiment": ("cell", ""),
    "strategy": ("strategy", ""),
    "degree": ("degree", ".0f"),
    "seed": ("seed", ".0f"),
    "rung": ("rung", ""),
    "setting": ("setting", ""),
    "bpb_reduction": ("bpb reduction", "+.3f"),
    "random_range": ("random's 95\u00a0% range", ""),
    **{name: (MAIN[name].name, ".3f") for name in MAIN if name != "bpb_reduction"},
    "mean_response_tokens": ("response tokens", ".0f"),
    "trained_tokens": ("trained tokens", ",.0f"),
    "k": ("units k", ",.0f"),
    "candidate_rows": ("candidate rows", ",.0f"),
    "response_token_entropy": ("response token entropy", ".2f"),
    "response_self_bleu": ("response self-BLEU", ".3f"),
    "revision": ("revision", ""),
}
SLOPES_NOTE = (
    "The slope of a straight line from degree 0 to degree 6. “Degrees differ” tests whether any degree differs from "
    "another, on a straight line or not."
)
CLAIMS_NOTE = (
    "A claim is supported when all compared strategies are beaten, and contradicted when one of them wins. Each test "
    "is one-sided at 2.5 %."
)
CONFIRMED_NOTE = (
    "The configurations that the earlier rungs left, and random, with fresh seeds that had no part in the choice. The "
    "intervals hold for all rows together."
)
MATCHED_NOTE = (
    "A length-matched random subset has the response lengths of the strategy: length cannot explain the difference."
)
FAMILY_NOTE = (
    "One family, by the noise of seeds alone. A slope goes from degree 0 to degree 6; each configuration counts once."
)
PAPER_NOTE = "The paper's slopes × 10⁻². Scale, models and pools differ from this study: compare only signs and order."
OTHERS_NOTE = (
    "One benchmark or judge a row. Short, medium and long are thirds of the prompts by length of the reference."
)
CELLS_NOTE = "Click a head to sort. Double-click a small mark of the main figure to go to its cell."


class ReportTable(NamedTuple):
    """A table to read and sort: heads with the format of their numbers (empty for words), and rows in that order."""

    name: str
    title: str
    note: str
    heads: list[tuple[str, str]]
    rows: list[list[Value]]


def build_tables(study: Study) -> list[ReportTable]:
    """The numbers of the first outcome, and the slopes of all other outcomes; a table without rows is left out."""
    view = {"outcome": study["outcomes"][0]}
    slopes = [{**row, **_look_up_tests(study, row)} for row in _order_by_setting(study, study["slopes"])]
    main = select_rows(slopes, view)
    other_slopes = [
        {**row, "outcome": name.replace("_", " ")}
        for name in study["outcomes"][1:]
        for row in select_rows(slopes, {"outcome": name})
    ]
    claims = [row for row in _order_by_setting(study, select_rows(study["claims"], view)) if row.get("rivals")]
    matched = _order_by_setting(study, select_rows(study["matched"], view))
    papers = [{**row, **_look_up_paper(row["strategy"])} for row in main]
    confirmed = _order_by_setting(study, select_rows(study.get("confirmed", []), view))
    family = study.get("family", [])
    tables = [
        _make_table("family", "The registered tests", FAMILY_NOTE, FAMILY_COLUMNS, family),
        _make_table("confirmed", "The last rung against random", CONFIRMED_NOTE, CONFIRMED_COLUMNS, confirmed),
        _make_table("slopes", "Slopes", SLOPES_NOTE, SLOPES_COLUMNS, main),
        _make_table("claims", "The paper's claims", CLAIMS_NOTE, CLAIM_COLUMNS, claims),
        _make_table("matched", "Strategies minus length-matched random", MATCHED_NOTE, MATCHED_COLUMNS, matched),
        _make_table("paper", "Slopes beside the paper's", PAPER_NOTE, PAPER_COLUMNS, papers),
        _make_table(
            "others", "Slopes of the other outcomes", OTHERS_NOTE, OUTCOME | SLOPE | HOLM | CORRELATION, other_slopes
        ),
    ]
    return [table for table in tables if table.rows]


def build_cell_table(study: Study, cells: pl.DataFrame) -> ReportTable:
    """Every cell that was compared; a column without values is left out."""
    rungs = {0: "choice", 1: "last"} if study.get("confirmed") else {}
    rows = [
        {
            **row,
            **({"degree": None, "k": None} if row["strategy"] in NO_DEGREE else {}),
            "rung": rungs.get(row.get("fresh", 0)),
            "random_range": _place_in_random_range(study, row),
            "revision": row["revision"][:10],
        }
        for row in _order_by_setting(study, cells.rows(named=True))
    ]
    columns = {name: head for name, head in CELL_COLUMNS.items() if any(row.get(name) is not None for row in rows)}
    return _make_table("cells", "The cells", CELLS_NOTE, columns, rows)


def describe_runs(study: Study, cells: pl.DataFrame) -> list[str]:
    """What was run, a sentence a setting; strategies with equal degrees and seeds are listed together."""
    return [
        f"{label_setting(setting, study['settings'])}: {_list_strategies(cells, setting)}."
        for setting in study["settings"]
    ]


def _make_table(name: str, title: str, note: str, columns: Columns, rows: Sequence[TableRow]) -> ReportTable:
    values = [[row.get(column) for column in columns] for row in rows]
    return ReportTable(name, title, note, list(columns.values()), values)


def _list_strategies(cells: pl.DataFrame, setting: TableRow) -> str:
    setting_cells = cells.filter(*[pl.col(name) == setting[name] for name in SETTING])
    groups: dict[str, list[str]] = {}
    for name in setting_cells["strategy"].unique().sort().to_list():
        groups.setdefault(_count_runs(name, setting_cells.filter(pl.col("strategy") == name)), []).append(name)
    return "; ".join(f"{', '.join(names)} {runs}" for runs, names in groups.items())


def _count_runs(strategy: str, cells: pl.DataFrame) -> str:
    if strategy not in UNIT_STRATEGIES:
        return f"× {cells.height}"
    seeds = cells.group_by("degree").len()["len"].unique().sort().to_list()
    degrees = ", ".join(str(degree) for degree in cells["degree"].unique().sort())
    return f"at degrees {degrees} × {' to '.join(str(count) for count in {seeds[0]: 0, seeds[-1]: 0})} seeds"


def _order_by_setting(study: Study, rows: Sequence[TableRow]) -> list[TableRow]:
    """The rows, those of the main setting first, each with the name of its setting."""
    return [
        {**row, "setting": label_setting(setting, study["settings"]), **_name_matched(row)}
        for setting in study["settings"]
        for row in select_rows(rows, {"condition": setting["condition"], "size": setting["size"]})
    ]


def _name_matched(row: TableRow) -> dict[str, str]:
    """Whose lengths a length-matched subset has, in place of its strategy; as figures name it."""
    return {"strategy": f"lengths of {row['match']}"} if row.get("strategy") == "length-matched" else {}


def _place_in_random_range(study: Study, cell: TableRow) -> str | None:
    """Whether a cell is above, below or within the range of its setting's random cells; None for those, or no range."""
    outcome = study["outcomes"][0]
    floors = select_rows(study["floors"], {"outcome": outcome} | {name: cell[name] for name in SETTING})
    if cell["strategy"] == "random" or cell[outcome] is None or not any("outside" in floor for floor in floors):
        return None
    if cell["experiment"] not in floors[0]["outside"]:
        return "within"
    return "above" if cell[outcome] > floors[0]["mean"] else "below"


def _look_up_tests(study: Study, row: TableRow) -> TableRow:
    """The verdicts on a slope at equal length, and whether the degrees differ at all."""
    view = {name: row[name] for name in ("outcome", *SETTING, "strategy")}
    verdicts: dict[str, str | None] = {
        test["model"]: test.get("verdict", test.get("reason")) for test in select_rows(study["lengths"], view)
    }
    [shape] = select_rows(study["shapes"], view)
    return {**verdicts, "differ": shape.get("p_holm"), "bend": shape.get("bend_p")}


def _look_up_paper(strategy: str) -> TableRow:
    return {size: slopes[UNIT_STRATEGIES.index(strategy)] for size, slopes in SLOPES.items()}
