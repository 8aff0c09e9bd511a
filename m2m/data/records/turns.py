"""A dialogue in one of the usual notations → its turns, with what is no text, no answer to train on, or a tool call."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

SYSTEM_ROLES = {"system", "developer"}
USER_ROLES = {"user", "human", "prompter"}
ASSISTANT_ROLES = {"assistant", "gpt", "chatgpt", "model", "bot", "ai"}
TOOL_ROLES = ("tool", "function", "observation", "ipython", "environment")  # how they begin, as in function_call
ROLE_FIELDS = ("role", "from")
CONTENT_FIELDS = ("content", "value", "text", "parts")
CALL_FIELDS = ("tool_calls", "function_call")
REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
TEXT_TYPES = {"text", "input_text", "output_text"}
CALL_MARKS = ("<tool_call>", "<function_call>", "<|tool_call|>")
PYTHON_LIST = re.compile(r"\s*[\[(][\s\[({]*'")  # JSON has no single quotes


class Turn(NamedTuple):
    """One turn: `content` is its text, or whatever stands in its place; `problem` says what no prompt can carry."""

    role: str  # system, user, assistant, or as it stands there; "" for none
    content: object
    is_trained: bool = True
    problem: str | None = None
    is_call: bool = False
    has_reasoning: bool = False  # in a field of its own, which is not read


def parse_turns(value: object) -> list[Turn] | str:
    """The turns of a list of messages, of texts in turn, of question-answer pairs, or of JSON text; else the reason."""
    turns = _parse_json(value)
    if isinstance(turns, str) and PYTHON_LIST.match(turns):
        return "its turns are text that is no JSON but a list as Python writes it: write it with json.dumps"
    if not isinstance(turns, Sequence) or isinstance(turns, str):
        return f"its turns are no list of messages but {type(turns).__name__}"
    if len(turns) > 1 and all(isinstance(turn, str) for turn in turns):
        return [Turn(("user", "assistant")[index % 2], text) for index, text in enumerate(turns)]
    parsed = [_parse_turn(turn) for turn in turns]
    if not all(parsed):
        return f"its turns are no list of messages but {type(turns).__name__}"
    return [turn for group in parsed for turn in group]


def is_label_off(record: Mapping[str, object]) -> bool:
    """Whether `record`, a row or a turn, is marked as not to be trained on."""
    weights = [record.get(name) for name in ("weight", "loss_weight")]
    flags = [record.get(name) for name in ("train", "loss", "trainable")]
    return any(isinstance(weight, int | float | str) and _is_zero(weight) for weight in weights) or any(
        flag is False or (isinstance(flag, str) and flag.strip().lower() == "false") for flag in flags
    )


def join_parts(content: object) -> tuple[object, str | None]:
    """Content in parts as one text, or why no text can stand for it.

    >>> join_parts([{"type": "text", "text": "a"}, "b"]), join_parts([{"type": "image"}])
    (('a\\nb', None), ([{'type': 'image'}], "a part of type 'image'"))
    """
    if not isinstance(content, Sequence) or isinstance(content, str) or not content:
        return content, None
    texts = [_part_text(piece) for piece in content]
    if None not in texts:
        return "\n".join(text for text in texts if text is not None), None
    piece = content[texts.index(None)]
    named = piece.get("type") if isinstance(piece, Mapping) else None
    return content, f"a part of type {str(named)[:40]!r}" if named else None


def _part_text(piece: object) -> str | None:
    if isinstance(piece, str):
        return piece
    if not isinstance(piece, Mapping) or str(piece.get("type") or "text") not in TEXT_TYPES:
        return None
    return next((text for name in ("text", "value", "content") if isinstance(text := piece.get(name), str)), None)


def _parse_json(value: object) -> object:
    """CSV has no lists: there the turns are JSON text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def _parse_turn(turn: object) -> list[Turn]:
    """One turn of a message; two or three of a mapping with input and output, two of a pair; none of anything else."""
    if isinstance(turn, Mapping) and "output" in turn and not any(name in turn for name in CONTENT_FIELDS):
        system = [Turn("system", turn["system"])] if turn.get("system") else []
        answer = Turn("assistant", turn["output"], not is_label_off(turn), has_reasoning=_has_reasoning(turn))
        return [*system, Turn("user", turn.get("input")), answer]
    if isinstance(turn, Mapping):
        return [_parse_message(turn)]
    if isinstance(turn, Sequence) and len(turn) == 2 and not isinstance(turn, str):
        return [Turn("user", turn[0]), Turn("assistant", turn[1])]
    return []


def _parse_message(turn: Mapping[str, object]) -> Turn:
    role = str(next((turn[name] for name in ROLE_FIELDS if turn.get(name) is not None), "")).strip().lower()
    kinds = {"system": SYSTEM_ROLES, "user": USER_ROLES, "assistant": ASSISTANT_ROLES}
    role = next((kind for kind, names in kinds.items() if role in names), role)
    content, problem = join_parts(next((turn[name] for name in CONTENT_FIELDS if turn.get(name) is not None), None))
    is_call = any(turn.get(name) for name in CALL_FIELDS) or (problem or "").startswith("a part of type 'tool")
    is_call = is_call or role.startswith(TOOL_ROLES)
    is_call = is_call or (role == "assistant" and isinstance(content, str) and content.lstrip().startswith(CALL_MARKS))
    return Turn(role, content, not is_label_off(turn), problem, is_call, _has_reasoning(turn))


def _has_reasoning(turn: Mapping[str, object]) -> bool:
    return any(isinstance(text := turn.get(name), str) and text.strip() for name in REASONING_FIELDS)


def _is_zero(weight: float | str) -> bool:
    try:
        return float(weight) == 0
    except ValueError:
        return False
