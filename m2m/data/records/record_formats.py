"""A record of someone's data set → its instruction and response, whichever of the usual forms it has."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from m2m.data.records.cleaning import ROW_COLUMNS

SYSTEM_ROLES = {"system", "developer"}
USER_ROLES = {"user", "human", "prompter"}
ASSISTANT_ROLES = {"assistant", "gpt", "chatgpt", "model", "bot"}
RECORD_FORMS = "alpaca (instruction, input, output), prompt–completion, ShareGPT (conversations) or chat (messages)"


class Pair(NamedTuple):
    """Texts as they stand in the record; one that is missing or no text is null, and `reason` says why."""

    instruction: str | None
    response: str | None
    reason: str | None = None


def read_pair(record: object, prompt_column: str = "", response_column: str = "") -> Pair:
    """The first turn of `record`; the columns, where given, win over looking.

    A system turn, and alpaca's input, are part of the instruction (before and after it, a blank line between): without
    them many responses make no sense. Later turns are left out.

    >>> pair({"instruction": "Add.", "input": "1 and 2", "output": "3"})
    Pair(instruction='Add.\\n\\n1 and 2', response='3', reason=None)
    """
    if not isinstance(record, Mapping):
        return Pair(None, None, f"is no record with named fields but {type(record).__name__}")
    if prompt_column or response_column:
        if strange := [name for name in (prompt_column, response_column) if name not in record]:
            return Pair(None, None, f"has no field {strange[0]!r}, but the fields {_fields(record)}")
        return _texts(record[prompt_column], record[response_column])
    read = next((read for field, read in READERS.items() if field in record), None)
    if read is None:
        told = f"has none of the forms {RECORD_FORMS}, but the fields {_fields(record)}; set prompt_column, response_column"
        return Pair(None, None, told)
    return read(record)


def _fields(record: Mapping[str, object]) -> str:
    return ", ".join(sorted(map(str, record))[:8]).encode(errors="backslashreplace").decode()


def tabulate_records(
    source: str, records: Iterable[tuple[int, object, str | None]], columns: tuple[str, str]
) -> pl.DataFrame:
    """Records (position, value, or why there is none) as a table with the columns of `clean.ROWS`."""
    found = [
        (row, Pair(None, None, reason) if reason else read_pair(value, *columns)) for row, value, reason in records
    ]
    return pl.DataFrame([(source, row, None, *each) for row, each in found], schema=ROW_COLUMNS, orient="row")


def _alpaca(record: Mapping[str, object]) -> Pair:
    asked, context = record["instruction"], record.get("input") or record.get("context")
    if isinstance(asked, str) and isinstance(context, str) and context.strip():
        asked = f"{asked}\n\n{context}"
    elif context and not isinstance(context, str):
        return Pair(None, None, f"input is no text but {type(context).__name__}")
    return _texts(asked, record.get("output", record.get("response", record.get("completion"))))


def _completion(record: Mapping[str, object]) -> Pair:
    asked, answer = record["prompt"], record.get("completion", record.get("response"))
    if isinstance(asked, Sequence) and not isinstance(asked, str):
        answers = (
            answer
            if isinstance(answer, Sequence) and not isinstance(answer, str)
            else [{"role": "assistant", "content": answer}]
        )
        return _turns([*asked, *answers])
    return _texts(asked, answer)


def _chat(field: str) -> Callable[[Mapping[str, object]], Pair]:
    return lambda record: _turns(_listed(record[field]))


def _listed(value: object) -> object:
    """CSV has no lists: there the turns are JSON text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def _turns(turns: object) -> Pair:
    """The first user turn with what the system said before it, and the assistant turn right after."""
    if (
        not isinstance(turns, Sequence)
        or isinstance(turns, str)
        or not all(isinstance(turn, Mapping) for turn in turns)
    ):
        return Pair(None, None, f"its turns are no list of messages but {type(turns).__name__}")
    said = [(str(turn.get("role", turn.get("from"))).lower(), turn.get("content", turn.get("value"))) for turn in turns]
    first = next((at for at, (role, _) in enumerate(said) if role in USER_ROLES), None)
    if first is None:
        return Pair(None, None, "has no user turn")
    if len(said) == first + 1 or said[first + 1][0] not in ASSISTANT_ROLES:
        return Pair(None, None, "has no assistant turn after its first user turn")
    before = [_joined(content) for role, content in said[:first] if role in SYSTEM_ROLES]
    system = [text for text in before if isinstance(text, str) and text.strip()]
    if strange := [text for text in before if text and not isinstance(text, str)]:
        return Pair(None, None, f"a system turn is no text but {type(strange[0]).__name__}")
    asked = _joined(said[first][1])
    return _texts("\n\n".join([*system, asked]) if isinstance(asked, str) else asked, _joined(said[first + 1][1]))


def _joined(content: object) -> object:
    """Content in parts is text when all of its parts are."""
    if isinstance(content, Sequence) and not isinstance(content, str):
        texts = [text for part in content if isinstance(part, Mapping) and isinstance(text := part.get("text"), str)]
        return "\n".join(texts) if texts and len(texts) == len(content) else content
    return content


def _texts(instruction: object, response: object) -> Pair:
    found = {"instruction": instruction, "response": response}
    reasons = [reason for name, value in found.items() if (reason := _unusable(name, value))]
    clean = [value if isinstance(value, str) and not _unusable(name, value) else None for name, value in found.items()]
    return Pair(clean[0], clean[1], reasons[0] if reasons else None)


def _unusable(name: str, value: object) -> str | None:
    if value is None:
        return f"no {name}"
    if not isinstance(value, str):
        return f"{name} is no text but {type(value).__name__}"
    try:
        value.encode()
    except UnicodeEncodeError:
        return f"{name} holds half of a surrogate pair"
    return None


READERS: dict[str, Callable[[Mapping[str, object]], Pair]] = {
    "conversations": _chat("conversations"),
    "messages": _chat("messages"),
    "prompt": _completion,
    "instruction": _alpaca,
}
