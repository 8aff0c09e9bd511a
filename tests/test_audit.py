"""`make audit`: what pip-audit finds is its exit status; without its database it says that nothing was checked."""

from pathlib import Path

import pytest

from tests import audit

ROOT = Path(__file__).parent.parent / "requirements"


def test_without_its_database_it_says_that_nothing_was_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "DATABASE", "http://127.0.0.1:9/pypi/pip/json")
    assert audit.main() == audit.OUT_OF_REACH
    assert capsys.readouterr().out.startswith("audit: nothing was checked, because http://127.0.0.1:9/pypi/pip/json is")


@pytest.mark.parametrize("status", [0, 1])
def test_what_the_auditor_finds_is_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: int
) -> None:
    script = tmp_path / "uvx"
    script.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\nexit {status}\n')
    script.chmod(0o755)
    monkeypatch.setattr(audit, "AUDITOR", [str(script), *audit.AUDITOR[1:]])
    monkeypatch.setattr(audit, "explain_no_database", lambda _: "")
    assert audit.main() == status
    read = [word for word in (tmp_path / "words").read_text().split() if word.startswith("requirements/")]
    assert read == [f"requirements/{path.name}" for path in sorted(ROOT.glob("*.txt")) if path.name != "cpu.txt"]
