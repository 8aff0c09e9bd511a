"""Generates greedy answers by continuous batching: a prompt takes the place of one that has ended, at every token."""

from collections.abc import Iterator, Sequence
from typing import Any

from m2m.inference.generate import Answer, decode_answer
from m2m.progress import track_progress

PAGE = 256  # tokens of a page of the cache, transformers' default


def generate_continuously(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[list[int]],
    *,
    batch_size: int,
    max_new_tokens: int,
    repetition_penalty: float,
) -> list[Answer]:
    """One answer a prompt (token ids), in the order of `prompts`; `batch_size` of them are answered at once.

    The longest prompts come first. ValueError with a repetition penalty, which transformers drops here, and where a
    prompt gets no answer.
    """
    from transformers import ContinuousBatchingConfig, GenerationConfig

    if repetition_penalty != 1:
        raise ValueError(
            "generate.batching continuous has no repetition penalty: set generate.repetition_penalty to 1, "
            f"or generate.batching to fixed, got {repetition_penalty:g}"
        )
    if not prompts:
        return []
    order = sorted(range(len(prompts)), key=lambda row: (-len(prompts[row]), prompts[row]))
    pages = -(-(len(prompts[order[0]]) + max_new_tokens) // PAGE) + 1
    settings = ContinuousBatchingConfig(
        page_size=PAGE,
        num_blocks=None if model.device.type == "cuda" else batch_size * pages,  # else it takes most of the memory
        max_requests_per_batch=batch_size,
        auto_switch_to_flash=False,  # or it would fetch a kernel from a hub
        drop_unsupported_processors=False,
    )
    generation = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with model.eval().continuous_batching_context_manager(
        generation_config=generation, continuous_batching_config=settings, warmup=model.device.type == "cuda"
    ) as manager:
        names = manager.add_requests([prompts[row] for row in order], max_new_tokens=max_new_tokens)
        ended = track_progress(_list_ended(manager, len(names)), "answer", len(names))
        tokens = {result.request_id: result.generated_tokens for result in ended}
    answers = {row: decode_answer(tokenizer, tokens[name]) for row, name in zip(order, names, strict=True)}
    return [answers[row] for row in range(len(prompts))]


def _list_ended(manager: Any, count: int) -> Iterator[Any]:
    """The results of `count` requests, each when it ends."""
    while count:
        result = manager.get_result(timeout=1)
        if result is None and not manager.is_running():
            raise ValueError(
                "continuous batching ended before all prompts had an answer: set generate.batching to fixed"
            )
        if result is None or not result.is_finished():
            continue
        if result.error is not None:
            raise ValueError(f"a prompt has no answer ({result.error}): set generate.batching to fixed")
        count -= 1
        yield result
