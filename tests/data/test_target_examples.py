"""Examples are read in any form of a pool; what is none is refused or counted."""

from pathlib import Path

import pytest

from m2m.data.target_examples import read_target_examples


def test_examples_of_two_forms_are_read_and_the_unusable_counted(tmp_path: Path) -> None:
    path = tmp_path / "like.jsonl"
    records = ['"instruction": "Say a", "output": "a"', '"prompt": "Say b", "completion": "b"']
    records.append('"prompt": "", "completion": "c"')
    path.write_text("".join(f"{{{record}}}\n" for record in records))
    examples = read_target_examples(str(path))
    assert (examples.texts, examples.rejected) == (["Say a\na", "Say b\nb"], 1)


def test_a_file_without_a_usable_example_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "like.jsonl"
    path.write_text('{"a": 1}\n')
    with pytest.raises(ValueError, match=r"like\.jsonl must hold examples with a question and an answer, none"):
        read_target_examples(str(path))


def test_too_many_examples_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2m.data.target_examples.MOST_EXAMPLES", 1)
    path = tmp_path / "like.jsonl"
    path.write_text('{"instruction": "Say a", "output": "a"}\n' * 2)
    with pytest.raises(ValueError, match="has 2 examples, at most 1 are read"):
        read_target_examples(str(path))
