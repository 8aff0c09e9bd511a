"""All readings of CSV lines with quotes too many: which lines surely begin a row, and which surely do not."""

import re
from collections.abc import Iterable
from typing import NamedTuple

NEW_ROW = -1  # the state before a line that begins a row; 0, 1, …: the line goes on inside that quoted field
STRAY = 3  # quotes that a reading may assume to be stray; one more than the best reading does, where that is more
NEAR = 20  # lines: farther from a stray quote, no further one is assumed

ReaderState = int
Costs = dict[ReaderState, int]  # stray quotes that the cheapest way to a state assumes


class Dialect(NamedTuple):
    """How a file writes its rows: the delimiter, the fields of a row, and whether blanks may precede a quote."""

    delimiter: str
    columns: int
    is_spaced: bool


class Crossing(NamedTuple):
    """Ways over one line: for each state before it, the states after it with the stray quotes that this assumes."""

    ways: dict[ReaderState, Costs]
    costs: Costs  # from the first line to the end of this one


def cross_line(line: str, dialect: Dialect, before: Costs) -> Crossing:
    """Follow all readings over `line`, those apart that assume more than STRAY quotes above the best.

    A row with another number of fields than the header's costs as much as a stray quote.
    """
    ways = {state: _read_line(line, dialect, state) for state in before}
    costs: Costs = {}
    for state, ends in ways.items():
        for end, cost in ends.items():
            costs[end] = min(before[state] + cost, costs.get(end, before[state] + cost))
    best = min(costs.values())
    return Crossing(ways, {state: cost for state, cost in costs.items() if cost <= best + STRAY})


def find_sure_starts(crossings: list[Crossing], is_end: bool) -> list[bool | None]:
    """Whether a row begins before each line and after the last: True or False where all readings agree, else None.

    All readings count that assume at most STRAY quotes, or one more than the best. Where no stray quote can be within
    NEAR lines, the best ones alone count. `is_end`: the file ends here, maybe in a field that nothing closes.
    """
    costs = [{NEW_ROW: 0}, *(crossing.costs for crossing in crossings)]
    last = {state: int(state != NEW_ROW) for state in costs[-1] if is_end or state == NEW_ROW}
    rest = [last]  # stray quotes from a line to the end
    for crossing in reversed(crossings):
        totals = {
            state: [cost + rest[-1][end] for end, cost in ends.items() if end in rest[-1]]
            for state, ends in crossing.ways.items()
        }
        rest.append({state: min(total) for state, total in totals.items() if total})
    rest.reverse()
    best = min(rest[0].values())
    before, after = [min(line.values()) for line in costs], [min(line.values()) for line in rest]
    starts: list[bool | None] = []
    for place, (cost, further) in enumerate(zip(costs, rest, strict=True)):
        is_near = before[max(place - NEAR, 0)] + after[min(place + NEAR, len(crossings))] < best
        limit = max(best + 1, STRAY) if is_near else best
        kinds = {state == NEW_ROW for state in further if cost[state] + further[state] <= limit}
        starts.append(kinds.pop() if len(kinds) == 1 else None)
    return starts


def _read_line(line: str, dialect: Dialect, state: ReaderState) -> Costs:
    text = line.rstrip("\r\n")
    if '"' not in text:
        is_row = not text or text.count(dialect.delimiter) == dialect.columns - 1
        return {NEW_ROW: int(not is_row)} if state == NEW_ROW else {state: 0}
    places = {("start", 0): 0} if state == NEW_ROW else {("quoted", state): 0}
    for sign in filter(None, re.split(f'(["{re.escape(dialect.delimiter)}])', text)):
        following: dict[tuple[str, int], int] = {}
        for (place, field), cost in places.items():
            for reached, stray in _step(place, sign, dialect):
                key = (reached, min(field + (place != "quoted" and sign == dialect.delimiter), dialect.columns))
                following[key] = min(cost + stray, following.get(key, cost + stray))
        places = following
    ends: Costs = {}
    for (place, field), cost in places.items():
        if place != "half":
            end, total = (field, cost) if place == "quoted" else (NEW_ROW, cost + (field != dialect.columns - 1))
            ends[end] = min(total, ends.get(end, total))
    return ends


def _step(place: str, sign: str, dialect: Dialect) -> Iterable[tuple[str, int]]:
    """Where `sign` (a quote, the delimiter or a text without both) may lead, and whether it is then a stray quote."""
    if sign == '"':
        return QUOTES[place]
    if place == "quoted":
        return (("quoted", 0),)
    if place == "half" or (place == "closed" and sign != dialect.delimiter):
        return ()
    is_blank = dialect.is_spaced and place == "start" and sign.isspace()
    return (("start" if sign == dialect.delimiter or is_blank else "bare", 0),)


QUOTES = {  # a quote opens a field, closes it, is the first or the second of two, or is stray
    "start": (("quoted", 0), ("bare", 1)),
    "bare": (("bare", 1),),
    "quoted": (("closed", 0), ("half", 0), ("quoted", 1)),
    "half": (("quoted", 0),),
    "closed": (),
}
