"""A record of someone's data set → its instruction and response, whichever of the usual forms it has."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

from m2m.data.records.exchanges import Exchanges, Pair, choose_exchanges, reject
from m2m.data.records.form_readers import (
    FORM_READERS,
    INSTRUCTION_ANSWERS,
    PROMPT_ANSWERS,
    TURN_FIELDS,
    Fields,
    Form,
    find_forms,
    has_text,
    rank_form,
    read_columns,
)
from m2m.data.records.turns import Turn, is_label_off, parse_turns

RECORD_FORMS = (
    "alpaca (instruction, input, output), prompt–completion, question–answer, "
    "ShareGPT (conversations) or chat (messages)"
)
SYSTEM_FIELDS = ("system", "system_prompt", "system_message")
RECORD_FIELDS = {
    *TURN_FIELDS, *INSTRUCTION_ANSWERS, *PROMPT_ANSWERS, *SYSTEM_FIELDS,
    "instruction", "input", "context", "prompt", "question", "chosen", "rejected", "history", "tools",
}  # fmt: skip
LONGEST_NAME = 40  # characters of a field's name in a reason: the name may be a text

Turns = Literal["first", "last", "each"]


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


class RecordReading(NamedTuple):
    """The exchanges of a record, and the fields that they do not come from: ids, sources, licences, scores."""

    exchanges: Exchanges
    other_fields: dict[str, object]


def read_pair(record: object, prompt_column: str = "", response_column: str = "") -> Pair:
    """The first exchange of `record`; see `read_exchanges`.

    >>> read_pair({"instruction": "Add.", "input": "1 and 2", "output": "3"})
    Pair(instruction='Add.\\n\\n1 and 2', response='3', reason=None, has_context=False)
    """
    return read_exchanges(record, PairColumns(prompt_column, response_column), "first").pairs[0]


def read_exchanges(record: object, columns: PairColumns, turns: Turns) -> Exchanges:
    """The exchanges of `record`; see `split_record`."""
    return split_record(record, columns, turns).exchanges


def split_record(record: object, columns: PairColumns, turns: Turns) -> RecordReading:
    """The exchanges of `record`: the first, the last or each that may be trained on, and how many were left out.

    `columns` name the prompt and the response, else the form is detected; one name for both is a column of turns.
    A form counts where it has both texts. The system prompt, alpaca's input, the history and the turns before are part
    of the instruction, because many responses make no sense without them. Where no form counts, the reason is that of
    the form that came closest. Fields that were not read are the record's other fields, whatever their names.
    """
    if not isinstance(record, Mapping):
        return RecordReading(reject(f"is no record with named fields but {type(record).__name__}"), {})
    exchanges, names = _read_fields(record, _name_fields(record), columns, turns)
    return RecordReading(exchanges, _list_other_fields(record, names))


def _read_fields(
    record: Mapping[str, object], fields: Fields, columns: PairColumns, turns: Turns
) -> tuple[Exchanges, list[str]]:
    """The exchanges, and the names in `fields` of what they come from."""
    if any(columns.names):
        if missing := [name for name in columns.names if name.strip().lower() not in fields and name not in fields]:
            return reject(f"has no field {missing[0]!r}, but the fields {_list_fields(record)}"), []
        return _choose(fields, read_columns(fields, *columns.names), turns)
    ranks, readings = [], []
    for name in find_forms(fields):
        form = FORM_READERS[name](fields)
        readings.append(_choose(fields, form, turns))
        exchanges = readings[-1][0]
        if any(_is_usable(pair) for pair in exchanges.pairs):
            return readings[-1]
        ranks.append(rank_form(name, fields[name], form, exchanges.pairs[0]))
    if preference := _explain_preference(fields, columns):
        return preference, []
    texts = sum(isinstance(value, str) for value in record.values())
    if not ranks or (max(ranks) == 0 and texts > 1):
        return reject(_explain_fields(record, fields, columns)), []
    return readings[ranks.index(max(ranks))]


def _list_other_fields(record: Mapping[str, object], names: Collection[str]) -> dict[str, object]:
    """The fields that were read by none of `names`, without empty ones that only fill up a form."""
    spelled, fields = set(map(str, record)), {}
    for name, value in record.items():
        plain = str(name).strip().lower()
        is_read = str(name) in names or (plain in names and plain not in spelled)
        is_empty = value is None or value != value or value in ("", [])  # noqa: PLR0124  NaN
        if not is_read and not (is_empty and plain in RECORD_FIELDS):
            fields[str(name)] = value
    return fields


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
    prompt = next((name for name in ("prompt", "instruction", "question", "input") if has_text(fields.get(name))), "")
    if not prompt and isinstance(fields["chosen"], str):
        return reject(
            "is a preference row (chosen, rejected) without a prompt: write the prompt to a column of its own"
        )
    return reject(
        "is a preference row (chosen, rejected): to train on the chosen answer set "
        f"{columns.prompt_setting} to {prompt or 'chosen'} and {columns.response_setting} to chosen"
    )


def _choose(fields: Fields, form: Form, turns: Turns) -> tuple[Exchanges, list[str]]:
    """The exchanges of a form with what other columns say: system, history, tools, labels; and the names of all."""
    names = [*form.names, *_list_system(fields), "history", "tools"]
    before, dialogue = _read_context(fields), form.dialogue
    if isinstance(dialogue, str):
        return reject(dialogue), names
    if isinstance(before, str):
        return reject(before), names
    has_system = any(turn.role == "system" for turn in dialogue)
    before = [turn for turn in before if not (has_system and turn.role == "system" and turn in dialogue)]
    exchanges = choose_exchanges(before, dialogue, turns)
    if is_label_off(fields) or fields.get("label") is False:
        exchanges = exchanges.refuse("is labelled as no answer to train on (label, weight or train)")
    if _has_tools(fields):
        exchanges = exchanges.refuse("has tools in the column tools, which no plain prompt carries")
    return exchanges, names


def _list_system(fields: Fields) -> list[str]:
    return [name for name in SYSTEM_FIELDS if has_text(fields.get(name))]


def _read_context(fields: Fields) -> list[Turn] | str:
    texts = [fields[name] for name in _list_system(fields)]
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


def _is_usable(pair: Pair) -> bool:
    return pair.reason is None and has_text(pair.instruction) and has_text(pair.response)
