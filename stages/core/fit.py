"""Cuts token rows to a length and says what the cut costs, before anything is trained."""

from collections.abc import Sequence

Row = tuple[list[int], list[int]]


def fitted(rows: Sequence[Row], max_length: int, max_lost_share: float) -> tuple[list[Row], dict[str, int]]:
    """(prompt, completion) rows of at most `max_length` tokens, and the counts of tokens kept and lost.

    A prompt is never cut: the completion gives way, from its end. ValueError when more than `max_lost_share` of the
    completion tokens would be lost, or when a prompt leaves no room for a single one.
    """
    cut = [(prompt, completion[: max(max_length - len(prompt), 0)]) for prompt, completion in rows]
    kept, selected = (sum(len(completion) for _, completion in some) for some in (cut, rows))
    if selected - kept > max_lost_share * selected:
        raise ValueError(
            f"finetune.max_length {max_length} would cut {selected - kept} of {selected} response tokens, more than "
            f"the share {max_lost_share} that max_lost_share allows: raise max_length or choose shorter responses"
        )
    if any(not completion for _, completion in cut):
        raise ValueError(f"a prompt of {max_length} tokens or more leaves no response to train on: raise max_length")
    counts = {
        "rows": len(cut),
        "prompt_tokens": sum(len(prompt) for prompt, _ in cut),
        "response_tokens": kept,
        "lost_tokens": selected - kept,
    }
    return cut, counts
