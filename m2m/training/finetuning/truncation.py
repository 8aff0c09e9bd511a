"""Cuts token rows to a length, says what the cut costs, and checks that the response alone is trained on."""

from collections.abc import Sequence

Row = tuple[list[int], list[int]]


def truncate_rows(
    rows: Sequence[Row], response_tokens: Sequence[int], max_length: int, max_lost_share: float
) -> tuple[list[Row], dict[str, int]]:
    """(prompt, completion) rows of at most `max_length` tokens, and the counts of tokens kept and lost.

    `response_tokens` is each response's own number of tokens, counted apart from `rows`: a completion must be as long,
    and one end token longer. A prompt is never cut: the completion gives way, from its end. ValueError when a
    completion is not its response, when more than `max_lost_share` of the completion tokens would be lost, or when a
    prompt leaves no room for a single one.
    """
    for at, ((_, completion), count) in enumerate(zip(rows, response_tokens, strict=True)):
        if len(completion) != count + 1:
            raise ValueError(
                f"row {at} would be trained on {len(completion)} tokens, but its response has {count} and an end "
                "token: the prompt format changes the response; set prompt_format to plain"
            )
    cut = [(prompt, completion[: max(max_length - len(prompt), 0)]) for prompt, completion in rows]
    kept, selected = (sum(len(completion) for _, completion in some) for some in (cut, rows))
    require_share("response tokens", selected - kept, selected, max_lost_share)
    if any(not completion for _, completion in cut):
        raise ValueError(
            f"a prompt of {max_length} tokens or more leaves no response to train on: raise finetune.max_length"
        )
    counts = {
        "rows": len(cut),
        "prompt_tokens": sum(len(prompt) for prompt, _ in cut),
        "response_tokens": kept,
        "lost_tokens": selected - kept,
    }
    return cut, counts


def require_share(what: str, lost: int, selected: int, max_lost_share: float) -> None:
    """ValueError when `lost` of `selected` is more than `max_lost_share`."""
    if lost > max_lost_share * selected:
        raise ValueError(
            f"finetune.max_length would cut {lost} of {selected} {what}, more than the share {max_lost_share} that "
            "finetune.max_lost_share allows: raise max_length or choose shorter responses"
        )
