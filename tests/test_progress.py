import pytest

from m2m import progress as room
from m2m.progress import track_progress


def test_items_come_through_unchanged() -> None:
    assert list(track_progress(iter("abc"), "letters", 3)) == ["a", "b", "c"]


def test_a_log_gets_a_plain_line_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    list(track_progress(range(3), "count", 3))
    line = capsys.readouterr().err
    assert line.startswith("count: 3/3, ")
    assert line.endswith(" 0 s left\n")


def test_a_slow_loop_says_in_between_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LINE_INTERVAL_SECONDS", 0)
    list(track_progress(range(3), "count", 3))
    assert [line.split(",")[0] for line in capsys.readouterr().err.splitlines()] == [
        "count: 1/3",
        "count: 2/3",
        "count: 3/3",
    ]


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_to_do_is_no_error(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    assert list(track_progress([], "nothing", 0)) == []
