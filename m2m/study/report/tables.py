"""Study and cells → the tables of the report, in the order of reading."""

from typing import Any, NamedTuple

import polars as pl

from m2m.study.analysis.paper_results import SLOPES
from m2m.study.cells.cells import SETTING, STRATEGIES
from m2m.study.cells.labels import label_setting, select_rows
from m2m.study.cells.outcomes import MAIN
from m2m.study.cells.rows import StudyRow

Value = str | float | int | None
Columns = dict[str, tuple[str, str]]  # what a row calls it → its head, and the format of its numbers
OUTCOME: Columns = {"outcome": ("outcome", "")}
WHERE: Columns = {"setting": ("setting", "")}
RANGE: Columns = {"low": ("95\u00a0%\u00a0from", "+.4f"), "high": ("to", "+.4f")}
SLOPE: Columns = {"strategy": ("strategy", "")} | WHERE | {"value": ("slope", "+.4f")} | RANGE
PROOF: Columns = {"p_holm": ("p\u00a0(Holm)", ".2g")}
SHAPE: Columns = {"differ": ("degrees differ, p (Holm)", ".2g"), "bend": ("no line, p", ".2g")}
HELD: Columns = {"own": ("at equal length: own cells", ""), "shared": ("at equal length: all cells", "")}
CLAIM: Columns = {"words": ("the paper's claim", ""), "state": ("the data", "")} | WHERE
CHANCES: Columns = {
    "p_supported": ("p\u00a0if\u00a0untrue", ".2g"),
    "p_contradicted": ("p\u00a0if\u00a0true", ".2g"),
    "rivals": ("rivals", ".0f"),
}
GAIN: Columns = WHERE | {"degree": ("degree", ".0f"), "value": ("gain", "+.4f")} | RANGE | PROOF
TOKENS: Columns = {"mean_response_tokens": ("response tokens", ".0f")}
PAPER: Columns = {size: (f"the paper, {size}", "+.2f") for size in SLOPES}
CELL: Columns = {
    "experiment": ("cell", ""),
    "strategy": ("strategy", ""),
    "degree": ("degree", ".0f"),
    "seed": ("seed", ".0f"),
    "setting": ("setting", ""),
    "bpb_reduction": ("bpb reduction", "+.4f"),
    "floor": ("random's range", ""),
    **{name: (MAIN[name].name, ".3f") for name in MAIN if name != "bpb_reduction"},
    "mean_response_tokens": ("response tokens", ".0f"),
    "trained_tokens": ("trained tokens", ",.0f"),
    "k": ("units k", ",.0f"),
    "candidate_rows": ("candidate rows", ",.0f"),
    "response_token_entropy": ("response token entropy", ".2f"),
    "response_self_bleu": ("response self-BLEU", ".3f"),
    "revision": ("revision", ""),
}


class Sheet(NamedTuple):
    """A table to read and sort: heads with the format of their numbers (empty for words), and rows in that order."""

    name: str
    title: str
    note: str
    heads: list[tuple[str, str]]
    rows: list[list[Value]]


def sheets(study: dict[str, Any]) -> list[Sheet]:
    """The numbers of the first outcome, and the slopes of every other one; a table without rows is left out."""
    first = {"outcome": study["outcomes"][0]}
    slopes = [row | _where(study, row) | _beside(study, row) for row in study["slopes"]]
    main = select_rows(slopes, first)
    others = [row | {"outcome": row["outcome"].replace("_", " ")} for row in slopes if row not in main]
    claims = [row | _where(study, row) for row in select_rows(study["claims"], first) if row.get("rivals")]
    matched = [row | _where(study, row) for row in select_rows(study["matched"], first)]
    beside = [row | _published(row["strategy"]) for row in main]
    r: Columns = {"pearson_r": ("r", "+.2f")}
    sure: Columns = {"positive": ("P(>\u00a00)", ".3f")} | PROOF | r | SHAPE
    found = [
        _sheet("slopes", "Slopes", SLOPES_TOLD, SLOPE | sure | HELD, main),
        _sheet("claims", "The paper's claims", CLAIMS, CLAIM | CHANCES, claims),
        _sheet("matched", "Response-micro against random of its lengths", MATCHED, GAIN | TOKENS, matched),
        _sheet("paper", "Beside the paper's slopes", BESIDE, SLOPE | PAPER, beside),
        _sheet("others", "Slopes of the other outcomes", OTHERS, OUTCOME | SLOPE | PROOF | r, others),
    ]
    return [sheet for sheet in found if sheet.rows]


def cell_sheet(study: dict[str, Any], cells: pl.DataFrame) -> Sheet:
    """Every cell that was compared."""
    rows = [
        row | _where(study, row) | {"floor": _floor(study, row), "revision": row["revision"][:10]}
        for row in cells.rows(named=True)
    ]
    known = {name: head for name, head in CELL.items() if any(row.get(name) is not None for row in rows)}
    return _sheet("cells", "The cells", CELLS, known, rows)


def ran(study: dict[str, Any], cells: pl.DataFrame) -> list[str]:
    """What was run, a sentence a setting: strategies that were run alike stand together."""
    return [f"{label_setting(setting, study['settings'])}: {_ran(cells, setting)}." for setting in study["settings"]]


CLAIMS = "Supported when every rival is beaten, contradicted when some rival wins, each at one-sided 2.5 %."
SLOPES_TOLD = "What the way from degree 0 to 6 is worth on a straight line, and whether degrees differ, line or not."
MATCHED = "Random rows with the very response lengths of response-micro's subsets: what is left is not length."
BESIDE = "The paper's slopes × 10⁻², on another scale, of other models and pools: compare signs and order alone."
CELLS = "Click a head to sort. A double click on a small mark of the main figure leads to its cell."
OTHERS = "A benchmark or a judge each; short, medium and long are the thirds of the prompts by length of the reference."


def _sheet(name: str, title: str, note: str, columns: Columns, rows: list[StudyRow]) -> Sheet:
    return Sheet(name, title, note, list(columns.values()), [[row.get(column) for column in columns] for row in rows])


def _ran(cells: pl.DataFrame, setting: StudyRow) -> str:
    here = cells.filter(*[pl.col(name) == setting[name] for name in SETTING])
    alike: dict[str, list[str]] = {}
    for name in here["strategy"].unique().sort().to_list():
        alike.setdefault(_how(name, here.filter(pl.col("strategy") == name)), []).append(name)
    return "; ".join(f"{', '.join(names)} {how}" for how, names in alike.items())


def _how(strategy: str, cells: pl.DataFrame) -> str:
    if strategy not in STRATEGIES:
        return f"× {cells.height}"
    seeds = cells.group_by("degree").len()["len"].unique().sort().to_list()
    degrees = ", ".join(str(one) for one in cells["degree"].unique().sort())
    return f"at degrees {degrees} × {' to '.join(str(one) for one in {seeds[0]: 0, seeds[-1]: 0})} seeds"


def _where(study: dict[str, Any], row: StudyRow) -> StudyRow:
    [setting] = select_rows(study["settings"], {name: row[name] for name in SETTING})
    return {"setting": label_setting(setting, study["settings"])}


def _floor(study: dict[str, Any], cell: StudyRow) -> str | None:
    """Where a cell lies beside its setting's random ones; None where nobody knows, or it is one of them."""
    outcome = study["outcomes"][0]
    floors = select_rows(study["floors"], {"outcome": outcome} | {name: cell[name] for name in SETTING})
    if cell["strategy"] == "random" or cell[outcome] is None or not any("outside" in floor for floor in floors):
        return None
    if cell["experiment"] not in floors[0]["outside"]:
        return "within"
    return "above" if cell[outcome] > floors[0]["mean"] else "below"


def _beside(study: dict[str, Any], row: StudyRow) -> StudyRow:
    """What becomes of a slope at equal length, and whether the degrees differ at all."""
    where = {name: row[name] for name in ("outcome", *SETTING, "strategy")}
    held = {one["model"]: one.get("verdict", one.get("reason")) for one in select_rows(study["lengths"], where)}
    [shape] = select_rows(study["shapes"], where)
    return held | {"differ": shape.get("p_holm"), "bend": shape.get("bend_p")}


def _published(strategy: str) -> StudyRow:
    return {size: values[STRATEGIES.index(strategy)] for size, values in SLOPES.items()}
