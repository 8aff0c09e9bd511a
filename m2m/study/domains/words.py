"""The rows of domains → the answer in sentences, and a table."""

from collections.abc import Sequence

from m2m.study.cells.labels import format_difference, format_interval
from m2m.study.domains.transfer import DomainRow

DOMAIN_HEADER = (
    "domain",
    "prompts",
    "rank correlation with the others (95 % CI)",
    "best on the others: gain here (95 % CI)",
    "worst on the others: gain here (95 % CI)",
)


def write_domains_answer(rows: Sequence[DomainRow]) -> list[str]:
    """Sentences: how often what holds on the other domains holds on one."""
    measured = [row for row in rows if "reason" not in row]
    if not measured:
        return ["No domain can be compared with the others; the table has the reasons."]
    number, missing = len(measured), len(rows) - len(measured)
    ordered = sum(row["rank_low"] > 0 for row in measured)
    lost = sum(row["worst_high"] < 0 for row in measured)
    won, lost_best = sum(row["best_low"] > 0 for row in measured), sum(row["best_high"] < 0 for row in measured)
    ranks = [row["rank_correlation"] for row in measured]
    sentences = [
        f"What is worst on the other domains is worse than random on {lost} of {number}.",
        f"What is best on the other domains is better than random on {won} of {number}, and worse on {lost_best}.",
        f"The order of configurations on the other domains predicts the order on {ordered} of {number} "
        f"(Spearman {min(ranks):.2f} to {max(ranks):.2f}).".replace("-", "−"),
        "Each count is by 95 % intervals that hold for one domain alone, not for all together.",
    ]
    return [*sentences, f"{missing} more cannot be compared; the table has the reasons."] if missing else sentences


def list_domain_rows(rows: Sequence[DomainRow]) -> list[tuple[str, ...]]:
    """A row a domain under DOMAIN_HEADER, those with most prompts first."""
    return [_format_row(row) for row in sorted(rows, key=lambda row: (-row["prompts"], row["domain"]))]


def _format_row(row: DomainRow) -> tuple[str, ...]:
    if "reason" in row:
        return (row["domain"], str(row["prompts"]), row["reason"], "–", "–")
    rank = f"{row['rank_correlation']:.2f} ({row['rank_low']:.2f} to {row['rank_high']:.2f})".replace("-", "−")
    best = f"{row['best']}: {format_difference(row['best_gain'])} ({format_interval(row, 'best_low', 'best_high')})"
    worst = (
        f"{row['worst']}: {format_difference(row['worst_gain'])} ({format_interval(row, 'worst_low', 'worst_high')})"
    )
    return (row["domain"], str(row["prompts"]), rank, best, worst)
