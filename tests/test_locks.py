"""The lock files pin what constraints.txt pins, each file of a package by its hash."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)
ONLY_ON_CUDA = re.compile(r"nvidia-|cuda-|triton")
ONLY_ELSEWHERE = re.compile(r"sys_platform == '(win32|emscripten|darwin)'")


def pins(text: str) -> dict[str, str]:
    return {name.lower().replace("_", "-").replace(".", "-"): version for name, version in PIN.findall(text)}


CONSTRAINTS = pins((ROOT / "constraints.txt").read_text())


def test_the_cpu_lock_pins_all_but_torch() -> None:
    """torch's CPU files are on an index of its own, and have no hash there that this lock could know."""
    lock = pins((ROOT / "requirements" / "cpu.txt").read_text())
    assert lock == {name: version for name, version in CONSTRAINTS.items() if name != "torch"}, "run make lock"


def test_the_cuda_lock_adds_what_torch_needs_on_a_gpu() -> None:
    text = (ROOT / "requirements" / "cuda.txt").read_text()
    lock = pins(text)
    assert lock.items() >= CONSTRAINTS.items(), "run make lock"
    others = [line for line in text.splitlines() if PIN.match(line) and pins(line).keys() - CONSTRAINTS.keys()]
    assert [line for line in others if not ONLY_ON_CUDA.match(line) and not ONLY_ELSEWHERE.search(line)] == []


@pytest.mark.parametrize("name", ["cpu", "cuda", "smollm2", "gpu", "ray", "remotes"])
def test_every_pin_of_a_lock_has_hashes(name: str) -> None:
    requirements = re.split(r"(?m)^(?=[\w.-]+==)", (ROOT / "requirements" / f"{name}.txt").read_text())[1:]
    assert [requirement.split()[0] for requirement in requirements if "--hash=sha256:" not in requirement] == []


@pytest.mark.parametrize("name", ["smollm2", "ray", "remotes"])
def test_an_extra_pins_no_package_otherwise_than_the_pipeline(name: str) -> None:
    extra = pins((ROOT / "requirements" / f"{name}.txt").read_text())
    assert extra
    assert {
        package: (version, CONSTRAINTS[package]) for package, version in extra.items() if package in CONSTRAINTS
    } == {}
