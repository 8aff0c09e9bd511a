import pytest

from m2m.grid.progress_table import ProgressBoard, Tally, format_duration, open_board


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3599, "60 min"), (5400, "1 h 30 min")]
)
def test_a_time_is_told_as_people_do(seconds: int, told: str) -> None:
    assert format_duration(seconds) == told


def test_a_log_gets_a_line_when_a_count_is_new_and_only_then(capsys: pytest.CaptureFixture[str]) -> None:
    plain = ProgressBoard(None)
    for age in (1.0, 2.0):
        plain.show(Tally(3, 4, {"a": age}, 0, 300.0))
    plain.show(Tally(4, 3, {"b": 0.0}, 0, 240.0))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        "grid: 3 done, 1 running, 4 queued, 0 failed, about 5 min left; a (1 s)",
        "grid: 4 done, 1 running, 3 queued, 0 failed, about 4 min left; b (0 s)",
    ]


def test_a_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with open_board() as shown:
        shown.show(Tally(3, 4, {"response-micro-0": 100.0}, 1, 300.0))
    table = capfd.readouterr().out
    assert "response-micro-0" in table
    assert "5 min" in table
