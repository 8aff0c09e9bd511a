"""One function over many items gives the same results wherever it runs."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from m2m import parallel, ray_slices
from m2m.parallel import ITEMS_WORTH_WORKERS, map_by_model, map_parallel, map_slices
from m2m.ray_slices import Workers


def test_results_come_in_the_order_of_the_items_with_workers_and_without() -> None:
    for length in (0, 3, ITEMS_WORTH_WORKERS + 1):
        items = [str(number) for number in range(length)]
        assert list(map_parallel(int, items, "numbers")) == list(range(length))


def die_at_three(item: str) -> int:
    if item == "3":
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory is short
    return int(item)


def test_a_worker_that_the_kernel_kills_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ITEMS_WORTH_WORKERS", 2)
    monkeypatch.setattr(parallel, "MOST_WORKERS", 1)
    with pytest.raises(OSError, match="numbers: one of 1 workers was killed, most likely because the memory was full"):
        list(map_parallel(die_at_three, list("0123"), "numbers"))


class SlowRay:
    """Ray's calls in this process: a task or a method of an actor runs when its result is fetched."""

    def __init__(self) -> None:
        self.cancelled, self.actors = 0, 0
        self.settings: dict[str, Any] = {}
        self.exceptions = SimpleNamespace(RayTaskError=ZeroDivisionError, RayError=RuntimeError)

    def remote(self, **settings: Any) -> Callable[[Any], Any]:
        self.settings = settings
        return lambda target: SimpleNamespace(remote=partial(self.start, target))

    def start(self, target: Any, *arguments: Any) -> Any:
        if not isinstance(target, type):
            return partial(target, *arguments)
        self.actors += 1
        return SimpleNamespace(apply=SimpleNamespace(remote=partial(partial, target(*arguments).apply)))

    def put(self, value: object) -> object:
        return value

    def get(self, task: Callable[[], Any]) -> Any:
        return task()

    def cancel(self, task: object) -> None:
        self.cancelled += 1


@pytest.fixture
def slow_ray(monkeypatch: pytest.MonkeyPatch) -> SlowRay:
    """One node of three cores and two GPUs, one of none."""
    fake, workers = SlowRay(), Workers({"a": {"CPU": 3, "GPU": 2}, "b": {}}, [])
    monkeypatch.setenv("M2M_ENGINE", "ray")
    monkeypatch.setattr(ray_slices, "join_ray", lambda with_gpus: (fake, workers))
    return fake


def test_without_an_engine_a_slice_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("M2M_ENGINE", raising=False)
    numbers = count(5)
    results = map_slices(str, numbers)
    assert (next(results), next(results), next(numbers)) == ("5", "6", 7)


def test_ray_keeps_the_order_and_reads_no_more_than_two_slices_a_core_ahead(slow_ray: SlowRay) -> None:
    taken: list[int] = []

    def take() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    results = map_slices(str, take())
    assert next(results) == "0" and taken == [0, 1, 2, 3, 4, 5]
    assert list(results) == [str(number) for number in range(1, 20)]
    assert slow_ray.cancelled == 0 and slow_ray.actors == 0
    assert (slow_ray.settings["num_cpus"], slow_ray.settings["num_gpus"]) == (1, 0)
    assert slow_ray.settings["label_selector"] == {"ray.io/node-id": "in(a,b)"}
    assert list(map_slices(str, [])) == []


def test_gpus_are_for_functions_with_a_model_whose_workers_keep_it(
    slow_ray: SlowRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("M2M_TASK_GPUS", "0.25")
    assert list(map_slices(int, ["1"])) == [1]
    assert (slow_ray.settings["num_gpus"], slow_ray.actors) == (0, 0)
    numbers = list(range(40))
    assert list(map_by_model(str, numbers)) == [str(number) for number in numbers]
    assert (slow_ray.settings["num_gpus"], slow_ray.actors) == (0.25, 8)
    monkeypatch.setenv("M2M_TASK_GPUS", "3")
    with pytest.raises(ValueError, match="M2M_TASK_GPUS asks for 3 GPUs at once, but no node has so many: lower or"):
        list(map_by_model(int, ["1"]))


@pytest.mark.parametrize("value", ["one", "-1", "nan", "1e3"])
def test_an_unclear_number_of_gpus_is_a_sentence(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M2M_TASK_GPUS", value)
    with pytest.raises(ValueError, match=rf"M2M_TASK_GPUS must be a number of GPUs, such as 1 or 0\.25, got '{value}'"):
        list(map_by_model(int, ["1"]))


def test_without_gpus_a_function_with_a_model_is_a_task_as_any_other(slow_ray: SlowRay) -> None:
    assert list(map_by_model(int, ["1", "2"])) == [1, 2]
    assert slow_ray.actors == 0 and slow_ray.settings["num_cpus"] == 1


def test_when_a_slice_fails_the_others_are_cancelled_and_the_reason_is_kept(slow_ray: SlowRay) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(map_slices(int, ["1", "x", "3", "4"]))
    assert slow_ray.cancelled == 2


def test_a_lost_node_is_one_sentence(slow_ray: SlowRay) -> None:
    def lose(item: object) -> None:
        raise RuntimeError("node died")

    with pytest.raises(
        OSError, match=r"Ray lost a slice for good \(RuntimeError\), most likely because a node's memory"
    ):
        list(map_slices(lose, [1]))


def test_many_small_items_go_to_ray_in_chunks_and_come_back_in_order(slow_ray: SlowRay) -> None:
    items = [str(number) for number in range(ITEMS_WORTH_WORKERS + 1)]
    assert list(map_parallel(int, items, "numbers")) == list(range(len(items)))


def test_an_unknown_engine_and_a_missing_package_are_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M2M_ENGINE", "spark")
    with pytest.raises(ValueError, match="M2M_ENGINE must be one of local, ray, got 'spark': unset it for one process"):
        list(map_slices(int, ["1"]))
    monkeypatch.setenv("M2M_ENGINE", "ray")
    monkeypatch.setitem(sys.modules, "ray", None)
    ray_slices.join_ray.cache_clear()
    with pytest.raises(OSError, match="M2M_ENGINE=ray needs the package ray: run make ray, or unset it"):
        list(map_slices(int, ["1"]))
