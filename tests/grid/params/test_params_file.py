"""Settings and profiles: params.yaml survives reading and writing to the byte, profiles build on each other."""

from pathlib import Path

import pytest

from m2m.grid.params import params_file as module
from m2m.grid.params.params_file import list_profiles, read_profile, read_settings, write_settings
from m2m.grid.params.profiles import apply_profiles

PARAMS = Path(__file__).parents[3] / "params.yaml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "PROFILES", tmp_path)
    (tmp_path / "small.yaml").write_text("# for a laptop\nsubset:\n  size: 10\n")
    (tmp_path / "large.yaml").write_text("# for a cluster\nlike: small\nsubset:\n  size: 20\n")
    return tmp_path


def test_reading_and_writing_changes_no_byte(tmp_path: Path) -> None:
    write_settings(tmp_path / "params.yaml", read_settings(PARAMS))
    assert (tmp_path / "params.yaml").read_bytes() == PARAMS.read_bytes()


def test_comments_stay_and_blocks_stay_apart_when_a_whole_mapping_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("a:\n  sources: # by name\n    one: # the first\n      n: 1 # rows\n\nb: # next\n  c: 2 # why\n")
    settings, other = read_settings(path), read_settings(path)
    other["a"]["sources"]["two"] = other["a"]["sources"].pop("one")
    settings["a"]["sources"] = other["a"]["sources"]
    write_settings(path, settings)
    text = path.read_text()
    assert "two:" in text and "n: 1 # rows\n\nb: # next\n  c: 2 # why\n" in text
    write_settings(path, read_settings(path))
    assert path.read_text() == text


def test_nothing_is_written_as_null_and_a_small_number_is_read_back(tmp_path: Path) -> None:
    write_settings(tmp_path / "a.yaml", {"limit": None, "rate": 0.00002})
    assert "limit: null\n" in (tmp_path / "a.yaml").read_text()
    assert read_settings(tmp_path / "a.yaml") == {"limit": None, "rate": 0.00002}


def test_a_profile_goes_on_from_the_one_it_is_like(folder: Path) -> None:
    assert read_profile("large") == [{"subset": {"size": 10}}, {"subset": {"size": 20}}]
    assert read_profile("small") == [{"subset": {"size": 10}}]


def test_each_profile_says_what_it_is_for(folder: Path) -> None:
    assert list_profiles() == {"large": "for a cluster", "small": "for a laptop"}


@pytest.mark.parametrize("name", ["tiny", "../small", ""])
def test_a_name_that_is_no_profile_lists_those_that_are(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"is not a profile\. Choose one of large, small\.$"):
        read_profile(name)


NOT_LIKE = r"\.yaml: like must name one profile, which is not like this one, got .*\. Mend that place in an editor"


@pytest.mark.parametrize("like", ["large", "[small, large]", "{small: 1}", ""])
def test_a_profile_that_is_like_itself_or_like_no_single_one_is_one_sentence(folder: Path, like: str) -> None:
    (folder / "large.yaml").write_text(f"like: {like}\nsubset:\n  size: 1\n")
    with pytest.raises(ValueError, match=f"large{NOT_LIKE}"):
        read_profile("large")


def test_profiles_that_are_like_each_other_are_one_sentence(folder: Path) -> None:
    (folder / "small.yaml").write_text("like: large\n")
    for name, last in (("small", "large"), ("large", "small")):
        with pytest.raises(ValueError, match=f"{last}{NOT_LIKE}"):
            read_profile(name)


@pytest.mark.parametrize("text", ["- a\n", "a: [1\n", "a: 1\na: 2\n"])
def test_a_file_that_holds_no_settings_is_one_sentence(folder: Path, text: str) -> None:
    (folder / "small.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"small\.yaml (is not valid YAML|must hold)") as error:
        read_profile("small")
    assert "\n" not in str(error.value)


def test_a_shorter_value_keeps_its_comment_close_and_no_other_comment_moves(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("a: plain # the format\nb: 10   # aligned by hand\nc: {} # by name\n")
    settings = read_settings(path)
    apply_profiles(settings, {"a": "x", "c": {}})
    write_settings(path, settings)
    assert path.read_text() == "a: x # the format\n\nb: 10   # aligned by hand\n\nc: {} # by name\n"
