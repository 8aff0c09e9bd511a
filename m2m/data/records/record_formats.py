"""A record of someone's data set → its instruction and response, whichever of the usual forms it has."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from m2m.data.records.exchanges import Exchanges, Pair, choose_exchanges, reject
from m2m.data.records.turns import Turn, is_label_off, parse_turns

RECORD_FORMS = "alpaca (instruction, input, output), prompt–completion, ShareGPT (conversations) or chat (messages)"
TURN_FIELDS = ("conversations", "messages", "conversation", "dialogue", "dialog", "turns", "contents", "data")
INSTRUCTION_ANSWERS = ("output", "response", "completion")
PROMPT_ANSWERS = ("completion", "response", "answer", "output")
SYSTEM_FIELDS = ("system", "system_prompt", "system_message")
RECORD_FIELDS = {
    *TURN_FIELDS, *INSTRUCTION_ANSWERS, *PROMPT_ANSWERS, *SYSTEM_FIELDS,
    "instruction", "input", "context", "prompt", "chosen", "rejected", "history", "tools",
}  # fmt: skip
LONGEST_NAME = 40  # characters of a field's name in a reason: the name may be a text

Turns = Literal["first", "last", "each"]
Fields = Mapping[str, object]


class PairColumns(NamedTuple):
    """The columns of prompt and response, "" where the form is detected; and the settings that name them."""

    prompt: str = ""
    response: str = ""
    prompt_setting: str = "prompt_column"
    response_setting: str = "response_column"

    @property
    def names(self) -> tuple[str, str]:
        return self.prompt, self.response


DETECTED = PairColumns()


def read_pair(record: object, prompt_column: str = "", response_column: str = "") -> Pair:
    """The first exchange of `record`; see `read_exchanges`.

    >>> read_pair({"instruction": "Add.", "input": "1 and 2", "output": "3"})
    Pair(instruction='Add.\\n\\n1 and 2', response='3', reason=None, has_context=False)
    """
    return read_exchanges(record, PairColumns(prompt_column, response_column), "first").pairs[0]


def read_exchanges(record: object, columns: PairColumns, turns: Turns) -> Exchanges:
    """The exchanges of `record`: the first, the last or each that may be trained on, and how many were left out.

    `columns` name the prompt and the response, else the form is detected; one name for both is a column of turns.
    A form counts where it has both texts. The system prompt, alpaca's input, the history and the turns before are part
    of the instruction, because many responses make no sense without them.
    """
    if not isinstance(record, Mapping):
        return reject(f"is no record with named fields but {type(record).__name__}")
    fields = _name_fields(record)
    if any(columns.names):
        if missing := [name for name in columns.names if name.strip().lower() not in fields and name not in fields]:
            return reject(f"has no field {missing[0]!r}, but the fields {_list_fields(record)}")
        return _choose(fields, _read_columns(fields, *columns.names), turns)
    names = sorted((name for name in FORM_READERS if name in fields), key=lambda name: fields[name] is None)
    unusable: list[Exchanges] = []
    for name in names:
        exchanges = _choose(fields, FORM_READERS[name](fields), turns)
        if any(_is_usable(pair) for pair in exchanges.pairs):
            return exchanges
        unusable.append(exchanges)
    return _explain_preference(fields, columns) or (
        unusable[0] if unusable else reject(_explain_fields(record, fields, columns))
    )


def list_other_fields(record: Mapping[str, object], columns: PairColumns) -> dict[str, object]:
    """The fields of `record` that hold no text of the pair: ids, sources, licences, scores."""
    return {
        str(name): value
        for name, value in record.items()
        if str(name).strip().lower() not in RECORD_FIELDS and name not in columns.names
    }


def _name_fields(record: Mapping[str, object]) -> dict[str, object]:
    """The fields by their names, and by their names in lower case without blanks; NaN is None."""
    plain = {str(name).strip().lower(): value for name, value in record.items()}
    named = plain | {str(name): value for name, value in record.items()}
    return {name: None if value != value else value for name, value in named.items()}  # noqa: PLR0124


def _list_fields(record: Mapping[str, object]) -> str:
    names = [name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…" for name in sorted(map(str, record))[:8]]
    quoted = [repr(name) if name != name.strip() else name for name in names]
    return ", ".join(quoted).encode(errors="backslashreplace").decode()


def _explain_fields(record: Mapping[str, object], fields: Fields, columns: PairColumns) -> str:
    names = f"has none of the forms {RECORD_FORMS}, but the fields {_list_fields(record)}"
    settings = f"{columns.prompt_setting} and {columns.response_setting}"
    texts = [name for name, value in record.items() if isinstance(value, str)]
    lists = [name for name, value in record.items() if isinstance(value, Sequence) and not isinstance(value, str)]
    if "text" in fields and len(texts) < 2:
        return f"{names}; prompt and response stand in one text: write them to two columns"
    if lists:
        return f"{names}; name a column of turns as both {settings}, or write messages"
    if len(texts) < 2:
        return f"{names}; a pair needs two texts"
    return f"{names}; set {settings}"


def _explain_preference(fields: Fields, columns: PairColumns) -> Exchanges | None:
    if "chosen" not in fields or "rejected" not in fields:
        return None
    prompt = next((name for name in ("prompt", "instruction", "question", "input") if _has_text(fields.get(name))), "")
    if not prompt and isinstance(fields["chosen"], str):
        return reject(
            "is a preference row (chosen, rejected) without a prompt: write the prompt to a column of its own"
        )
    return reject(
        "is a preference row (chosen, rejected): to train on the chosen answer set "
        f"{columns.prompt_setting} to {prompt or 'chosen'} and {columns.response_setting} to chosen"
    )


def _choose(fields: Fields, dialogue: list[Turn] | str, turns: Turns) -> Exchanges:
    """The exchanges of a dialogue with what the record's other columns say: system, history, tools, labels."""
    before = _read_context(fields)
    if isinstance(dialogue, str):
        return reject(dialogue)
    if isinstance(before, str):
        return reject(before)
    has_system = any(turn.role == "system" for turn in dialogue)
    before = [turn for turn in before if not (has_system and turn.role == "system" and turn in dialogue)]
    exchanges = choose_exchanges(before, dialogue, turns)
    if is_label_off(fields) or fields.get("label") is False:
        exchanges = exchanges.refuse("is labelled as no answer to train on (label, weight or train)")
    return (
        exchanges.refuse("has tools in the column tools, which no plain prompt carries")
        if _has_tools(fields)
        else exchanges
    )


def _read_context(fields: Fields) -> list[Turn] | str:
    texts = [fields[name] for name in SYSTEM_FIELDS if _has_text(fields.get(name))]
    history = fields.get("history")
    if not history or history in ("[]", "null"):
        return [Turn("system", text) for text in texts]
    turns = parse_turns(history)
    if isinstance(turns, str):
        return f"its history cannot be read: {turns}"
    return [*(Turn("system", text) for text in texts), *turns]


def _has_tools(fields: Fields) -> bool:
    tools = fields.get("tools")
    return bool(tools) and not (isinstance(tools, str) and tools.strip() in {"", "[]", "null", "None"})


def _has_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_usable(pair: Pair) -> bool:
    return pair.reason is None and _has_text(pair.instruction) and _has_text(pair.response)


def _read_columns(fields: Fields, prompt_column: str, response_column: str) -> list[Turn] | str:
    values = [
        fields[name] if name in fields else fields[name.strip().lower()] for name in (prompt_column, response_column)
    ]
    return parse_turns(values[0]) if prompt_column == response_column else _make_turns(*values)


def _make_turns(prompt: object, answer: object) -> list[Turn] | str:
    """Of two values, each a text or a list of messages. An answer that repeats the prompt counts from its last turn."""
    questions = parse_turns(prompt) if _is_list(prompt) else [Turn("user", prompt)]
    answers = parse_turns(answer) if _is_list(answer) else [Turn("assistant", answer)]
    if isinstance(questions, str) or isinstance(answers, str):
        return [Turn("user", prompt), Turn("assistant", answer)]
    return [*questions, *(answers[-1:] if answers and answers[0].role != "assistant" else answers)]


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _read_instruction(fields: Fields) -> list[Turn] | str:
    instruction, context = fields.get("instruction"), fields.get("input") or fields.get("context")
    if context and not isinstance(context, str):
        return f"input is no text but {type(context).__name__}"
    if isinstance(instruction, str) and _has_text(context):
        instruction = "\n\n".join(text for text in (instruction, str(context)) if text.strip())
    names = INSTRUCTION_ANSWERS[:2] if _has_text(fields.get("prompt")) else INSTRUCTION_ANSWERS
    return _make_turns(instruction, _find_answer(fields, names))


def _read_prompt(fields: Fields) -> list[Turn] | str:
    return _make_turns(fields.get("prompt"), _find_answer(fields, PROMPT_ANSWERS))


def _find_answer(fields: Fields, names: Sequence[str]) -> object:
    values = [fields[name] for name in names if fields.get(name) is not None]
    return next((value for value in values if value != ""), values[0] if values else None)


def _read_turns(name: str) -> Callable[[Fields], list[Turn] | str]:
    return lambda fields: parse_turns(fields[name])


FORM_READERS: dict[str, Callable[[Fields], list[Turn] | str]] = {
    **{name: _read_turns(name) for name in TURN_FIELDS},
    "instruction": _read_instruction,
    "prompt": _read_prompt,
}
