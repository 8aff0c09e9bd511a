"""Row table: positions, reasons and other fields of the records stay, and exchanges that are no row are counted."""

import datetime
import json

from m2m.data.records.cleaning import ROW_COLUMNS
from m2m.data.records.read_files import SourceRecord
from m2m.data.records.record_formats import DETECTED, PairColumns
from m2m.data.records.row_table import PLACE_COLUMNS, tabulate_records

TURNS = [{"role": role, "content": f"{role} {n}"} for n in range(2) for role in ("user", "assistant")]


def test_rows_keep_their_positions_and_the_readers_reasons() -> None:
    records = [SourceRecord(0, {"prompt": "a", "completion": "b"}), SourceRecord(7, None, "is no JSON", "f.jsonl", 3)]
    table = tabulate_records("mine", records, DETECTED, "first")
    assert table.rows.rows() == [
        ("mine", 0, 0, None, "a", "b", None),
        ("mine", 7, 0, None, None, None, "is no JSON"),
    ]
    assert table.places.rows() == [
        ("mine", 0, 0, "", 0, "{}", '{"prompt": "a", "completion": "b"}', False),
        ("mine", 7, 0, "f.jsonl", 3, "{}", None, False),
    ]


def test_no_records_are_an_empty_table() -> None:
    rows, places, *counts = tabulate_records("mine", [], DETECTED, "each")
    assert (dict(rows.schema), dict(places.schema), counts) == (ROW_COLUMNS, PLACE_COLUMNS, [0, 0])


def test_each_exchange_is_a_row_of_its_record_and_the_others_are_counted() -> None:
    records = [SourceRecord(5, {"messages": TURNS}, None, "f.jsonl", 5)]
    each = tabulate_records("mine", records, DETECTED, "each")
    assert each.rows.select("row", "turn", "response").rows() == [(5, 0, "assistant 0"), (5, 1, "assistant 1")]
    assert each.places.select("turn", "has_context").rows() == [(0, False), (1, True)] and each.left_out == 0
    assert tabulate_records("mine", records * 3, DETECTED, "first").left_out == 3


def test_of_a_record_the_first_200_characters_are_kept_as_json() -> None:
    records = [SourceRecord(0, {"prompt": "\ud800" + "a" * 300}), SourceRecord(1, ["b"])]
    starts = tabulate_records("mine", records, DETECTED, "first").places["record_start"]
    assert starts.to_list() == ['{"prompt": "\\ud800' + "a" * 187, '["b"]']


def test_answers_without_their_reasoning_are_counted() -> None:
    turns = [TURNS[0], TURNS[1] | {"reasoning": "Hm."}]
    records = [SourceRecord(row, {"messages": chat}) for row, chat in enumerate([turns, TURNS, turns])]
    assert tabulate_records("mine", records, DETECTED, "first").without_reasoning == 2


def test_other_fields_pass_through_as_json_whatever_they_hold() -> None:
    record = {
        "Instruction": "a", "output": "b", "q": "x", "id": 7, "licence": "MIT", "score": float("nan"),
        "day": datetime.date(2026, 1, 2), "tags": ["é"], "half": "\ud800",
    }  # fmt: skip
    fields = tabulate_records("mine", [SourceRecord(0, record)], DETECTED, "first").places["fields"][0]
    assert json.loads(fields) == {
        "q": "x", "id": 7, "licence": "MIT", "score": None, "day": "2026-01-02", "tags": ["é"], "half": "\ud800",
    }  # fmt: skip
    named = tabulate_records(
        "mine", [SourceRecord(0, {"q": "x", "a": "y", "id": 7})], PairColumns("q", "a"), "first"
    ).places
    assert json.loads(named["fields"][0]) == {"id": 7}
