"""Docstrings come from the source files: public objects under the names people use, and no code is run."""

from pathlib import Path

import pytest

from m2m.data.pool.package_docstrings import read_docstrings


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "toolbox"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""A box of tools."""\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def names(*packages: str) -> list[str]:
    return read_docstrings(packages)["name"].to_list()


def test_modules_classes_methods_functions_and_properties_are_found(package: Path) -> None:
    (package / "saw.py").write_text(
        '"""Saws."""\n'
        "class Saw:\n"
        '    """Cuts."""\n'
        "    def cut(self):\n"
        '        """Cut once."""\n'
        "    @functools.cached_property\n"
        "    def teeth(self):\n"
        '        """How many."""\n'
        "async def sharpen():\n"
        "    '''Make sharp.'''\n"
    )
    assert read_docstrings(["toolbox"]).rows() == [
        ("toolbox", "module", "A box of tools."),
        ("toolbox.saw", "module", "Saws."),
        ("toolbox.saw.Saw", "class", "Cuts."),
        ("toolbox.saw.Saw.cut", "function", "Cut once."),
        ("toolbox.saw.Saw.teeth", "property", "How many."),
        ("toolbox.saw.sharpen", "function", "Make sharp."),
    ]


def test_nothing_is_imported(package: Path) -> None:
    (package / "trap.py").write_text('"""A trap."""\nraise SystemExit\n')
    assert "toolbox.trap" in names("toolbox")


def test_private_objects_are_left_out_and_private_parts_of_a_path_too(package: Path) -> None:
    (package / "_impl").mkdir()
    (package / "_impl" / "_glue.py").write_text('def glue():\n    """Stick."""\ndef _mix():\n    """Hidden."""\n')
    assert names("toolbox") == ["toolbox", "toolbox.glue"]


@pytest.mark.parametrize("where", ["tests", "_vendor", "externals", "testing"])
def test_tests_and_vendored_code_are_left_out(package: Path, where: str) -> None:
    (package / where).mkdir()
    (package / where / "saw.py").write_text('"""Not ours."""\n')
    (package / "test_saw.py").write_text('"""A test."""\n')
    assert names("toolbox") == ["toolbox"]


def test_of_objects_with_one_name_the_longest_docstring_stays(package: Path) -> None:
    (package / "saw.py").write_text('def cut():\n    """Cut."""\ndef cut():\n    """Cut well."""\n')
    assert ("toolbox.saw.cut", "function", "Cut well.") in read_docstrings(["toolbox"]).rows()


def test_of_inherited_copies_the_first_name_stays(package: Path) -> None:
    copy = '    def fit(self):\n        """Fit the model."""\n'
    (package / "models.py").write_text(f"class B:\n{copy}class A:\n{copy}")
    assert names("toolbox") == ["toolbox", "toolbox.models.A.fit"]


@pytest.mark.parametrize(
    "source", [b'print """two"""', b'"""\xff"""', b'"""half \\ud800"""', b'"""nul \\0"""', b'"""   """', b"'''", b""]
)
def test_a_file_that_cannot_be_used_is_passed_over(package: Path, source: bytes) -> None:
    (package / "odd.py").write_bytes(source)
    assert names("toolbox") == ["toolbox"]


def test_escapes_that_python_warns_about_do_not_warn(package: Path) -> None:
    (package / "old.py").write_text('def f():\n    """See \\d."""\n')
    assert "toolbox.old.f" in names("toolbox")


def test_docstrings_are_dedented(package: Path) -> None:
    (package / "saw.py").write_text('def cut():\n    """\n    Cut.\n\n        >>> cut()\n    """\n')
    assert read_docstrings(["toolbox"])["text"].to_list()[-1] == "Cut.\n\n    >>> cut()"


@pytest.mark.parametrize("package", ["no_such_package", "os.path", "this", ""])
def test_what_is_no_installed_package_is_named_in_the_error(package: str) -> None:
    with pytest.raises(ValueError, match=f"got '{package}'"):
        read_docstrings([package])


def test_no_packages_give_an_empty_table() -> None:
    assert read_docstrings([]).shape == (0, 3)


def test_a_package_given_twice_is_read_once(package: Path) -> None:
    assert names("toolbox", "toolbox") == ["toolbox"]
