"""The runner of other machines against an engine that is made here: no network, no process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from m2m.grid.machines import remote_runner
from m2m.grid.machines.cell_refs import FetchedCells
from m2m.grid.machines.grid_remotes import Snapshot
from m2m.grid.machines.remote_runner import CellEngine, CellState, RemoteRunner, build_orders
from m2m.grid.workers import LOGS

SNAPSHOT = Snapshot("git", "head", "revision", "ref", "/shared/dvc")


class Fake:
    """An engine on which each cell ends at the next look, as its list of outcomes says."""

    def __init__(self, outcomes: dict[str, list[str]], remote: set[str]) -> None:
        self.outcomes, self.remote = outcomes, remote
        self.submitted: list[str] = []
        self.present: list[str] = []

    def submit(self, orders: Any) -> None:
        self.submitted += [order["name"] for order in orders]
        self.present += [order["name"] for order in orders]

    def look(self) -> dict[str, CellState]:
        states = {}
        for name in self.present:
            outcome = self.outcomes[name].pop(0)
            if outcome in ("done", "pushed late"):
                self.remote.add(name)
            state = {"unpushed": "done", "pushed late": "lost"}.get(outcome, outcome)
            states[name] = CellState(state, "n1", "" if state == "done" else f"why {name}", f"log of {name}")  # type: ignore[arg-type]
        self.present.clear()
        return states


@pytest.fixture
def mind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    clock: Iterator[float] = (float(second) for second in range(0, 100_000, 2))
    monkeypatch.chdir(tmp_path)
    LOGS.mkdir(parents=True)
    monkeypatch.setattr(remote_runner.time, "sleep", lambda _: None)
    monkeypatch.setattr(remote_runner.time, "monotonic", lambda: next(clock))

    def run(
        outcomes: dict[str, list[str]],
        remote: Any = (),
        slots: int = 2,
        torn: Any = None,
        claims: Any = lambda _: set(),
    ) -> Any:
        fake = Fake(outcomes, remote if isinstance(remote, set) else set(remote))
        monkeypatch.setattr(
            remote_runner, "fetch_cells", lambda _, __, names: FetchedCells(fake.remote & set(names), dict(torn or {}))
        )
        monkeypatch.setattr(remote_runner, "list_claims", lambda _, names: claims(fake) & set(names))
        orders = build_orders({name: [] for name in outcomes}, SNAPSHOT, [], 1, "", "")
        engine = CellEngine(fake.submit, fake.look, lambda: None, lambda: slots)
        failed = remote_runner.run_remote_cells(orders, engine, 10.0, "")
        return fake, failed

    return run


def test_a_cell_that_the_remote_has_is_not_run(mind: Any) -> None:
    fake, failed = mind({"a": ["done"], "b": []}, remote=["b"])
    assert (fake.submitted, failed) == (["a"], [])


def test_a_failed_cell_is_tried_twice_again_and_its_log_kept(mind: Any) -> None:
    fake, failed = mind({"a": ["failed", "failed", "done"], "b": ["failed"] * 3})
    assert failed == ["b"]
    assert sorted(fake.submitted) == ["a"] * 3 + ["b"] * 3
    assert (LOGS / "b.log").read_text() == "log of b\nwhy b\n"


def test_a_lost_cell_runs_again_more_often_than_a_failed_one(mind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fake, failed = mind({"a": ["lost"] * 5 + ["done"]})
    assert (fake.submitted, failed) == (["a"] * 6, [])
    assert capsys.readouterr().out.count("a was lost on n1 (why a); it runs again") == 5


def test_a_cell_whose_node_is_always_lost_ends_with_a_word(mind: Any) -> None:
    fake, failed = mind({"a": ["lost"] * 100})
    assert failed == ["a"] and len(fake.submitted) == remote_runner.LOST_TRIES
    assert "lost 20 times, the last time by why a" in (LOGS / "a.log").read_text()


def test_a_lost_cell_that_was_pushed_after_all_is_not_run_again(mind: Any) -> None:
    fake, failed = mind({"a": ["pushed late"], "b": ["done"]})
    assert (fake.submitted, failed) == (["a", "b"], [])


def test_a_cell_that_says_done_but_is_not_in_the_remote_is_a_failure(mind: Any) -> None:
    fake, failed = mind({"a": ["unpushed"] * 3})
    assert failed == ["a"] and fake.submitted == ["a"] * 3
    assert "the git remote has no experiment a, though n1 pushed it" in (LOGS / "a.log").read_text()


def test_a_cell_that_an_orphan_of_a_killed_driver_pushes_is_waited_for_and_not_run_twice(
    mind: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[int] = []

    def claims(fake: Fake) -> set[str]:
        asked.append(0)
        if len(asked) == 3:
            fake.remote.add("a")  # the push has ended, and with it the claim
        return {"a"} - fake.remote

    fake, failed = mind({"a": [], "b": ["lost", "done"]}, claims=claims)
    assert (fake.submitted, failed) == (["b", "b"], [])
    assert capsys.readouterr().out.count("a is being pushed by a node, which is waited for, at most 300 s") == 1


def test_a_cell_whose_claim_is_of_a_node_that_died_runs_after_five_minutes(mind: Any) -> None:
    times: list[float] = []

    def claims(_: Fake) -> set[str]:
        times.append(remote_runner.time.monotonic())
        return {"a"}

    fake, failed = mind({"a": ["done"]}, claims=claims)
    assert (fake.submitted, failed) == (["a"], [])
    assert 300 <= times[-1] - times[0] < 340


def test_a_cell_that_failed_while_it_was_pushed_does_not_wait_for_its_own_claim(mind: Any) -> None:
    claimed: set[str] = set()

    def claims(fake: Fake) -> set[str]:
        claimed.update(fake.submitted)
        return claimed

    fake, _ = mind({"a": ["failed", "done"]}, claims=claims)
    assert fake.submitted == ["a", "a"]
    assert remote_runner.time.monotonic() < 100


def test_a_cell_whose_data_is_missing_fails_with_that_reason(mind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, failed = mind({"a": ["unpushed"] * 3}, torn={"a": "DVC's remote lacks 2 of its files"})
    assert failed == ["a"]
    assert "DVC's remote lacks 2 of its files" in (LOGS / "a.log").read_text()
    assert capsys.readouterr().out.count("grid: DVC's remote lacks 2 of its files") == 1


def test_a_refusal_is_said_once_and_costs_no_try(mind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fake, failed = mind({"a": ["refused"] * 7 + ["done"]})
    assert (fake.submitted, failed) == (["a"] * 8, [])
    assert capsys.readouterr().out.count("grid: why a") == 1


def test_a_cell_that_every_node_refuses_ends_with_the_reason(mind: Any) -> None:
    fake, failed = mind({"a": ["refused"] * 100})
    assert failed == ["a"] and len(fake.submitted) == remote_runner.LOST_TRIES
    assert "nodes refused it 20 times, the last time: why a" in (LOGS / "a.log").read_text()


def test_a_failed_cell_whose_experiment_arrives_late_is_finished_and_not_failed(
    mind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    tally = RemoteRunner.tally

    def note(self: RemoteRunner) -> Any:
        if "a" in self.failed:
            fake_remote.add("a")  # another node pushes it after all
        seen.append(tally(self))
        return seen[-1]

    fake_remote: set[str] = set()
    monkeypatch.setattr(RemoteRunner, "tally", note)
    monkeypatch.setattr(remote_runner, "RETRY_PAUSES", (0.0, 0.0))
    outcomes = {"a": ["failed"] * 3, "b": ["lost"] * 5 + ["done"]}
    _, failed = mind(outcomes, remote=fake_remote)
    assert failed == []
    assert (seen[-1].finished, seen[-1].failed) == (2, 0)


def test_passwords_and_control_characters_of_a_node_are_shown_to_nobody(
    mind: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    untrusted = "fetch of https://ghp_abc@host/o failed\x1b[2J"
    monkeypatch.setattr(Fake, "look", lambda self: _end_all(self, untrusted))
    mind({"a": []})
    for text in ((LOGS / "a.log").read_text(), capsys.readouterr().out):
        assert "https://***@host/o failed[U+001B][2J" in text and "ghp_abc" not in text and "\x1b" not in text


def _end_all(fake: Fake, text: str) -> dict[str, CellState]:
    states = {name: CellState("lost", "n1", text, text) for name in fake.present}
    fake.present.clear()
    return states


def test_where_no_node_fits_it_says_once_that_it_waits(mind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    mind({"a": ["done"], "b": ["failed", "done"]}, slots=0)
    assert capsys.readouterr().out.count("grid: No node can take a cell now") == 1


def test_the_counts_add_up_at_every_look(mind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    tally = RemoteRunner.tally

    def note(self: RemoteRunner) -> Any:
        seen.append(tally(self))
        return seen[-1]

    monkeypatch.setattr(RemoteRunner, "tally", note)
    mind({"b": ["failed", "lost", "done"], "c": ["done"]})
    assert {one.finished + one.queued + len(one.running) + one.failed for one in seen} == {2}
    assert min(one.queued for one in seen) == 0


def test_an_order_says_all_that_a_node_needs() -> None:
    order = build_orders({"a": ["subset.seed=2"]}, SNAPSHOT, ["prepare"], 3, "m2m: run on L4", "/scratch")["a"]
    assert order == {
        "name": "a",
        "overrides": ["subset.seed=2"],
        "git": "git",
        "head": "head",
        "snapshot": "revision",
        "ref": "ref",
        "store": "/shared/dvc",
        "shared": ["prepare"],
        "threads": 3,
        "message": "m2m: run on L4",
        "folder": "/scratch",
    }
