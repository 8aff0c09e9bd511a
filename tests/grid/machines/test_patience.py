"""How long an absence lasts: by a clock that the tries and pauses of the test move on."""

from collections.abc import Callable, Iterator

import pytest

from m2m.grid.machines import patience
from m2m.grid.machines.patience import LONGEST_PAUSE, MOST_ABSENCES, REMOTE_PATIENCE, RemoteAway, wait_while_away


class Clock:
    """Seconds, and the pauses that were slept."""

    def __init__(self) -> None:
        self.seconds, self.pauses = 0.0, list[float]()

    def read(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    stopped = Clock()
    monkeypatch.setattr(patience, "monotonic", stopped.read)
    monkeypatch.setattr(patience, "sleep", stopped.sleep)
    yield stopped


def play_tries(clock: Clock, *tries: float) -> Callable[[], str]:
    """A call whose tries fail after so many seconds each; when there are no more, it answers."""
    durations = iter(tries)

    def call() -> str:
        try:
            clock.seconds += next(durations)
        except StopIteration:
            return "answer"
        raise RemoteAway("the push failed")

    return call


def test_a_long_push_that_fails_once_is_tried_again(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    assert wait_while_away(play_tries(clock, REMOTE_PATIENCE + 60), "Wait.") == "answer"
    assert clock.pauses == [1]
    assert capsys.readouterr().out == "grid: the push failed, and is tried again for 600 s\n"


def test_an_absence_is_measured_from_its_first_failure(clock: Clock) -> None:
    with pytest.raises(RemoteAway) as caught:
        wait_while_away(play_tries(clock, 400, *[0.0] * 100), "Wait.")
    away = clock.seconds - 400
    assert REMOTE_PATIENCE <= away < REMOTE_PATIENCE + LONGEST_PAUSE
    assert str(caught.value) == f"the push failed for {away:.0f} s. Wait."
    assert clock.pauses[:7] == [1, 2, 4, 8, 16, 30, 30]


def test_a_try_longer_than_the_patience_begins_another_absence(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    short = [0.0] * 15  # 361 s of pauses: two such absences are longer than the patience
    long = REMOTE_PATIENCE + 1
    assert wait_while_away(play_tries(clock, *short, long, *short), "Wait.") == "answer"
    assert capsys.readouterr().out.count("is tried again for 600 s") == 2


def test_a_remote_that_hangs_in_every_try_is_given_up(clock: Clock) -> None:
    with pytest.raises(RemoteAway, match=r"the push failed, 8 times after more than 600 s\. Wait\."):
        wait_while_away(play_tries(clock, *[3600.0] * 20), "Wait.")
    assert len(clock.pauses) == MOST_ABSENCES - 1
