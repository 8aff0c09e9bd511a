"""The slopes of one outcome and setting, and what length leaves of them → the verdict's first sentence."""

from m2m.study.cells.labels import ALPHA, join_words, select_rows
from m2m.study.cells.outcomes import MAIN
from m2m.study.cells.rows import StudyRow


def write_headline(mine: dict[str, list[StudyRow]], outcome: str) -> str:
    """What slopes and degrees of one outcome and setting come to; `mine` holds that setting's rows of the study."""
    told = [row for row in mine["slopes"] if "p_holm" in row]
    sure = [row for row in told if row["p_holm"] < ALPHA]
    sloped = {row["strategy"] for row in sure}
    bent = [row for row in mine["shapes"] if row.get("p_holm", 1) < ALPHA and row["strategy"] not in sloped]
    if sure or bent:
        return "; ".join([*_sloped(mine, outcome, sure), *_bent(mine, outcome, bent)])
    if not told:
        return f"the data do not say whether diversity matters for {MAIN[outcome].phrase}"
    low, high = min(row["low"] for row in told), max(row["high"] for row in told)
    return (
        f"no strategy's diversity has an effect on {MAIN[outcome].phrase} that can be told from noise; "
        f"their 95 % intervals reach from {low:+.4f} to {high:+.4f} {MAIN[outcome].unit}"
    )


def _sloped(mine: dict[str, list[StudyRow]], outcome: str, sure: list[StudyRow]) -> list[str]:
    alike: dict[tuple[str, str], list[StudyRow]] = {}
    for row in sure:
        alike.setdefault((moves(row), describe_length_control(mine, row["strategy"])), []).append(row)
    effects = [_effect(moves, length, rows) for (moves, length), rows in alike.items()]
    return [f"{MAIN[outcome].phrase} {'; '.join(effects)} ({MAIN[outcome].unit} from degree 0 to 6)"] if sure else []


def _bent(mine: dict[str, list[StudyRow]], outcome: str, bent: list[StudyRow]) -> list[str]:
    """Degrees that differ by the noise of replicates, where the slope's own noise hides it."""
    if not bent:
        return []
    ends = "; ".join(f"{_extremes(row)} ({describe_length_control(mine, row['strategy'])})" for row in bent)
    return [
        f"{MAIN[outcome].phrase} is not the same at all degrees of {join_words([row['strategy'] for row in bent])} diversity "
        f"({MAIN[outcome].unit}), though on no sure straight line: {ends}"
    ]


def _extremes(row: StudyRow) -> str:
    return (
        f"{row['strategy']} is lowest at degree {row['worst']}, {row['worst_mean']:+.4f}, "
        f"and highest at degree {row['best']}, {row['best_mean']:+.4f}"
    )


def _effect(moves: str, length: str, rows: list[StudyRow]) -> str:
    names, sizes = ([row["strategy"] for row in rows], [f"{row['value']:+.4f}" for row in rows])
    return f"{moves} with {join_words(names)} diversity ({length}), by {join_words(sizes)}"


def moves(row: StudyRow) -> str:
    """Up or down."""
    return "rises" if row["value"] > 0 else "falls"


def describe_length_control(mine: dict[str, list[StudyRow]], strategy: str) -> str:
    """What becomes of a strategy's effect when length is held fixed, by both models where they differ.

    Across all strategies means that they share one effect of length, as in the model `shared` of `length_rows`.
    """
    found = {
        row["model"]: row.get("verdict", "length not examined")
        for row in select_rows(mine["lengths"], {"strategy": strategy})
    }
    own, shared = (str(found.get(model, "length not examined")) for model in ("own", "shared"))
    if own == shared:
        return own
    return f"{own} within the strategy, {shared} across all strategies"
