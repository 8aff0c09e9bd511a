"""The usual forms of a record → the turns that each finds in it, and the names of the fields that it reads."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from m2m.data.records.exchanges import PART_BREAK, Pair
from m2m.data.records.turns import Turn, parse_turns

TURN_FIELDS = ("conversations", "messages", "conversation", "dialogue", "dialog", "turns", "contents", "data")
INSTRUCTION_ANSWERS = ("output", "response", "completion")
PROMPT_ANSWERS = ("completion", "response", "answer", "output")

Fields = Mapping[str, object]


class Form(NamedTuple):
    """What one form finds in a record: the turns or why there are none, and the names of the fields that it reads."""

    dialogue: list[Turn] | str
    names: list[str]


def find_forms(fields: Fields) -> list[str]:
    """The names in `FORM_READERS` of the forms that `fields` may have, filled ones first.

    A question without any answer is no form: its response may stand in any field.
    """
    names = [name for name in FORM_READERS if name in fields]
    if "question" in names and not any(answer in fields for answer in PROMPT_ANSWERS):
        names.remove("question")
    return sorted(names, key=lambda name: fields[name] is None)


def rank_form(name: str, value: object, form: Form, pair: Pair) -> int:
    """How close a form came: 3 with both texts, 2 with a field of its type, 0 with a number for turns."""
    if pair.instruction is not None and pair.response is not None:
        return 3
    if name not in TURN_FIELDS:
        return 2 if isinstance(value, str) or _is_list(value) else 1
    if isinstance(form.dialogue, list) or (isinstance(value, str) and value.lstrip().startswith("[")):
        return 2
    return 0 if isinstance(value, int | float) else 1


def has_text(value: object) -> bool:
    """Whether `value` is a text that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def read_columns(fields: Fields, *columns: str) -> Form:
    """The turns of two columns, prompt and response; of one column of turns where both are the same."""
    names = [name if name in fields else name.strip().lower() for name in columns]
    values = [fields[name] for name in names]
    return Form(parse_turns(values[0]) if columns[0] == columns[1] else _make_turns(*values), names)


def _make_turns(prompt: object, answer: object) -> list[Turn] | str:
    """Of two values, each a text or a list of messages. An answer that repeats the prompt counts from its last turn."""
    questions = parse_turns(prompt) if _is_list(prompt) else [Turn("user", prompt)]
    answers = parse_turns(answer) if _is_list(answer) else [Turn("assistant", answer)]
    if isinstance(questions, str) or isinstance(answers, str):
        return [Turn("user", prompt), Turn("assistant", answer)]
    return [*questions, *(answers[-1:] if answers and answers[0].role != "assistant" else answers)]


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _read_turns(name: str, fields: Fields) -> Form:
    return Form(parse_turns(fields[name]), [name])


def _read_instruction(fields: Fields) -> Form:
    names = INSTRUCTION_ANSWERS[:2] if has_text(fields.get("prompt")) else INSTRUCTION_ANSWERS
    return _read_with_input(fields, "instruction", _find_answer(fields, names))


def _read_prompt(fields: Fields) -> Form:
    answer = _find_answer(fields, PROMPT_ANSWERS)
    return Form(_make_turns(fields.get("prompt"), fields.get(answer)), ["prompt", answer])


def _read_question(fields: Fields) -> Form:
    return _read_with_input(fields, "question", _find_answer(fields, PROMPT_ANSWERS))


def _read_with_input(fields: Fields, name: str, answer: str) -> Form:
    """The field `name` with the input or context that it asks about, and the field `answer`."""
    question, place = fields.get(name), "input" if fields.get("input") else "context"
    context, names = fields.get(place), [name, place, answer]
    if context and not isinstance(context, str):
        return Form(f"{place} is no text but {type(context).__name__}", names)
    if isinstance(question, str) and has_text(context):
        question = PART_BREAK.join(text for text in (question, str(context)) if text.strip())
    return Form(_make_turns(question, fields.get(answer)), names)


def _find_answer(fields: Fields, names: Sequence[str]) -> str:
    """The first of `names` that is filled, else the first that is no null, else the first."""
    present = [name for name in names if fields.get(name) is not None]
    return next((name for name in present if fields[name] != ""), (present or names)[0])


FORM_READERS: dict[str, Callable[[Fields], Form]] = {
    **{name: partial(_read_turns, name) for name in TURN_FIELDS},
    "instruction": _read_instruction,
    "prompt": _read_prompt,
    "question": _read_question,
}
