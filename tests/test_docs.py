"""README and docs are plain and true: their length, generated parts, commands, settings and paths."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path

import polars as pl
import pytest
import yaml
from dvc.cli import parse_args

from docs.generate import fill_tables, find_stale, main
from docs.reference_pages import list_commands, read_helps
from docs.result_tables import TABLES, tabulate_ends, write_registered_study
from m2m.grid.design import list_cells
from m2m.grid.rungs import list_expected_cells
from m2m.planning.staging import Schedule
from m2m.schemas.grid import Grid
from tests import prose

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *prose.written_pages()]
FENCED = re.compile(r"^ *```bash\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
TOOLS = {
    "accelerate",
    "chgrp",
    "chmod",
    "umask",
    "git",
    "mkdir",
    "ssh",
    "cd",
    "cp",
    "export",
    "pre-commit",
    "python3",
    ".venv/bin/pip",
    "pip",
    "ray",
    "sbatch",
}  # whose commands are not checked here
PROFILES = {"NAME", *(path.stem for path in (ROOT / "profiles").glob("*.yaml"))}
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
STAGES = {
    name for file in ("dvc.yaml", "metrics/dvc.yaml") for name in yaml.safe_load((ROOT / file).read_text())["stages"]
}
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    return read_helps(list_commands())


ASSIGNMENT = re.compile(r"[A-Z][A-Z0-9_]*=")


def block_commands(text: str) -> Iterator[list[str]]:
    """The words of each command in a fenced block of shell, without the variables that are set before it."""
    for block in FENCED.findall(text):
        for line in block.splitlines():
            for command in line.split("&&"):
                if words := list(dropwhile(ASSIGNMENT.match, shlex.split(command, comments=True))):
                    yield words


def commands(text: str, tool: str) -> Iterator[list[str]]:
    """The commands in fenced blocks and in inline code that begin with `tool`."""
    inline = (shlex.split(code) for code in INLINE.findall(text) if code.startswith(f"{tool} "))
    yield from (words for words in [*block_commands(text), *inline] if words[: len(tool.split())] == tool.split())


def all_commands(tool: str) -> list[list[str]]:
    return [words for page in PAGES for words in commands(page.read_text(), tool)]


def has_setting(name: str) -> bool:
    """Whether params.yaml has the setting, such as subset.degree."""
    value = PARAMS
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True


# How it is written


def test_sentences_are_counted() -> None:
    text = "# Title\n\nOne two three. Four `a.b c` six?\n\n- seven\n- Eight [nine ten](x.md).\n\n"
    text += "```bash\nmake x\n```\n\n| a | b |\n"
    assert prose.sentences(text) == ["One two three.", "Four Code six?", "seven", "Eight nine ten."]
    assert prose.measure_prose(text)[1:] == (24, 2.5, "One two three.")


def test_the_readme_and_every_page_keep_their_limits() -> None:
    assert [fault for page in PAGES for fault in prose.find_faults(page)] == []


def test_what_is_too_long_is_named(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("Word " * 1500 + "word.\n" + "\n" * 200)
    assert [fault.removeprefix(f"{page}: ") for fault in prose.find_faults(page)] == [
        "1501 words a sentence on average, 18 at most",
        "1501 words in a sentence, 25 at most: Word Word Word Word Word Word …",
        "201 lines, 200 at most",
        "1501 words, 1500 at most",
    ]
    page.write_text("A short page.")
    assert prose.find_faults(page) == []


# What is generated


def test_generated_pages_and_tables_are_those_of_the_code_and_the_metrics() -> None:
    assert list(map(str, find_stale())) == [], "run make docs"


def test_make_check_names_a_stale_page_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "cli.md"
    page.write_text("of yesterday")
    monkeypatch.setattr("docs.generate.generate_files", lambda: {page: "of today"})
    assert main(check=True) == 1 and page.read_text() == "of yesterday"
    assert capsys.readouterr().out == f"{page} is stale: run make docs\n"
    assert main(check=False) == 0 and page.read_text() == "of today"
    assert main(check=True) == 0


def test_every_result_table_stands_in_some_page() -> None:
    text = "".join(page.read_text() for page in PAGES)
    assert [name for name in TABLES if f"<!-- table: {name} -->" not in text] == []


def test_a_typed_number_in_a_table_is_replaced() -> None:
    assert fill_tables("a\n<!-- table: x -->\n| 1 |\n<!-- /table -->\nb", {"x": "| 2 |"}) == (
        "a\n<!-- table: x -->\n\n| 2 |\n\n<!-- /table -->\nb"
    )


def test_the_short_table_has_means_over_seeds() -> None:
    cells = pl.read_csv("metrics/grid.csv").filter(
        pl.col("strategy") == "random", pl.col("budget") == "rows", pl.col("max_tokens") == 100_000
    )
    random = tabulate_ends().splitlines()[2].split(" | ")
    assert random[:2] == ["| random", str(cells.height)]
    assert float(random[2].replace("−", "-")) == pytest.approx(cells["bpb_reduction"].mean(), abs=5e-5)
    assert float(random[3]) == pytest.approx(cells["bpb_reduction"].std(), abs=5e-5)


def test_every_metric_is_explained() -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text()
    explained = set(INLINE.findall(page))
    metrics = [name for name in pl.read_csv("metrics/grid.csv").columns if name not in PARAMS["subset"]]
    known = {"experiment", "revision", "provenance"}
    end = r"(_prompts_only_(low|high)|_missing|_short|_medium|_long)$"
    plain = {re.sub(end, "", re.sub(r"^(instruction|response|opponent)_", "", name)) for name in metrics} - known
    assert sorted(name for name in plain if not {name, f"opponent_{name}"} & explained) == []
    assert set(Grid.to_schema().columns) <= {*metrics, *PARAMS["subset"], "fresh"}  # committed tables have no rungs


# What is named


def test_the_default_grid_is_as_large_as_the_docs_say() -> None:
    cells = list_cells(PARAMS["grid"]["parts"], PARAMS["subset"], "staged")
    count = sum(cell["strategy"] != "random" for cell in cells)
    text = (ROOT / "docs/how-to/estimate-cost-and-power.md").read_text()
    for sentence in (f"Most of {count} configurations", f"count and not {count}.", f"as if all {count} were compared"):
        assert sentence in text
    staged = PARAMS["grid"]["staged"]
    expected = list_expected_cells(cells, Schedule(tuple(staged["keep"]), tuple(staged["fresh"])))
    assert f"a study in rungs, {len(expected)} cells" in (ROOT / "README.md").read_text()


def test_every_tool_in_a_shell_block_is_known() -> None:
    tools = {words[0] for page in PAGES for words in block_commands(page.read_text())}
    assert tools <= TOOLS | {"make", "dvc", "python", "pytest", "mlflow"}


def test_a_registered_study_is_told_by_the_words_of_its_hypotheses_or_as_not_run(tmp_path: Path) -> None:
    assert write_registered_study(tmp_path).startswith("**The study has not been run**")
    words = ["O1 (none is above) is undecided.", "P1 (it rises) is not tested."]
    (tmp_path / "study.json").write_text(json.dumps({"hypotheses": [{"words": text} for text in words]}))
    assert write_registered_study(tmp_path) == f"- {words[0]}\n- {words[1]}"


def test_every_make_command_is_a_target() -> None:
    words = {word for command in all_commands("make") for word in command[1:]}
    assert words
    done = subprocess.run(["make", "-n", *sorted(words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ci_runs_the_checks_that_the_readme_names() -> None:
    ran = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line.startswith("make ")]
    assert ran and [command for command in ran if f"`{command}`" not in (ROOT / "README.md").read_text()] == []


@each_page
def test_dvc_takes_every_command_in_a_block(page: Path) -> None:
    for words in block_commands(page.read_text()):
        if words[0] == "dvc":
            parsed = parse_args(words[1:])
            for target in getattr(parsed, "targets", None) or []:
                assert target.split("@")[0] in STAGES or Path(target).suffix, target
            for setting in getattr(parsed, "set_param", None) or []:
                assert has_setting(setting.split("=")[0]), setting


def test_every_dvc_command_in_a_line_exists(capsys: pytest.CaptureFixture[str]) -> None:
    for name in sorted({words[1] for words in all_commands("dvc")}):
        with pytest.raises(SystemExit) as ended:
            parse_args([name, "--help"])
        assert ended.value.code == 0, name
    capsys.readouterr()


@each_page
def test_every_command_of_m2m_takes_its_flags(page: Path, helps: dict[str, str]) -> None:
    for words in commands(page.read_text(), "python -m m2m"):
        if len(words) == 3 or words[3].startswith("-"):
            continue
        name, *rest = words[3:]
        assert name in helps
        assert [word for word in rest if word.startswith("--") and word not in helps[name]] == []
        if name == "use":
            assert {word for word in rest if word[0] != "-"} <= PROFILES


@each_page
def test_every_other_module_that_is_run_exists(page: Path) -> None:
    for words in commands(page.read_text(), "python -m"):
        if words[2] not in ("m2m", "pytest"):
            path = Path(words[2].replace(".", "/"))
            (file,) = [one for one in (path.with_suffix(".py"), path / "__main__.py") if one.exists()]
            flags = {word for word in words[3:] if word.startswith("--")} - {"--help"}
            assert [flag for flag in flags if flag[2:] not in file.read_text()] == []


@each_page
def test_every_setting_exists(page: Path) -> None:
    names = {code.split(":")[0] for code in INLINE.findall(page.read_text())}
    settings = [name for name in names if re.fullmatch(r"[a-z_]+(\.[\w-]+)+", name) and name.split(".")[0] in PARAMS]
    assert [name for name in settings if not has_setting(name)] == []


@each_page
def test_every_path_exists(page: Path) -> None:
    text = page.read_text()
    named = [
        code for code in INLINE.findall(text) if re.fullmatch(r"(m2m|stages|profiles|tests|bench|docs)/[\w/.-]+", code)
    ]
    linked = [link for link in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", text) if "://" not in link]
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert [path for path in linked if not (page.parent / path).exists()] == []


def test_the_site_builds_with_every_link_right(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "metrics/main.svg").exists() and (tmp_path / "reference/settings.html").exists()
