"""The page in a real browser: it loads without a word, sorts, compares, fits, and takes no text for markup."""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from m2m.grid.collection import grid_table
from stages.report import main
from tests.browser import CHROMIUM, Browser
from tests.planted import EVIL, grid, judged, plant

ROOT = Path(__file__).parent.parent.parent
INPUTS = ("study.json", "grid.csv", "examples.parquet", "made.json", "histograms", "versions.txt")
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def page(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    main(*[planted / name for name in INPUTS], ROOT / "m2m" / "study" / "report" / "templates", path)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def column(browser: Browser, head: str) -> list[str]:
    """The cells' table under `head`, as it stands."""
    return browser.run(f"""(() => {{
        const heads = [...document.querySelectorAll("#cells th")].map(head => head.textContent.trim());
        const at = heads.indexOf({json.dumps(head)});
        return [...document.querySelectorAll("#cells tbody tr")].map(row => row.cells[at].textContent);
    }})()""")


def press(browser: Browser, head: str) -> None:
    heads = browser.run('[...document.querySelectorAll("#cells th")].map(head => head.textContent.trim())')
    browser.click(f"#cells th:nth-child({heads.index(head) + 1}) button")


def test_the_page_says_the_verdict_first_and_asks_for_nothing_from_elsewhere(page: Path) -> None:
    text = page.read_text()
    assert text.index("Response-micro: +0.1") < text.index("<svg") < text.index('id="cells"')
    assert 'src="' not in text and "@import" not in text and "url(" not in text
    assert text.count("http") == text.count("http://www.w3.org/") + text.count("http-equiv")


def test_where_an_llm_judges_alone_its_win_rate_is_what_the_page_is_about(tmp_path: Path) -> None:
    plant(tmp_path, grid_table(judged(grid()).to_dicts()))
    main(
        *[tmp_path / name for name in INPUTS], ROOT / "m2m" / "study" / "report" / "templates", tmp_path / "report.html"
    )
    text = (tmp_path / "report.html").read_text()
    assert " in win rate from least to most diverse" in text and "AlpacaEval&#39;s LLM judge prefers" in text
    assert 'id="effects-alpaca_eval_win_rate"' in text and "AlpacaEval win rate against diversity" in text
    assert "Performance" not in text and 'class="second"' not in text


def test_the_other_outcomes_are_folded_away_under_their_names(page: Path) -> None:
    assert "<summary>the same for the likelihood win rate</summary>" in page.read_text()
    assert (
        page.read_text().count(
            '<details class="second"><summary>the same figures for the likelihood win rate</summary>'
        )
        == 1
    )


def test_answers_of_cells_that_are_not_compared_are_left_out(planted: Path, tmp_path: Path) -> None:
    said = pl.read_parquet(planted / "examples.parquet")
    other = said.head(1).with_columns(experiment=pl.lit("another-study"), id=pl.lit("zz"), answer=pl.lit("elsewhere"))
    pl.concat([said, other]).sort("experiment", "id").write_parquet(tmp_path / "examples.parquet")
    places = [tmp_path / name if name == "examples.parquet" else planted / name for name in INPUTS]
    main(*places, ROOT / "m2m" / "study" / "report" / "templates", tmp_path / "report.html")
    assert "elsewhere" not in (tmp_path / "report.html").read_text()


@in_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_loads_without_a_word_and_fits(page: Path, browser: Browser, width: int, dark: bool) -> None:
    browser.said.clear()
    browser.asked.clear()
    browser.open(page, width, dark)
    assert browser.said == [] and browser.asked == [page.as_uri()]
    assert browser.run("document.documentElement.scrollWidth") <= width
    light = browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light is not dark


@in_browser
def test_text_stays_text(page: Path, browser: Browser) -> None:
    browser.said.clear()
    browser.open(page, 1280)
    assert browser.run("window.pwned") is None and browser.said == []
    assert browser.run("[document.scripts.length, document.images.length]") == [2, 0]
    assert browser.run('document.querySelector("#instruction").textContent') == f"0? {EVIL}"
    assert browser.run('document.querySelector(".answer").textContent').endswith(f", 0: {EVIL}")
    assert EVIL in column(browser, "strategy")


@in_browser
def test_an_injected_script_would_not_run(page: Path, browser: Browser, tmp_path: Path) -> None:
    """Were all escaping lost: the policy lets the page's own script run and no other."""
    (tmp_path / "report.html").write_text(
        page.read_text().replace("<h1>", f"<h1>{EVIL.replace('</script>', '', 1)}", 1)
    )
    browser.open(tmp_path / "report.html", 1280)
    assert browser.run("document.scripts.length") == 3
    assert browser.run("window.pwned") is None
    assert any("Content Security Policy" in said for said in browser.said)
    browser.said.clear()


@in_browser
def test_a_click_on_a_head_sorts_and_another_one_turns_it_round(page: Path, browser: Browser, planted: Path) -> None:
    browser.open(page, 1280)
    worth = sorted(pl.read_csv(planted / "grid.csv")["bpb_reduction"].to_list())
    shown = [f"{value:+.4f}".replace("-", "−") for value in worth]
    press(browser, "bpb reduction")
    assert column(browser, "bpb reduction") == shown[::-1]
    press(browser, "bpb reduction")
    assert column(browser, "bpb reduction") == shown
    press(browser, "strategy")
    names = column(browser, "strategy")
    assert names[0] == EVIL and names[1:] == sorted(names[1:])


@in_browser
def test_the_filter_takes_words_and_whole_numbers(page: Path, browser: Browser) -> None:
    browser.open(page, 1280)
    browser.click("#cells input")
    browser.ask("Input.insertText", text="response-micro 6")
    left = 'document.querySelectorAll("#cells tbody tr:not([hidden])")'
    told = browser.run(f"[...{left}].map(row => [row.cells[1].textContent, row.cells[2].textContent])")
    assert told == [["response-micro", "6"]] * 2


@in_browser
def test_a_mark_says_what_it_is_and_a_cell_is_found_in_the_table(page: Path, browser: Browser, planted: Path) -> None:
    browser.open(page, 1280)
    browser.click('.panel path[aria-label^="response-micro at degree 6"]')
    assert browser.run('document.querySelector("#tip").hidden') is False
    told = browser.run('document.querySelector("#tip").textContent')
    assert told.startswith("response-micro at degree 6: +0.") and "mean of 2 cells, 95 %" in told
    cell = pl.read_csv(planted / "grid.csv").filter(pl.col("strategy") == "response-micro")["experiment"][0]
    browser.run(f"""[...document.querySelectorAll(".panel path")].find(mark =>
        mark.getAttribute("aria-label")?.startsWith({json.dumps(cell + ": ")})).dispatchEvent(
        new MouseEvent("click", {{ bubbles: true }}))""")
    assert browser.run('[...document.querySelectorAll("tr.found")].map(row => row.cells[0].textContent)') == [cell]


@in_browser
def test_answers_of_any_two_cells_stand_side_by_side(page: Path, browser: Browser) -> None:
    browser.open(page, 1280)
    browser.run("""(() => {
        document.querySelector("#prompt").value = 1;
        const second = document.querySelectorAll("select.cell")[1];
        second.value = 3;
        second.dispatchEvent(new Event("change"));
    })()""")
    names = browser.run('[...document.querySelectorAll("select.cell")].map(one => one.selectedOptions[0].textContent)')
    texts = browser.run('[...document.querySelectorAll(".answer")].map(one => one.textContent)')
    assert texts == [f"{name}, 1: {EVIL}" for name in names] and names[0] != names[1]
    assert browser.run('document.querySelector("#reference").textContent') == "none is known"


@pytest.mark.long
def test_without_examples_the_page_has_no_place_for_them(planted: Path, tmp_path: Path) -> None:
    pl.read_parquet(planted / "examples.parquet").head(0).write_parquet(tmp_path / "none.parquet")
    inputs = [tmp_path / "none.parquet" if name == "examples.parquet" else planted / name for name in INPUTS]
    main(*inputs, ROOT / "m2m" / "study" / "report" / "templates", tmp_path / "report.html")
    assert 'id="answers"' not in (tmp_path / "report.html").read_text()
