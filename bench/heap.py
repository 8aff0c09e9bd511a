"""The peer of pruning and sampling: the same rule with heapq, lists and sets, as one writes it without a compiler."""

import heapq
import random

import numpy as np

from m2m.selection.degrees import find_degree_states
from m2m.selection.incidence import Incidence

Lists = list[list[int]]


def lists(starts: np.ndarray, members: np.ndarray) -> Lists:
    flat = members.tolist()
    return [flat[a:b] for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]


def heap_every_cell(pool: Incidence, sizes: tuple[int, ...], slack: float) -> list[int]:
    rows, units = lists(pool.row_start, pool.row_units), lists(pool.unit_start, pool.unit_rows)
    *_, load = heap_prune(rows, units, [0] * len(units))
    k, row_counts, missing_units, _ = heap_prune(rows, units, load)
    columns = np.array(k), np.array(row_counts)
    cells = [(size, state) for size in sizes for state in find_degree_states(*columns, size, slack)]
    for size, state in cells:
        heap_sample(rows, units, {row for row, end in enumerate(missing_units) if end > state}, size)
    return [k[state] for _, state in cells]


def heap_prune(rows: Lists, units: Lists, load: list[int]) -> tuple[list[int], list[int], list[int], list[int]]:
    """Units and rows left in each state, the state in which each row is gone, the rows dropped with each unit."""
    live, missing_units, dropped = [len(members) for members in units], [0] * len(rows), [0] * len(units)
    k, row_counts = [sum(map(bool, live))], [sum(map(bool, rows))]
    queue = [(load[unit] + count, unit) for unit, count in enumerate(live) if count]
    heapq.heapify(queue)
    while queue:
        score, unit = heapq.heappop(queue)
        if not live[unit] or score != load[unit] + live[unit]:
            continue
        remaining = [row for row in units[unit] if not missing_units[row]]
        empty = 0
        for row in remaining:
            missing_units[row] = len(k)
            for neighbour in rows[row]:
                live[neighbour] -= 1
                if live[neighbour]:
                    heapq.heappush(queue, (load[neighbour] + live[neighbour], neighbour))
                else:
                    empty += 1
        dropped[unit] = len(remaining)
        k.append(k[-1] - empty)
        row_counts.append(row_counts[-1] - len(remaining))
    return k, row_counts, missing_units, dropped


def heap_sample(rows: Lists, units: Lists, free: set[int], size: int) -> list[tuple[int, int]]:
    rng = random.Random(0)
    remaining = {unit: [row for row in units[unit] if row in free] for unit in {u for row in free for u in rows[row]}}
    count = dict.fromkeys(remaining, 0)
    queue = [(0, rng.random(), unit) for unit in remaining]
    heapq.heapify(queue)
    for members in remaining.values():
        rng.shuffle(members)
    chosen: list[tuple[int, int]] = []
    while len(chosen) < size:
        served, _, unit = heapq.heappop(queue)
        if served != count[unit]:
            continue
        while remaining[unit] and remaining[unit][-1] not in free:
            remaining[unit].pop()
        if remaining[unit]:
            row = remaining[unit].pop()
            free.remove(row)
            chosen.append((row, unit))
            for carried in rows[row]:
                count[carried] += 1
                heapq.heappush(queue, (count[carried], rng.random(), carried))
    return chosen
