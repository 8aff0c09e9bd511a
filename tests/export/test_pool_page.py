"""The pool page in a real browser: its dial lights rows, a click shows a row, and text stays text."""

import base64
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.export.pool_map import LEVELS, PoolMap
from m2m.export.pool_page import LARGEST, choose_shown_rows, describe_equal_subsets, write_pool_page
from m2m.export.run_answers import PromptAnswers, RunAnswers
from tests.browser import Browser, in_browser
from tests.planted import EVIL

HOSTILE = f"{EVIL}\u202etxt.exe\x00\x1b[31m\u200b"
VISIBLE = f"{EVIL}[U+202E]txt.exe[U+0000][U+001B][31m[U+200B]"
WAIT = "new Promise(done => setTimeout(done, 150))"
ROWS = 200


def make_pool() -> pl.DataFrame:
    rows = range(ROWS)
    rng = np.random.default_rng(1)
    words = [" ".join(f"word{number}" for number in rng.integers(0, 40, 8)) for _ in rows]
    return pl.DataFrame(
        {
            "id": [f"{row:03}" for row in rows],
            "source": [HOSTILE if row == 7 else f"source {row % 12}" for row in rows],
            "instruction": [HOSTILE if row == 7 else f"question {row}" for row in rows],
            "response": [HOSTILE if row == 7 else words[row] for row in rows],
            "tokens": [row + 1 for row in rows],
            "low": [1] * ROWS,
            "mid": [row // 2 for row in rows],
            "high": [row // 3 for row in rows],
            "cluster": [None if row < 10 else HOSTILE if row == 11 else f"cluster {row % 4}" for row in rows],
        }
    )


def make_subset(rows: list[int], unit: str) -> pl.DataFrame:
    """Chosen in the order of `rows`."""
    table = pl.DataFrame({"id": [f"{row:03}" for row in rows], "unit": unit, "turn": range(len(rows))})
    return table.with_columns(pl.col("turn").cast(pl.Int32)).sort("id")


SUBSETS = {
    "random": make_subset(list(range(0, ROWS, 10)), "pool"),
    "degree 0": make_subset([7, 3, 5], HOSTILE),
    "degree 3": make_subset(list(range(40, 90)), "river"),
    "degree 6": make_subset(list(range(40, 90)), "river"),
}
REASONS = pl.DataFrame(
    {
        "id": [f"{row:03}" for row in range(ROWS)],
        "degree 0": [None if row in (3, 5, 7) else HOSTILE for row in range(ROWS)],
    }
)
NOTES = ("3 rows carry no unit.", HOSTILE)
ANSWERS = RunAnswers(
    ["base model", "fine-tuned on random rows", "fine-tuned on response-micro, degree 6"],
    [1.0941657, 1.25, None],
    [PromptAnswers(HOSTILE, None, [HOSTILE, "", "an answer"]), PromptAnswers("Why?", "Because.", ["a", "b", "c"])],
)
SETTINGS: dict[str, Any] = {
    "title": HOSTILE,
    "initial": "degree 0",
    "seed": 1,
    "reasons": REASONS,
    "notes": NOTES,
    "answers": ANSWERS,
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "pool.html"
    write_pool_page(path, make_pool(), SUBSETS, **SETTINGS)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def show(browser: Browser, page: Path, width: int = 1280, dark: bool = False) -> None:
    """Open the page and wait until its columns are unpacked."""
    browser.open(page, width, dark)
    browser.run("""(async () => {
        while (document.body.dataset.ready !== "yes") await new Promise(done => setTimeout(done, 20));
    })()""")
    browser.run(WAIT)


def read_text(browser: Browser, name: str) -> str:
    return browser.run(f"document.getElementById({json.dumps(name)}).textContent")


def read_column(page: Path, name: str, kind: type) -> np.ndarray:
    packed = re.search(f'data-column="{name}">([^<]*)<', page.read_text())
    return np.frombuffer(zlib.decompress(base64.b64decode(packed[1])), kind)


def count_lit(browser: Browser) -> int:
    browser.run(WAIT)
    return int(browser.run('document.getElementById("map").dataset.lit'))


def press_key(browser: Browser, key: str) -> None:
    for kind in ("rawKeyDown", "keyUp"):
        browser.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key])


KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "Home": 36, "End": 35}


def test_equal_inputs_give_equal_bytes_below_the_limit(page: Path, tmp_path: Path) -> None:
    write_pool_page(tmp_path / "again.html", make_pool(), SUBSETS, **SETTINGS)
    assert page.read_bytes() == (tmp_path / "again.html").read_bytes()
    assert page.stat().st_size < LARGEST


def test_each_row_stands_where_it_was_placed_with_y_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = np.array([[row, 3 * row] for row in range(ROWS)], np.uint16)
    monkeypatch.setattr("m2m.export.pool_page.place_rows", lambda *_: PoolMap(places, "by hand"))
    write_pool_page(tmp_path / "placed.html", make_pool(), SUBSETS, **SETTINGS)
    assert read_column(tmp_path / "placed.html", "x", np.uint16).tolist() == list(range(ROWS))
    down = [LEVELS - 1 - 3 * row for row in range(ROWS)]  # a canvas counts from its top
    assert read_column(tmp_path / "placed.html", "y", np.uint16).tolist() == down


def test_the_page_names_nothing_elsewhere(page: Path) -> None:
    text = page.read_text()
    assert 'src="' not in text.replace("<script", "") and "@import" not in text and "url(" not in text
    assert (
        "connect-src" not in text and "default-src 'none'" in text and "http://" not in text and "https://" not in text
    )


def test_the_page_says_how_rows_are_placed_and_how_much_of_the_texts_it_holds(page: Path) -> None:
    text = page.read_text()
    assert "truncated SVD of TF-IDF" in text and "Texts are cut after 4,000 characters." in text
    assert "The same rows: degree 3, degree 6." in text and "3 rows carry no unit." in text


def test_subsets_with_the_same_rows_are_named_together() -> None:
    one, two = np.array([True, False]), np.array([False, True])
    assert describe_equal_subsets({"a": one, "b": two, "c": one}) == ["The same rows: a, c."]


def test_a_pool_of_any_size_stays_within_six_megabytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    letters = rng.integers(97, 123, 12_000_000).astype(np.uint8).tobytes().decode()
    texts = [letters[start : start + 2000] for start in range(0, len(letters), 2000)]
    ids = [f"{row:04}" for row in range(len(texts))]
    pool = pl.DataFrame({"id": ids, "source": "s", "instruction": texts, "response": texts, "tokens": 9})
    write_pool_page(
        tmp_path / "pool.html",
        pool,
        {"random": make_subset([1, 2], "pool").with_columns(id=pl.Series(["0001", "0002"]))},
        title="t",
        initial="random",
        seed=1,
    )
    assert LARGEST / 2 < (tmp_path / "pool.html").stat().st_size <= LARGEST


def test_of_a_large_pool_the_map_shows_some_rows_and_the_tables_count_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("m2m.export.pool_page.MOST_ROWS", 120)
    write_pool_page(tmp_path / "some.html", make_pool(), SUBSETS, **SETTINGS)
    text = (tmp_path / "some.html").read_text()
    assert (
        "The map shows 120 of 200 rows: all rows of the subsets and others at random. The tables count all rows."
        in text
    )
    tokens = read_column(tmp_path / "some.html", "tokens", np.uint32) - 1  # the number of the row
    chosen = {int(name) for table in SUBSETS.values() for name in table["id"]}
    assert len(tokens) == 120 and chosen <= set(tokens.tolist()) and (np.diff(tokens.astype(int)) > 0).all()
    assert ": 200 rows and 4 subsets</h1>" in text and '<td class="number">200</td>' in text
    bits = np.unpackbits(read_column(tmp_path / "some.html", "members-0", np.uint8), bitorder="little")
    assert tokens[bits[:120] == 1].tolist() == list(range(0, ROWS, 10))


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(4, 60), st.integers(0, 9))
def test_shown_rows_are_those_of_subsets_first_and_leave_a_quarter_to_others(
    flags: list[bool], most: int, seed: int
) -> None:
    is_member = np.array(flags)
    shown = choose_shown_rows(is_member, most, seed)
    assert shown.tolist() == sorted(set(shown.tolist())) and len(shown) == min(most, len(flags))
    members, others = int(is_member.sum()), int((~is_member).sum())
    assert is_member[shown].sum() >= min(members, most * 3 // 4)
    assert len(flags) <= most or (~is_member[shown]).sum() >= min(others, most - most * 3 // 4)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"initial": "degree 9"}, "the subsets must be among random, degree 0, degree 3, degree 6, got degree 9"),
        ({"reference": "longest"}, "got longest"),
        ({"pool": make_pool().drop("tokens")}, "tokens is missing"),
        ({"pool": make_pool().clear()}, "at least one row in the pool, got 0"),
        ({"pool": make_pool().head(20)}, "subset random has id '020', which is not in the pool"),
    ],
)
def test_wrong_inputs_are_named(change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = SETTINGS | change
    pool = settings.pop("pool", make_pool())
    with pytest.raises(ValueError, match=re.escape(sentence)):
        write_pool_page(tmp_path / "pool.html", pool, SUBSETS, **settings)


def test_a_reason_for_every_single_row_is_refused(tmp_path: Path) -> None:
    pool = make_pool()
    pool = pl.concat([pool, pool.with_columns(id="x" + pl.col("id"))])
    reasons = pool.select("id", ("because of " + pl.col("id")).alias("degree 0"))
    with pytest.raises(ValueError, match="at most 250 different reasons fit a page, got 400"):
        write_pool_page(tmp_path / "pool.html", pool, SUBSETS, **(SETTINGS | {"reasons": reasons}))


@in_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_loads_without_a_word_asks_nothing_and_fits(page: Path, browser: Browser, width: int, dark: bool) -> None:
    browser.said.clear()
    browser.asked.clear()
    show(browser, page, width, dark)
    browser.click("#next")
    browser.run(WAIT)
    assert browser.said == [] and browser.asked == [page.as_uri()]
    assert browser.run("document.documentElement.scrollWidth") <= width
    light = browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light is not dark


@in_browser
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 900)])
def test_the_first_screen_holds_the_dial_and_the_map(page: Path, browser: Browser, width: int, height: int) -> None:
    show(browser, page, width)
    bottoms = browser.run("""["#subset", "#map"].map(
        name => document.querySelector(name).getBoundingClientRect().bottom)""")
    assert bottoms == sorted(bottoms) and bottoms[-1] <= height


@in_browser
def test_the_keyboard_moves_the_dial_and_each_stop_lights_its_rows(page: Path, browser: Browser) -> None:
    show(browser, page)
    browser.run('document.getElementById("subset").focus()')
    lit = {}
    press_key(browser, "Home")
    for _ in SUBSETS:
        lit[read_text(browser, "lit").split(":")[0]] = count_lit(browser)
        press_key(browser, "ArrowRight")
    assert lit == {name: table.height for name, table in SUBSETS.items()}
    assert browser.run('document.getElementById("subset").getAttribute("aria-valuetext")').startswith(
        "degree 6: 50 rows"
    )


@in_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_rows_of_the_subset_are_coloured_on_the_canvas(page: Path, browser: Browser, width: int) -> None:
    """The colours are counted: grey where red, green and blue are equal."""
    show(browser, page, width)
    count = """(() => {
        const canvas = document.getElementById("map");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let [grey, coloured] = [0, 0];
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 40) {
            const channels = data.slice(i, i + 3);
            if (Math.max(...channels) - Math.min(...channels) > 30) coloured += 1;
            else grey += 1;
        }
        return [grey, coloured];
    })()"""
    grey, few = browser.run(count)
    browser.run('document.querySelector("#stops span:nth-child(3)").click()')
    browser.run(WAIT)
    _, many = browser.run(count)
    assert grey > 300 and 3 * 10 < few < many


@in_browser
def test_colours_switch_between_source_cluster_and_length(page: Path, browser: Browser) -> None:
    show(browser, page)
    browser.run('document.querySelector("#stops span:nth-child(1)").click()')
    legends = {}
    for name in ("source", "cluster", "length"):
        browser.run(f"""(select => {{ select.value = "{name}"; select.dispatchEvent(new Event("change")); }})(
            document.getElementById("colour"))""")
        browser.run(WAIT)
        legends[name] = browser.run('[...document.querySelectorAll("#legend li")].map(item => item.textContent)')
    assert legends["cluster"] == ["cluster 2 10", "cluster 0 9", "no cluster 1"]
    assert sum(int(text.split()[-1]) for text in legends["source"]) == 20
    assert legends["source"][-1].startswith("other sources ")
    assert legends["length"][0] == "1–25 tokens 3" and legends["length"][-1] == "176 tokens and more 2"


@in_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_click_on_the_map_shows_the_row_and_its_reason(page: Path, browser: Browser, width: int) -> None:
    """A row's place in the file, scaled to the canvas with a margin of 2 %."""
    show(browser, page, width)
    browser.run('document.querySelector("#stops span:nth-child(3)").click()')
    places = np.stack([read_column(page, name, np.uint16) for name in "xy"], axis=1) / (LEVELS - 1) * 0.96 + 0.02
    distances = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(ROWS)
    member = next(row for row in range(40, 90) if distances[row].min() > 0.01)
    other = next(row for row in range(90, ROWS) if distances[row].min() > 0.01 and distances[row, 40:90].min() > 0.03)
    for row, reason in (
        (member, f"In degree 3: turn {member - 39} of 50, chosen for the unit “river”."),
        (other, "Not in degree 3."),
    ):
        box = browser.run("""(canvas => { canvas.scrollIntoView({ block: "center" });
            return (box => [box.x, box.y, box.width, box.height])(canvas.getBoundingClientRect()); })(
            document.getElementById("map"))""")
        x, y = (box[axis] + places[row][axis] * box[2 + axis] for axis in (0, 1))
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            browser.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        browser.run(WAIT)
        assert read_text(browser, "row-title") == f"Row {row + 1} of 200"
        assert read_text(browser, "reason") == reason
        assert read_text(browser, "response") == make_pool()["response"][row]


@in_browser
def test_steps_follow_the_order_of_choice_and_a_row_says_why_it_is_not_in(page: Path, browser: Browser) -> None:
    show(browser, page)
    rows = []
    for _ in range(3):
        browser.click("#next")
        browser.run(WAIT)
        rows.append(read_text(browser, "row-title"))
    assert rows == ["Row 8 of 200", "Row 4 of 200", "Row 6 of 200"]
    assert "id:005" in read_text(browser, "facts")
    browser.run('document.querySelector("#stops span:nth-child(3)").click()')
    browser.run(WAIT)
    assert read_text(browser, "reason") == "Not in degree 3."
    browser.click("#next")
    browser.run(WAIT)
    assert read_text(browser, "row-title") == "Row 41 of 200"
    browser.run('document.querySelector("#stops span:nth-child(2)").click()')
    browser.run(WAIT)
    assert read_text(browser, "reason") == f"Not in degree 0. {VISIBLE}"


@in_browser
def test_zooming_draws_the_map_again(page: Path, browser: Browser) -> None:
    show(browser, page)
    picture = 'document.getElementById("map").toDataURL()'
    whole = browser.run(picture)
    browser.click('[data-zoom="1.6"]')
    browser.run(WAIT)
    near = browser.run(picture)
    browser.click('[data-zoom="0.625"]')
    browser.run(WAIT)
    assert near != whole and browser.run(picture) == whole


@in_browser
def test_bars_and_tables_have_the_same_numbers(page: Path, browser: Browser) -> None:
    show(browser, page)
    browser.run('document.querySelector("#stops span:nth-child(1)").click()')
    bars = browser.run("""[...document.querySelectorAll(".chart")].map(chart =>
        [...chart.querySelectorAll("div > span:last-child")].map(share => share.textContent))""")
    cells = browser.run("""[...document.querySelectorAll("#numbers details table")].map(table =>
        [...table.tBodies[0].rows].map(row => row.cells[2].textContent))""")
    assert bars == cells and len(bars) == 3
    browser.run('document.querySelector("#stops span:nth-child(3)").click()')
    told = browser.run('document.querySelector(".chart:nth-child(2) div:nth-child(3)").title')
    table = pl.concat(
        [make_pool()[40:90].select("low", "mid", "high").sum(), make_pool()[::10].select("low", "mid", "high").sum()]
    )
    lit, random = (100 * table["mid"] / table.sum_horizontal()).to_list()
    assert told.startswith(f"degree 3 {lit:.1f} %, random {random:.1f} %, pool ")
    first = browser.run('[...document.querySelectorAll("#numbers table tbody tr")].map(row => row.textContent)')[:2]
    assert first == ["pool200100.5100.5–", "random2096.096.0–"]


@in_browser
def test_text_stays_text(page: Path, browser: Browser) -> None:
    browser.said.clear()
    show(browser, page)
    scripts = browser.run("document.scripts.length")
    browser.click("#next")
    browser.run(WAIT)
    assert read_text(browser, "instruction") == read_text(browser, "response") == VISIBLE
    assert read_text(browser, "reason") == f"In degree 0: turn 1 of 3, chosen for the unit “{VISIBLE}”."
    assert VISIBLE[:60] in read_text(browser, "facts") and VISIBLE in browser.run(
        'document.querySelector("h1").textContent'
    )
    assert VISIBLE in browser.run('document.querySelector("header ul").textContent')
    assert browser.run("window.pwned") is None and browser.said == []
    assert browser.run("[document.scripts.length, document.images.length]") == [scripts, 0]
    assert not re.search("[\u202a-\u202e\u200b\x00]", page.read_text())


@in_browser
@pytest.mark.parametrize(("width", "columns"), [(1280, 3), (390, 1)])
def test_answers_of_the_three_models_stand_side_by_side(page: Path, browser: Browser, width: int, columns: int) -> None:
    show(browser, page, width)
    listed = '[...document.querySelectorAll("#answers {}")].map(part => part.textContent)'
    assert browser.run(listed.format("h3"))[:3] == [
        "base model, 1.0942",
        "fine-tuned on random rows, 1.2500",
        "fine-tuned on response-micro, degree 6",
    ]
    replies = [VISIBLE, "(an empty answer)", "an answer", "a", "b", "c"]
    assert browser.run(listed.format(".replies p")) == replies
    assert browser.run(listed.format(".question")) == [VISIBLE, "Why?"]
    assert browser.run(listed.format("details p")) == ["Because."]
    lefts = '[...document.querySelectorAll("#answers .replies")][1]'
    places = browser.run(f"[...{lefts}.children].map(part => Math.round(part.getBoundingClientRect().left))")
    assert len(set(places)) == columns


@in_browser
def test_an_injected_script_would_not_run(page: Path, browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "pool.html").write_text(page.read_text().replace("<h1>", f"<h1>{EVIL.replace('</script>', '', 1)}", 1))
    browser.open(tmp_path / "pool.html", 1280)
    assert browser.run("window.pwned") is None
    assert any("Content Security Policy" in said for said in browser.said)
    browser.said.clear()
