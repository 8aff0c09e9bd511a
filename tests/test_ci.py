"""CI's job of all tests installs what they skip without."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
IN_THE_IMAGE = {"chromium"}  # of ubuntu-latest; Ubuntu has no package of that name
COMMANDS = [
    step["run"]
    for step in yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]["long"]["steps"]
    if "run" in step
]
REASONS = [
    line
    for path in sorted((ROOT / "tests").rglob("*.py"))
    for line in path.read_text(encoding="utf-8").splitlines()
    if path != Path(__file__)
]


def test_every_package_that_a_test_skips_without_is_installed() -> None:
    named = {
        name for line in REASONS for words in re.findall(r"apt-get install ([a-z -]+)", line) for name in words.split()
    }
    assert {"chromium", "slurmd", "openssh-server"} <= named
    [install] = [command.split() for command in COMMANDS if "apt-get install" in command]
    assert named - IN_THE_IMAGE <= set(install)


def test_every_verb_that_a_test_skips_without_runs_before_the_tests() -> None:
    verbs = {verb for line in REASONS for verb in re.findall(r"make (ray|smollm2|remotes)\b", line)}
    assert verbs == {"ray", "smollm2", "remotes"}
    [needed] = re.findall(r"^test-all: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert COMMANDS[-1].endswith(" make test-all")
    earlier = {command.removeprefix("make ") for command in COMMANDS[:-1]}
    assert verbs <= earlier | set(needed.split())
    assert "ledger" in earlier


def test_all_tests_run_as_root_which_some_skip_without() -> None:
    assert COMMANDS[-1].startswith("sudo ")
