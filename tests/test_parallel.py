import os
import signal

import pytest

from m2m import parallel
from m2m.parallel import ITEMS_WORTH_WORKERS, map_parallel


def test_results_come_in_the_order_of_the_items_with_workers_and_without() -> None:
    for count in (0, 3, ITEMS_WORTH_WORKERS + 1):
        items = [str(number) for number in range(count)]
        assert list(map_parallel(int, items, "numbers")) == list(range(count))


def die_at_three(item: str) -> int:
    if item == "3":
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory is short
    return int(item)


def test_a_worker_that_the_kernel_kills_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ITEMS_WORTH_WORKERS", 2)
    monkeypatch.setattr(parallel, "MOST_WORKERS", 1)
    with pytest.raises(OSError, match="numbers: one of 1 workers was killed, most likely because the memory was full"):
        list(map_parallel(die_at_three, list("0123"), "numbers"))
