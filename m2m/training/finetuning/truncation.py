"""Cuts token rows to a length, counts what the cut costs, and checks that the response alone is trained on."""

from collections.abc import Sequence
from typing import Literal

from m2m.training.finetuning.collation import TokenRow

LongPrompts = Literal["error", "drop"]
ROWS_NAMED = 5  # rows in an error


def find_trainable_rows(
    ids: Sequence[str], prompts: Sequence[Sequence[int]], max_length: int, long_prompts: LongPrompts
) -> tuple[list[int], str]:
    """Which rows have a prompt below `max_length` tokens, so that a response can be trained, and a sentence on others.

    ValueError with the ids of the others where `long_prompts` is "error", or where no row is left.
    """
    long = [row for row, prompt in enumerate(prompts) if len(prompt) >= max_length]
    if not long:
        return list(range(len(prompts))), ""
    named = ", ".join(f"{ids[row]} ({len(prompts[row])} tokens)" for row in long[:ROWS_NAMED])
    remaining = f" and {len(long) - ROWS_NAMED} more" if len(long) > ROWS_NAMED else ""
    sentence = (
        f"the prompts of {len(long)} of {len(prompts)} rows leave no response token within finetune.max_length "
        f"{max_length}: {named}{remaining}"
    )
    if long_prompts == "drop" and len(long) < len(prompts):
        return sorted(set(range(len(prompts))) - set(long)), sentence
    raise ValueError(f"{sentence}. Raise finetune.max_length, or set finetune.long_prompts to drop such rows")


def truncate_rows(
    rows: Sequence[TokenRow], response_tokens: Sequence[int], max_length: int, max_lost_share: float
) -> tuple[list[TokenRow], dict[str, int]]:
    """(prompt, completion) rows of at most `max_length` tokens, and the counts of tokens kept and lost.

    `response_tokens` is each response's own number of tokens, counted apart from `rows`: a completion must be as long,
    and one end token longer. Prompts are shorter than `max_length` and stay: the completion is cut, at its end.
    ValueError when a completion is not its response, or more than `max_lost_share` of completion tokens would be lost.
    """
    for number, ((_, completion), count) in enumerate(zip(rows, response_tokens, strict=True)):
        if len(completion) != count + 1:
            raise ValueError(
                f"row {number} would be trained on {len(completion)} tokens, but its response has {count} and an end "
                "token: the prompt format changes the response; set prompt_format to plain"
            )
    truncated = [(prompt, completion[: max_length - len(prompt)]) for prompt, completion in rows]
    trained, selected = (sum(len(completion) for _, completion in version) for version in (truncated, rows))
    require_share("response tokens", selected - trained, selected, max_lost_share)
    counts = {
        "rows": len(truncated),
        "prompt_tokens": sum(len(prompt) for prompt, _ in truncated),
        "response_tokens": trained,
        "lost_tokens": selected - trained,
    }
    return truncated, counts


def require_share(tokens: str, lost: int, selected: int, max_lost_share: float) -> None:
    """ValueError when `lost` of `selected` `tokens` is more than `max_lost_share`."""
    if lost > max_lost_share * selected:
        raise ValueError(
            f"finetune.max_length would cut {lost} of {selected} {tokens}, more than the share {max_lost_share} that "
            "finetune.max_lost_share allows: raise max_length or choose shorter responses"
        )
