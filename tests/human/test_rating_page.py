"""A person rates a sheet by keyboard in a real browser, saves, and the file is read back."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from m2m.human.ratings import read_ratings
from m2m.human.sheet import Sheet, draw_sheet, write_sheet
from tests.browser import Browser, in_browser
from tests.human.test_sheet import HOSTILE, MODELS, make_games

pytestmark = in_browser
KEYS = {"ArrowRight": 39, "ArrowLeft": 37, "ArrowDown": 40, "Backspace": 8, "s": 83, "t": 84, "Enter": 13}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    sheet = draw_sheet(make_games(), 4, 3, *MODELS)
    write_sheet(sheet, tmp_path / "sheet.html", tmp_path / "key.json")
    return sheet


def press(browser: Browser, key: str) -> None:
    for kind in ("rawKeyDown", "keyUp"):
        browser.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key])


def write_name(browser: Browser, name: str) -> None:
    """Into the empty field of the name, as a rater does."""
    browser.run("find('rater').value = ''; find('rater').focus()")
    browser.ask("Input.insertText", text=name)
    press(browser, "Enter")


def read(browser: Browser, name: str) -> str:
    return str(browser.run(f"document.getElementById('{name}').textContent"))


def test_a_sheet_is_rated_and_saved_by_keyboard(browser: Browser, sheet: Sheet, tmp_path: Path) -> None:
    browser.ask("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.open(tmp_path / "sheet.html", 1200)
    assert read(browser, "progress") == "Pair 1 of 4; 0 rated"
    assert read(browser, "left") == sheet.pairs[0]["left"]
    press(browser, "ArrowLeft")
    assert read(browser, "message") == "Write your name or initials first."
    browser.ask("Input.insertText", text="Ann s")  # the name has the keyboard now: an s in it saves nothing
    press(browser, "Enter")
    for key in ("ArrowLeft", "ArrowRight", "Backspace", "t", "ArrowRight"):
        press(browser, key)
    assert read(browser, "progress") == "Pair 4 of 4; 3 rated"
    press(browser, "ArrowLeft")
    assert read(browser, "message") == "All pairs are rated. Save, and send the file back."
    press(browser, "s")
    assert read(browser, "message").startswith("Saved 4 ratings as ratings-")
    saved = tmp_path / f"ratings-{sheet.key.sheet}-Ann-s.json"
    deadline = time.monotonic() + 30
    while not saved.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert json.loads(saved.read_text())["choices"] == {"1": "left", "2": "tie", "3": "right", "4": "left"}
    raters, table = read_ratings([saved], sheet.key)
    on_left = [float(pair.first_is_left) for pair in sheet.key.pairs]
    assert raters == ["Ann s"]
    assert table[0].tolist() == [on_left[0], 0.5, 1 - on_left[2], on_left[3]]


def test_a_rater_goes_on_where_it_was_and_another_starts_with_nothing(
    browser: Browser, sheet: Sheet, tmp_path: Path
) -> None:
    browser.open(tmp_path / "sheet.html", 390)
    browser.run("localStorage.clear()")
    write_name(browser, "Ann")
    press(browser, "ArrowRight")
    assert browser.run("document.documentElement.scrollWidth") <= 390
    time.sleep(0.5)  # the browser's own process writes its storage a moment later
    browser.open(tmp_path / "sheet.html", 390)
    write_name(browser, "Bob")
    assert read(browser, "progress") == "Pair 1 of 4; 0 rated"
    press(browser, "t")
    press(browser, "t")
    write_name(browser, "Ann")
    assert read(browser, "progress") == "Pair 2 of 4; 1 rated"
    assert browser.run("choices") == {"1": "right"}


def test_a_rater_can_start_anew_once_asked(browser: Browser, sheet: Sheet, tmp_path: Path) -> None:
    browser.open(tmp_path / "sheet.html", 1200)
    write_name(browser, "Cy")
    press(browser, "t")
    browser.run("confirm = text => { said = text; return false }")
    browser.click("#anew")
    assert (browser.run("said"), browser.run("choices")) == ("Discard the 1 ratings of Cy?", {"1": "tie"})
    browser.run("confirm = () => true")
    browser.click("#anew")
    write_name(browser, "Dee")
    write_name(browser, "Cy")
    assert read(browser, "progress") == "Pair 1 of 4; 0 rated"


def test_a_held_key_rates_one_pair(browser: Browser, sheet: Sheet, tmp_path: Path) -> None:
    browser.open(tmp_path / "sheet.html", 1200)
    write_name(browser, "Eve")
    browser.run("document.querySelector('[data-choice=tie]').focus()")
    for key, text in (("ArrowLeft", ""), ("Enter", "\r")):
        for repeat in (False, True, True):
            browser.ask(
                "Input.dispatchKeyEvent",
                type="keyDown",
                key=key,
                code=key,
                text=text,
                windowsVirtualKeyCode=KEYS[key],
                autoRepeat=repeat,
            )
        browser.ask("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=KEYS[key])
    assert browser.run("choices") == {"1": "left", "2": "tie"}


def test_a_long_answer_scrolls_by_keyboard_and_the_next_pair_begins_at_its_top(
    browser: Browser, sheet: Sheet, tmp_path: Path
) -> None:
    browser.open(tmp_path / "sheet.html", 1200)
    write_name(browser, "Fay")
    browser.run("find('left').textContent = 'line\\n'.repeat(500)")
    press(browser, "ArrowDown")
    deadline = time.monotonic() + 10
    while not browser.run("scrollY") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert browser.run("scrollY") > 0
    assert browser.run("choices") == {}
    press(browser, "t")
    assert browser.run("[scrollY, place]") == [0, 1]


def test_hostile_text_is_shown_and_not_run(browser: Browser, sheet: Sheet, tmp_path: Path) -> None:
    browser.said.clear()
    browser.asked.clear()
    browser.open(tmp_path / "sheet.html", 1200)
    assert HOSTILE in read(browser, "question")
    assert browser.run("document.title") == "Which answer is better?"
    assert browser.run("document.images.length") == 0
    assert [address for address in browser.asked if not address.startswith("file:")] == []
    assert browser.said == []
