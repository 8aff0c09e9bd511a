"""The page in a real browser: it loads without a word, sorts, compares, fits, and takes no text for markup."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from m2m.grid.collection import build_grid_table
from m2m.study.report.recommendation import recommend, write_paragraphs
from m2m.study.study_file import read_study
from stages.report import main
from tests.browser import Browser, in_browser
from tests.planted import EVIL, grid, judged, plant
from tests.study.registered_studies import plant_profile, read_profile_settings, read_registration, rise_to_random

ROOT = Path(__file__).parent.parent.parent
INPUTS = ("study.json", "grid.csv", "examples.parquet", "made.json", "histograms", "versions.txt")
TEMPLATES = ROOT / "m2m" / "study" / "report" / "templates"


@pytest.fixture(scope="module")
def page(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    main(*[planted / name for name in INPUTS], TEMPLATES, path)  # type: ignore[call-arg]
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


def test_the_answer_comes_first_and_the_page_asks_for_nothing_from_elsewhere(page: Path) -> None:
    text = page.read_text()
    places = [text.index(mark) for mark in ('class="answer"', "<svg", "<nav", 'class="command"', 'id="cells"')]
    assert places == sorted(places)
    assert 'src="' not in text and "@import" not in text and "url(" not in text
    assert text.count("http") == text.count("http://www.w3.org/") + text.count("http-equiv")


@pytest.mark.long
def test_registered_hypotheses_stand_before_the_answer_which_is_exploratory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = read_profile_settings("smollm2-gpu")
    registration = read_registration(settings)._asdict()
    cells = plant_profile(settings, rise_to_random).with_columns(provenance=pl.lit(EVIL))
    plant(tmp_path, cells, settings["analyze"]["primary_setting"], registration)
    lines = capsys.readouterr().out.splitlines()
    main(*[tmp_path / name for name in INPUTS], TEMPLATES, tmp_path / "report.html")  # type: ignore[call-arg]
    text = html.unescape((tmp_path / "report.html").read_text())
    words = [row["words"] for row in read_study(tmp_path / "study.json")["hypotheses"]]
    assert lines[:5] == words and "(exploratory)" in lines[5]
    assert all(f"<strong>{sentence}</strong>" in text for sentence in words)
    places = [text.index(mark) for mark in (*words, 'class="answer"', "(exploratory)", "The registered tests</h2>")]
    assert places == sorted(places)
    assert "22 of 22 registered tests could be computed" in text and "All that follows is exploratory." in text


def test_the_words_of_the_verdict_and_the_recommendation_stand_as_they_are(page: Path, planted: Path) -> None:
    record = json.loads((planted / "study.json").read_text())
    text = html.unescape(page.read_text())
    whole = re.sub("</?strong>", "", text)
    for row in record["verdict"]:
        assert all(f">{sentence}<" in whole for sentence in (row["headline"], *row["sentences"]))
    assert all(f">{paragraph}<" in text for paragraph in write_paragraphs(record, "bpb_reduction"))


def test_where_an_llm_judges_alone_its_win_rate_is_what_the_page_is_about(tmp_path: Path) -> None:
    plant(tmp_path, build_grid_table(judged(grid()).to_dicts()))
    main(*[tmp_path / name for name in INPUTS], TEMPLATES, tmp_path / "report.html")  # type: ignore[call-arg]
    text = (tmp_path / "report.html").read_text()
    record = json.loads((tmp_path / "study.json").read_text())
    assert record["verdict"][0]["headline"] in re.sub("</?strong>", "", html.unescape(text))
    assert "AlpacaEval win rate against diversity" in text and "bpb" not in text and 'class="other"' not in text


def test_other_outcomes_are_folded_away_under_their_names(page: Path) -> None:
    assert page.read_text().count("<summary>The same for the likelihood win rate</summary>") == 1


def test_answers_of_cells_that_are_not_compared_are_left_out(planted: Path, tmp_path: Path) -> None:
    said = pl.read_parquet(planted / "examples.parquet")
    other = said.head(1).with_columns(experiment=pl.lit("another-study"), id=pl.lit("zz"), answer=pl.lit("elsewhere"))
    pl.concat([said, other]).sort("experiment", "id").write_parquet(tmp_path / "examples.parquet")
    places = [tmp_path / name if name == "examples.parquet" else planted / name for name in INPUTS]
    main(*places, TEMPLATES, tmp_path / "report.html")  # type: ignore[call-arg]
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
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_screen_holds_the_answer_and_the_main_figure(
    page: Path, browser: Browser, width: int, height: int
) -> None:
    """On a telephone the first of its panels; the page is read unscrolled."""
    browser.open(page, width)
    bottoms = browser.run("""[".facts", ".answer", "#main .panel svg", "#answer > .note"].map(
        name => document.querySelector(name).getBoundingClientRect().bottom)""")
    assert bottoms == sorted(bottoms) and bottoms[2] <= height
    panels = browser.run("""[...document.querySelectorAll("#main .panel svg")].map(
        panel => panel.getBoundingClientRect()).map(box => [box.left, box.right, box.top])""")
    assert all(left >= 0 and right <= width for left, right, _ in panels)
    beside = panels[0][2] == panels[1][2]
    assert beside is (width == 1280)


@in_browser
def test_a_figure_has_a_name_a_caption_and_its_marks_in_words(page: Path, browser: Browser) -> None:
    browser.open(page, 1280)
    unnamed = browser.run("""[...document.querySelectorAll("figure")].filter(figure =>
        ["aria-labelledby", "aria-describedby"].some(name =>
            !document.getElementById(figure.getAttribute(name))?.textContent.trim())
        || !figure.querySelector("details li")).map(figure => figure.id)""")
    assert unnamed == [] and browser.run('document.querySelectorAll("figure").length') > 6


@in_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_and_figures_can_be_read_on_their_ground(page: Path, browser: Browser, dark: bool) -> None:
    """Contrast of WCAG 2: 4.5 for text, 3 for marks and lines that carry a meaning."""
    browser.open(page, 1280, dark)
    contrasts = browser.run("""(() => {
        const channels = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(value => value / 255)
            .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        const weights = [0.2126, 0.7152, 0.0722];
        const light = colour => channels(colour).reduce((sum, value, place) => sum + value * weights[place], 0);
        const paper = light(getComputedStyle(document.body).backgroundColor);
        const contrast = colour => (Math.max(light(colour), paper) + 0.05) / (Math.min(light(colour), paper) + 0.05);
        const lowest = (selector, property) => Math.min(...[...document.querySelectorAll(selector)]
            .map(mark => getComputedStyle(mark)[property]).filter(colour => colour.startsWith("rgb(")).map(contrast));
        return [lowest("p, li, a, .facts dt, .panel text", "color"), lowest(".panel text", "fill"),
            lowest(".panel .role-axis-tick line", "stroke"), lowest(".panel .mark-symbol path", "fill")];
    })()""")
    assert contrasts[0] >= 4.5 and contrasts[1] >= 4.5 and contrasts[2] >= 3
    assert contrasts[3] >= (3 if dark else 2)  # orange on white has 2.2: shapes differ too


@in_browser
def test_a_command_is_copied_also_where_the_clipboard_is_closed(page: Path, browser: Browser, planted: Path) -> None:
    browser.open(page, 1280)
    commands = browser.run('[...document.querySelectorAll(".command code")].map(code => code.textContent)')
    [rows] = recommend(read_study(planted / "study.json"), "bpb_reduction")
    assert commands == [rows.own_file, rows.command, f"python -m m2m recommend {(planted / 'study.json').as_posix()}"]
    browser.run("window.copied = []; navigator.clipboard.writeText = async text => copied.push(text)")
    browser.click(".command button")
    browser.run("""navigator.clipboard.writeText = async () => { throw new Error("no permission"); };
        document.execCommand = name => copied.push(`${name}: ${getSelection()}`)""")
    browser.click('button[data-copy="command-2"]')
    assert browser.run("copied") == [commands[0], f"copy: {commands[1]}"]
    assert browser.run('document.querySelector("button[data-copy]").textContent') == "Copied"


@in_browser
def test_the_contents_lead_to_every_section_and_open_what_is_folded_away(page: Path, browser: Browser) -> None:
    browser.open(page, 1280)
    missing = browser.run("""[...document.querySelectorAll("nav a")].map(link => link.getAttribute("href"))
        .filter(link => !document.querySelector(link))""")
    assert missing == []
    assert (
        browser.run("""[...document.querySelectorAll("main > section, main > figure, main > details")]
        .map(part => part.id).filter(id => !document.querySelector(`nav a[href="#${id}"]`))""")
        == []
    )
    browser.click('nav a[href="#other-likelihood_win_rate"]')
    browser.run("new Promise(done => setTimeout(done, 50))")
    assert browser.run('document.querySelector("#other-likelihood_win_rate").open') is True


@in_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_table_scrolls_by_itself_and_its_first_column_and_head_stay(page: Path, browser: Browser, width: int) -> None:
    browser.open(page, width)
    before, after = browser.run("""(() => {
        const box = document.querySelector("#cells .wide"), rows = [...box.querySelectorAll("tr")];
        const place = (row, column) => rows[row].cells[column].getBoundingClientRect();
        const places = () => [place(0, 0).left, place(12, 0).left, place(0, 0).top, place(12, 5).left];
        const start = places();
        box.scrollTo(150, 200);
        return [start, places()];
    })()""")
    assert after[:3] == before[:3] and after[3] == before[3] - 150
    first = browser.run('document.querySelector("#cells td").getBoundingClientRect().width')
    assert first < width / 2 and browser.run("document.documentElement.scrollWidth") <= width


@in_browser
def test_text_stays_text(page: Path, browser: Browser) -> None:
    browser.said.clear()
    browser.open(page, 1280)
    assert browser.run("window.pwned") is None and browser.said == []
    assert browser.run("[document.scripts.length, document.images.length]") == [2, 0]
    assert browser.run('document.querySelector("#instruction").textContent') == f"0? {EVIL}"
    assert browser.run('document.querySelector(".reply").textContent').endswith(f", 0: {EVIL}")
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
    shown = [f"{value:+.3f}".replace("-", "−") for value in worth]
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
    shown = browser.run(f"[...{left}].map(row => [row.cells[1].textContent, row.cells[2].textContent])")
    assert shown == [["response-micro", "6"]] * 2


@in_browser
def test_a_mark_says_what_it_is_and_a_cell_is_found_in_the_table(page: Path, browser: Browser, planted: Path) -> None:
    browser.open(page, 1280)
    browser.click('.panel path[aria-label^="response-micro at degree 6"]')
    assert browser.run('document.querySelector("#tip").hidden') is False
    text = browser.run('document.querySelector("#tip").textContent')
    assert text.startswith("response-micro at degree 6: +0.") and "mean of 2 cells; +0." in text
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
    texts = browser.run('[...document.querySelectorAll(".reply")].map(one => one.textContent)')
    assert texts == [f"{name}, 1: {EVIL}" for name in names] and names[0] != names[1]
    assert browser.run('document.querySelector("#reference").textContent') == "(no reference)"


@pytest.mark.long
def test_without_examples_the_page_has_no_place_for_them(planted: Path, tmp_path: Path) -> None:
    pl.read_parquet(planted / "examples.parquet").head(0).write_parquet(tmp_path / "none.parquet")
    inputs = [tmp_path / "none.parquet" if name == "examples.parquet" else planted / name for name in INPUTS]
    main(*inputs, TEMPLATES, tmp_path / "report.html")  # type: ignore[call-arg]
    assert 'id="answers"' not in (tmp_path / "report.html").read_text()
