from m2m.parallel import ITEMS_WORTH_WORKERS, map_parallel


def test_results_come_in_the_order_of_the_items_with_workers_and_without() -> None:
    for count in (0, 3, ITEMS_WORTH_WORKERS + 1):
        items = [str(number) for number in range(count)]
        assert list(map_parallel(int, items, "numbers")) == list(range(count))
