"""Sources: a setting of another kind is refused by its name, and a missing kind names the ones that fit."""

import pytest

from m2m.data.benchmarks.sources import Benchmark, check_benchmark
from m2m.data.pool.sources import Source, check_source


@pytest.mark.parametrize(
    "source",
    [
        Source(kind="docstrings", packages=("rich",), limit=3),
        Source(kind="files", path="a.jsonl", licence="MIT", turns="each"),
        Source(kind="files", path="a.jsonl", prompt_column="q", response_column="a"),
        Source(kind="hub", id="owner/name", rows=3, split="test", config="small", revision="main"),
    ],
)
def test_fields_of_the_kind_are_no_error(source: Source) -> None:
    check_source("mine", source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source(kind="files", path="a", rows=3), "'mine' is of kind files, which does not read rows: .* kind to hub$"),
        (Source(kind="docstrings", path="a"), "of kind docstrings, which does not read path: .* set kind to files$"),
        (Source(kind="docstrings", turns="each"), "does not read turns: delete turns, or set kind to files or hub"),
        (Source(kind="hub", id="a/b", packages=("c",)), "does not read packages: .* set kind to docstrings"),
        (Source(path="a.jsonl"), "'mine' has no kind: set kind to files$"),
        (Source(id="owner/name", rows=3), "'mine' has no kind: set kind to hub$"),
        (Source(), "'mine' has no kind: set kind to docstrings or files or hub"),
        (Source(path="a", id="b"), "'mine' has no kind: set kind to docstrings or files or hub"),
        (Source(kind="files", path="a", response_column="a"), "names one of prompt_column and response_column"),
    ],
)
def test_a_setting_of_another_kind_is_refused_by_name(source: Source, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_source("mine", source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Benchmark(path="a.json"), "'own' has no kind: set kind to files or hub"),
        (Benchmark(kind="heldout", path="a.json"), "does not read path: delete path, or set kind to files or hub"),
        (Benchmark(kind="files", path="a.json", revision="main"), "does not read revision: .* set kind to hub"),
    ],
)
def test_a_benchmark_s_setting_of_another_kind_is_refused_by_name(source: Benchmark, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_benchmark("own", source)
