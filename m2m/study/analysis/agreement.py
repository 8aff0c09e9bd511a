"""The study's rows beside the paper's claims and slopes → sentences that say how far they agree."""

from typing import Any

from m2m.study.cells.cells import STRATEGIES
from m2m.study.cells.labels import join_words
from m2m.study.cells.rows import StudyRow

Study = dict[str, Any]
OTHERS = len(STRATEGIES) - 1


def claimed(mine: Study) -> list[str]:
    """A sentence for each of the paper's claims; without a rival there is nothing to say."""
    known = [row for row in mine["claims"] if row.get("rivals") or "reason" in row]
    return [f"The paper: {row['words']}: {_claim(row)}." for row in known]


def _claim(row: StudyRow) -> str:
    if "reason" in row:
        return f"cannot tell, {row['reason']}"
    p = row["p_contradicted"] if row.get("all_points", row["state"]) == "contradicted" else row["p_supported"]
    return f"{row['state']}{_rests(row)} ({_rivals(row)}; one-sided p {p:.2g})"


def _rests(row: StudyRow) -> str:
    """The points without any one of which the data say something else."""
    if not row.get("rests_on"):
        return ""
    which = f"one point, {row['rests_on'][0]}" if len(row["rests_on"]) == 1 else f"{len(row['rests_on'])} single points"
    return f", {row['all_points']} by all {row['points']} points but it rests on {which}"


def _rivals(row: StudyRow) -> str:
    """Whom the claim could be held against."""
    untold = f", {row['rivals_untold']} more without a contrast" if row["rivals_untold"] else ""
    if row["claim"] == "estimator" or row["rivals"] == OTHERS:
        return f"{row['rivals']} rivals{untold}"
    names = join_words([rival["against"] for rival in row["contrasts"] if "value" in rival])
    return f"of {OTHERS} others {row['rivals']} could be compared: {names}{untold}"


def agreed(mine: Study) -> list[str]:
    """A sentence for all the published sizes that our slopes agree with alike."""
    alike: dict[str, list[str]] = {}
    for row in mine["paper"]:
        alike.setdefault(_agrees(row), []).append(row["paper"])
    return [f"Beside the paper's {join_words(sizes)}: {agrees}." for agrees, sizes in alike.items()]


def correlated(mine: Study) -> list[str]:
    """A sentence on the correlations that the paper gives too: of the metrics with performance, over kinds of cells."""
    both = [row for row in mine["metrics"] if row["paper"] is not None and "pearson_r" in row]
    if not both:
        return []
    same = sum(row["pearson_r"] * row["paper"] > 0 for row in both)
    pairs = [f"{row['metric'].replace('_', ' ')} {row['pearson_r']:+.2f} ({row['paper']:+.2f})" for row in both]
    ours, theirs = (sorted(both, key=lambda row: -row[name]) for name in ("pearson_r", "paper"))
    order = "the same rank order" if ours == theirs else "another rank order"
    return [f"Correlations beside the paper's: {join_words(pairs)}; {same} of {len(both)} have its sign, {order}."]


def _agrees(row: StudyRow) -> str:
    sure = row["sure_of_sign"]
    among = f"{row['same_sign_of_sure']} of the {sure} sure ones (Holm)" if sure else "none of them is sure (Holm)"
    return f"{row['same_sign']} of {row['strategies']} slopes have its sign, {among}{_order(row)}"


def _order(row: StudyRow) -> str:
    return "" if row["tau"] is None else f"; rank order τ = {row['tau']:+.2f} (p {row['tau_p']:.2g})"
