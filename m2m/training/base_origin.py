"""Reads from a base model's name and tokenizer whether it was instruction-tuned before this study."""

import re

TUNED_WORD = re.compile(r"(?i)(?<![a-z0-9])(instruct(ed|ion)?|chat|it|sft|dpo|orpo|rlhf|assistant|aligned)(?![a-z])")


def describe_tuning(name: str, has_chat_template: bool) -> str:
    """What is known of an earlier instruction tuning; `name` is a hub id, a folder or a file.

    >>> describe_tuning("SmolLM2-135M-Instruct.Q4_1.gguf", True)
    'yes: its name says Instruct'
    >>> describe_tuning("Qwen/Qwen3-0.6B-Base", True)
    'perhaps: its tokenizer has a chat template'
    >>> describe_tuning("meta-llama/Llama-2-7b-hf", False)
    'no sign of it'
    """
    if word := TUNED_WORD.search(name):
        return f"yes: its name says {word[0]}"
    return "perhaps: its tokenizer has a chat template" if has_chat_template else "no sign of it"
