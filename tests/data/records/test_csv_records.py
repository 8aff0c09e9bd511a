"""CSV: dialects are read, a broken row is one reject, and no pair is made of two pieces of a broken row."""

import csv
import io
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.records import csv_records
from m2m.data.records.csv_records import read_csv

GOOD = {"instruction": "Name a tree, please.", "output": "Oak; it is old."}


def read(text: str, encoding: str = "utf-8") -> list[tuple[Any, str | None]]:
    return list(read_csv(io.BytesIO(text.encode(encoding))))


@pytest.mark.parametrize(
    "text",
    [
        'instruction,output\n"Name a tree, please.",Oak; it is old.\n',
        'instruction;output\nName a tree, please.;"Oak; it is old."\n',
        "instruction\toutput\nName a tree, please.\tOak; it is old.\n",
        "instruction|output\r\nName a tree, please.|Oak; it is old.\r\n",
        ' instruction , output \n"Name a tree, please.",Oak; it is old.\n',
        'instruction, output\n"Name a tree, please.", "Oak; it is old."\n',
        '\ufeffinstruction,output\n"Name a tree, please.",Oak; it is old.',
        'instruction,output\n\n"Name a tree, please.",Oak; it is old.\n\n',
    ],
)
def test_usual_dialects_give_the_same_record(text: str) -> None:
    assert read(text) == [(GOOD, None)]


@pytest.mark.parametrize("row", ['x, "y"', 'x, "y, z"', '"x", "a ""y"""'])
def test_blanks_before_quotes_are_no_text_where_only_the_rows_have_them(row: str) -> None:
    expected = row.split(", ", 1)[1][1:-1].replace('""', '"')
    found = read("a,b\nfirst,row\n" + f"{row}\n" * 200)
    assert found == [({"a": "first", "b": "row"}, None)] + [({"a": "x", "b": expected}, None)] * 200


def test_a_stray_quote_after_a_blank_is_no_field_of_the_lines_that_follow() -> None:
    found = read('a,b\nq0,a0\nq1 yes, "a1\nq2 slow,a2"\nq3,a3\n')
    pairs = [tuple(value.values()) for value, _ in found if value]
    assert pairs == [("q0", "a0"), ("q1 yes", ' "a1'), ("q2 slow", 'a2"'), ("q3", "a3")]


def test_a_blank_before_the_closing_quote_leaves_other_blanks_as_they_are() -> None:
    assert read('a,b\n"x, ",y\nz, w\n') == [({"a": "x, ", "b": "y"}, None), ({"a": "z", "b": " w"}, None)]


def test_an_index_column_without_a_name_is_a_field() -> None:
    assert read(",instruction,output\n0,q,a\n") == [({"": "0", "instruction": "q", "output": "a"}, None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{'A question that is long ' * 4},An answer\nq,a\n", "its first line is a row, not a header"),
        ("Why?,Because.\nq,a\n", "its first line is a row, not a header"),
        ("output,instruction,output\n1,2,3\n", "its header names the column 'output' twice"),
        ('instruction,output\n"q","She said \\"no\\" twice."\n', "it escapes quotes by a backslash"),
    ],
)
def test_a_file_of_another_kind_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(text)


ALL, MINIMAL = csv.QUOTE_ALL, csv.QUOTE_MINIMAL
BROKEN = [
    (ALL, '"q1","My aunt said "go slow" about gears.\nWhen you begin, take your time\nIt helps."', "q0 q2 q3"),
    (MINIMAL, '"q1","My aunt said "go slow" about gears.\nWhen you begin, take your time\nIt helps."', "q0 q2 q3"),
    (ALL, '"q1","He said "hi"\nWell, yes\nand left."', "q0 q2 q3"),
    (MINIMAL, '"q1","He said "hi"\nWell, yes\nand left."', "q0 q2 q3"),
    (ALL, '"q1","""He said "hi", twice.\nOne, two\n"', "q0 q3"),  # the last quote may open the next line's field
    (MINIMAL, '"q1","""He said "hi", twice.\nOne, two\n"', "q0 q2 q3"),
    (ALL, 'q1,"a "b" c\nWell, yes\nd "e" f"', "q0 q2 q3"),
    (MINIMAL, 'q1,"a "b" c\nWell, yes\nd "e" f"', "q0 q2 q3"),
    (ALL, 'q1,"a 5"\nWell, yes\nthe end."', "q2 q3"),  # one stray quote, and q0's last may be the second
    (MINIMAL, 'q1,"a 5"\nWell, yes\nthe end."', ""),  # two more make one row of any two with quotes
    (ALL, 'q1,"say "hi\nWell, yes\nthere"', "q2 q3"),
    (MINIMAL, 'q1,"say "hi\nWell, yes\nthere"', ""),
]


@pytest.mark.parametrize(("quoting", "broken", "kept"), BROKEN)
def test_a_broken_row_is_one_reject_and_rows_that_it_casts_doubt_on_join_it(
    quoting: Any, broken: str, kept: str
) -> None:
    good = {"q0": "one, two", "q2": "three, four", "q3": "five, six"}
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting).writerows([("instruction", "output"), ("q0", good["q0"])])
    text.write(broken + "\n")
    csv.writer(text, quoting=quoting).writerows([("q2", good["q2"]), ("q3", good["q3"])])
    found = read(text.getvalue())
    pairs = [tuple(value.values()) for value, _ in found if isinstance(value, dict)]
    assert pairs == [(name, good[name]) for name in kept.split()]
    (reason,) = [str(reason) for value, reason in found if value is None]
    assert reason.startswith(("is no CSV row: ", "is no sure CSV row: ")) and reason.endswith("inside a field twice")


@pytest.mark.parametrize("quoting", [ALL, MINIMAL])
def test_a_broken_row_costs_a_long_file_nothing_else(quoting: Any) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting)
    writer.writerow(["instruction", "output"])
    rows = [(f"q{row}, please", 'Say "yes",\nor no.\n\n' * (row % 3) + "Well, yes.") for row in range(300)]
    for row, pair in enumerate(rows):
        writer.writerow(pair)
        if row % 100 == 50:
            text.write('"b","My aunt said "go slow" of gears.\nWhen you begin, take time"\n')
    found = read(text.getvalue())
    assert [tuple(value.values()) for value, _ in found if value] == rows
    assert [place for place, (value, _) in enumerate(found) if value is None] == [51, 152, 253]


def test_what_is_far_from_a_stray_quote_is_read_as_in_a_sound_file() -> None:
    rows = [f'q{row},"a, b"\n' for row in range(200)]
    found = read("instruction,output\n" + "".join([*rows[:100], 'x,"a 5"\nWell, yes\nthe end."\n', *rows[100:]]))
    kept = [value["instruction"] for value, _ in found if value]
    assert kept == [f"q{row}" for row in (*range(81), *range(120, 200))]
    assert sum(value is None for value, _ in found) == 1


def test_an_inch_mark_in_a_file_of_quoted_fields_costs_one_record() -> None:
    found = read('"instruction","output"\n"q0","a 5" pipe"\n"q1","a1"\n"q2","a2"\n')
    assert [value is None for value, _ in found] == [True, False, False]


def test_a_quote_that_nothing_ends_takes_the_rest_and_says_so() -> None:
    (good, _), (value, reason) = read('instruction,output\na,b\nc,"d\ne,f\n')
    assert good == {"instruction": "a", "output": "b"} and value is None
    assert "unexpected end of data" in str(reason)


def plant_quotes(seed: int) -> tuple[list[tuple[str, str]], str]:
    """Rows of two fields as csv writes them, with one to three further quotes; and the rows."""
    rng = random.Random(seed)
    words = ["go", "slow", "yes", "Well", "no", "the end", "ok", ", ", "\n", ". ", ",", "a b"]
    quoting: Any = rng.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
    rows = []
    for row in range(rng.randint(3, 7)):
        texts = ["".join(rng.choice(words) for _ in range(rng.randint(1, 6))).strip(" \n,.") for _ in range(2)]
        rows.append((f"q{row} {texts[0]}", f"{texts[1]} a{row}"))
    lines = []
    for pair in [("instruction", "output"), *rows]:
        written = io.StringIO(newline="")
        csv.writer(written, quoting=quoting, lineterminator="\n").writerow(pair)
        lines.append(written.getvalue())
    for _ in range(rng.randint(1, 3)):
        row = rng.randint(1, len(rows))
        place = rng.randrange(len(lines[row]))
        lines[row] = f'{lines[row][:place]}"{lines[row][place:]}'
    return rows, "".join(lines)


VALID_CSV = re.compile(r'((?:"(?:[^"]|"")*"|[^",\n]*),(?:"(?:[^"]|"")*"|[^",\n]*)(?:\n|\Z))+')


MADE_FRAGMENTS_ONCE = [2397, 11569, 43325, 49238, 64283, 70076, 88249, 92613, 101039, 114804, 115805, 116170]


def test_no_pair_is_made_of_fragments_wherever_quotes_are_planted() -> None:
    kept = total = 0
    for seed in [*range(2000), *MADE_FRAGMENTS_ONCE]:
        rows, text = plant_quotes(seed)
        if VALID_CSV.fullmatch(text):
            continue  # the quotes undo each other: a valid file of other rows
        pairs = [value for value, _ in read(text) if value and value["instruction"] and value["output"]]
        found = {tuple(field.replace('"', "").strip() for field in pair.values()) for pair in pairs}
        assert found <= {(first.strip(), second.strip()) for first, second in rows}, text
        kept, total = kept + len(found), total + len(rows)
    assert kept > 0.6 * total  # about a third of the rows have a quote too many


@pytest.mark.parametrize(
    "text",
    [
        'a 5" pipe,b\nf,6" g\n"c\nd",e\n',
        'a,"He said ""hi"", then\nleft"\nb,c\n',
        '"a,\nb",c\nd,e\n',
    ],
)
def test_inch_marks_and_quoted_speech_over_several_lines_are_kept(text: str) -> None:
    found = read("instruction,output\n" + text)
    assert [reason for _, reason in found] == [None] * len(found) and len(found) >= 2


fields = st.text(st.sampled_from('ab"\n, ;'), max_size=6).filter(lambda text: text == text.strip(" "))


@settings(deadline=None)
@given(st.lists(st.tuples(fields, fields), min_size=1, max_size=6), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_what_a_csv_writer_writes_is_read_back(rows: list[tuple[str, str]], quoting: int) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerows([("instruction", "output"), *rows])
    assert [value for value, _ in read(text.getvalue())] == [
        {"instruction": first, "output": second} for first, second in rows
    ]


LONG = "has a line that is longer than 0 MiB"


@pytest.fixture
def short_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A line or field may have 100 characters; csv's own limit is of the whole process, and is put back."""
    limit = csv.field_size_limit()
    monkeypatch.setattr(csv_records, "MAX_LINE_BYTES", 100)
    yield
    csv.field_size_limit(limit)


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        (f"q,{'x' * 5000}", []),
        (f"{'x' * 5000},a", []),
        (f'"q, ""so""","{"é" * 6000}, b"', []),
        (f'"two\n{"x" * 5000}\nlines","{"y" * 9000}"', []),
        (f"q,{'x' * 90}", [{"a": "q", "b": "x" * 90}]),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.usefixtures("short_lines")
def test_a_row_with_a_line_that_is_too_long_is_one_reject(row: str, kept: list[dict[str, str]], end: str) -> None:
    found = read(f"a,b{end}c,d{end}{row}{end}e,f{end}")
    assert [value for value, _ in found if value] == [{"a": "c", "b": "d"}, *kept, {"a": "e", "b": "f"}]
    assert [reason for value, reason in found if value is None] == [LONG] * (not kept)


@pytest.mark.usefixtures("short_lines")
def test_a_field_of_many_lines_that_is_too_long_is_a_reject() -> None:
    lines = "x" * 50 + "\n"
    found = read(f'a,b\nc,d\nq,"{lines * 10}"\n' + "e,f\n" * 60)
    assert [value for value, _ in found if value] == [{"a": "c", "b": "d"}] + [{"a": "e", "b": "f"}] * 60
    ((value, reason),) = [row for row in found if row[1]]
    assert value is None and "field larger than field limit (100)" in str(reason)


@pytest.mark.usefixtures("short_lines")
def test_a_line_of_delimiters_is_no_long_list_of_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_records, "LONGEST_SIGNS", 10)
    assert read("a,b\n" + "," * 5000 + "\nc,d\n")[0][1] == "has more fields than the header"
