"""Reads the dialogues of a record in whatever form, and the texts in it that count as evaluation prompts."""

from collections.abc import Mapping

from m2m.data.benchmarks.eval_prompts import QUESTION_FIELDS
from m2m.data.records.form_readers import FORM_READERS, find_forms, has_text, read_columns
from m2m.data.records.record_formats import DETECTED, PairColumns
from m2m.data.records.turns import Turn, parse_turns
from m2m.file_selection.own_columns import clean_text


def list_dialogues(record: object, columns: PairColumns = DETECTED) -> list[list[Turn]]:
    """The turns of each form that `record` has; of named `columns`, theirs alone. A form without turns has none."""
    if not isinstance(record, Mapping):
        return []
    fields = _name_fields(record)
    if any(columns.names):
        forms = [read_columns(fields, *columns.names)]
    else:
        forms = [FORM_READERS[name](fields) for name in find_forms(fields)]
    return [form.dialogue for form in forms if isinstance(form.dialogue, list)]


def list_prompt_texts(record: object) -> list[str]:
    """Every user turn of `record`, its history's too; without any, the text in a field of a question.

    A list of texts in the field `turns` has user turns alone, as MT-Bench has it.
    """
    if not isinstance(record, Mapping):
        return []
    fields = _name_fields(record)
    history, listed = parse_turns(fields.get("history")), fields.get("turns")
    dialogues = [*list_dialogues(record), history if isinstance(history, list) else []]
    texts = [turn.content for dialogue in dialogues for turn in dialogue if turn.role in {"user", ""}]
    texts += listed if isinstance(listed, list) else []
    texts = [text for text in texts if has_text(text)] or [fields.get(name) for name in QUESTION_FIELDS]
    return [clean_text(str(text)) for text in texts if has_text(text)]


def has_opening_turn(dialogue: list[Turn]) -> bool:
    """Whether a turn that is no system prompt stands before the first of the user: no exchange has it."""
    turns = [turn for turn in dialogue if turn.role != "system"]
    return bool(turns) and turns[0].role != "user"


def _name_fields(record: Mapping[str, object]) -> dict[str, object]:
    """The fields by their names, and by their names in lower case without blanks."""
    plain = {str(name).strip().lower(): value for name, value in record.items()}
    return plain | {str(name): value for name, value in record.items()}
