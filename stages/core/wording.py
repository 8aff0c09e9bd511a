"""The study's rows → a verdict in plain sentences: a headline for each outcome and setting, and what it rests on."""

from typing import Any

from stages.core.noise import CHANCE
from stages.core.reasons import Row

SURE = 0.05  # two-sided, after Holm
UNITS = {"performance": "bits a byte", "win_rate": "of the prompts won"}
NAMES = {"performance": "performance", "win_rate": "the win rate"}
Study = dict[str, Any]


def verdict(study: Study) -> list[Row]:
    """A row an outcome and setting: its headline, and the sentences that say what it rests on."""
    told = [outcome for outcome in study["outcomes"] if outcome in UNITS]
    return [_paragraph(study, setting, outcome) for outcome in told for setting in study["settings"]]


def of(rows: list[Row], where: Row) -> list[Row]:
    """The rows that agree with `where`."""
    return [row for row in rows if all(row.get(name) == value for name, value in where.items())]


def name_of(setting: Row) -> str:
    """A setting as a person calls it: '500 rows', '40000 tokens'."""
    return f"{setting['size']} {setting['budget']}"


def short(setting: Row, settings: list[Row]) -> str:
    """A setting's name, and what not all of `settings` share: '500 rows, 50..200 tokens each'."""
    parts = setting["condition"].split(", ")[1:]
    shared = set.intersection(*(set(other["condition"].split(", ")) for other in settings))
    return ", ".join([name_of(setting), *[part for part in parts if part not in shared]])


def span(row: Row, low: str = "low", high: str = "high") -> str:
    """An interval, signs and all: '+0.0012 to +0.0093'."""
    return f"{row[low]:+.4f} to {row[high]:+.4f}"


def _paragraph(study: Study, setting: Row, outcome: str) -> Row:
    here = {"outcome": outcome, "condition": setting["condition"], "size": setting["size"]}
    mine = {name: of(study[name], here) for name in study if _is_rows(study[name])}
    sentences = [_cells(setting), *_floor(mine), *_slopes(mine), *_random(mine), *_claims(mine), *_paper(mine)]
    return here | {"headline": _headline(setting, mine, outcome), "sentences": sentences}


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) and "outcome" in row for row in value)


def _headline(setting: Row, mine: Study, outcome: str) -> str:
    told = [row for row in mine["slopes"] if "p_holm" in row]
    sure = [row for row in told if row["p_holm"] < SURE]
    where = f"At {name_of(setting)} ({setting['condition']})"
    if not told:
        return f"{where} the data do not say whether diversity matters for {NAMES[outcome]}."
    if not sure:
        return f"{where} no strategy's diversity has an effect on {NAMES[outcome]} that can be told from noise."
    effects = [f"{_moves(row)} with {row['strategy']} diversity ({_length(mine, row['strategy'])})" for row in sure]
    return f"{where} {NAMES[outcome]} {'; '.join(effects)}."


def _moves(row: Row) -> str:
    return "rises" if row["value"] > 0 else "falls"


def _length(mine: Study, strategy: str) -> str:
    found = {
        row["model"]: row.get("verdict", "length not examined") for row in of(mine["lengths"], {"strategy": strategy})
    }
    own, shared = (str(found.get(model, "length not examined")) for model in ("own", "shared"))
    if own == shared or own in {"survives length", "explained by length", "turns round at equal length"}:
        return own
    return f"{own} within the strategy; {shared} when all strategies share one effect of length"


def _cells(setting: Row) -> str:
    return f"{setting['cells']} cells, {setting['random_cells']} of them random."


def _floor(mine: Study) -> list[str]:
    for row in mine["floors"]:
        if "reason" in row:
            return [f"No noise floor: {row['reason']}."]
        beyond, chance = len(row["outside"]), CHANCE * row["judged"]
        return [
            f"{row['cells']} random cells spread by {row['sd']:.4f} (standard deviation); {beyond} of {row['judged']} "
            f"other cells lie outside their 95 % range, {chance:.1f} would by chance."
        ]
    return []


def _slopes(mine: Study) -> list[str]:
    return [f"{row['strategy']}: {_slope(mine, row)}" for row in mine["slopes"]]


def _slope(mine: Study, row: Row) -> str:
    if "reason" in row:
        return f"no slope, {row['reason']}."
    told = (
        f"{row['value']:+.4f} {UNITS[row['outcome']]} from degree 0 to 6 (95 % {span(row)}, Holm p {row['p_holm']:.2g})"
    )
    if "prompts_only_low" in row:
        told += f"; for other prompts {span(row, 'prompts_only_low', 'prompts_only_high')}"
    if row["p_holm"] < SURE:
        return f"{told}: it {_moves(row)}, {_length(mine, row['strategy'])}."
    if row["p"] < SURE:
        return f"{told}: cannot tell, one of several slopes may look like this by chance."
    return f"{told}: cannot tell."


def _random(mine: Study) -> list[str]:
    known = [row for row in mine["against_random"] if "p_holm" in row]
    if not known:
        return ["Nothing can be said against random."]
    better = [row for row in known if row["p_holm"] < SURE and row["value"] > 0]
    worse = [row for row in known if row["p_holm"] < SURE and row["value"] < 0]
    best = max(known, key=lambda row: row["value"])
    return [
        f"Against random: {len(better)} of {len(known)} kinds of cell are better and {len(worse)} worse, after Holm. "
        f"The best, {best['strategy']} at degree {best['degree']}, adds {best['value']:+.4f} (95 % for the best of "
        f"{len(known)}: {span(best, 'all_low', 'all_high')}; noise {best['pooled_sd']:.4f} from {best['df']} degrees "
        f"of freedom): {'better than random' if best['all_low'] > 0 else 'cannot tell it from random'}."
    ]


def _claims(mine: Study) -> list[str]:
    return [f"The paper: {row['words']}: {_claim(row)}." for row in mine["claims"]]


def _claim(row: Row) -> str:
    if "reason" in row:
        return f"cannot tell, {row['reason']}"
    p = {"supported": row["p_supported"], "contradicted": row["p_contradicted"]}.get(row["state"], row["p_supported"])
    untold = f", {row['rivals_untold']} more have no contrast" if row["rivals_untold"] else ""
    return f"{row['state']} (one-sided p {p:.2g}, {row['rivals']} rivals{untold})"


def _paper(mine: Study) -> list[str]:
    return [
        f"Beside the paper's {row['paper']}: {row['same_sign']} of {row['strategies']} slopes have its sign, of the "
        f"{row['sure_of_sign']} whose sign is sure {row['same_sign_of_sure']}{_order(row)}."
        for row in mine["paper"]
    ]


def _order(row: Row) -> str:
    return "" if row["tau"] is None else f"; rank order τ = {row['tau']:+.2f} (p {row['tau_p']:.2g})"
