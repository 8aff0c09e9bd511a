"""Sources → the candidate pool, held-out rows, the base model's corpus, and the rejects with their reasons."""

import functools
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from m2m.data.pool.docstring_questions import tabulate_pairs
from m2m.data.pool.docstring_sections import Documented, parse_sections
from m2m.data.pool.package_docstrings import read_docstrings
from m2m.data.pool.pool import count_rows, describe_rows, split_candidates
from m2m.data.pool.pretraining_text import build_corpus as text_table
from m2m.data.pool.pretraining_text import collect_clauses, divide_objects
from m2m.data.pool.sources import Source, pin_source, read_records
from m2m.data.records.record_formats import tabulate_records as formed
from m2m.parallel import parallel
from m2m.runtime.artifacts import write_table
from m2m.runtime.cli import names_of, run
from m2m.runtime.records import write_json
from m2m.schemas.corpus import Corpus
from m2m.schemas.pool import Pool
from m2m.schemas.rejects import Rejects


def main(
    pool: Path,
    heldout: Path,
    corpus: Path,
    rejects: Path,
    origins: Path,
    /,
    *,
    seed: int,
    heldout_share: float,
    corpus_share: float,
    min_chars: int,
    max_chars: int,
    sources: Mapping[str, Source],
) -> None:
    """Read every source; rows read = pool + heldout + rejects. Objects that went to the corpus give no rows.

    `origins` says for each source what it was, at which commit, and where its rows went.
    """
    if not sources:
        raise ValueError("sources must name at least one source, got none")
    sources = {name: pin_source(source) for name, source in sources.items()}
    objects = read_docstrings(package for source in sources.values() for package in source.packages)
    parsed = parallel(parse_sections, objects["text"].to_list(), "docstrings: sections")
    named = zip(objects["name"], objects["kind"], parsed, strict=True)
    things = [Documented(name, kind, found) for name, kind, found in named]
    studied, questioned = divide_objects(things, objects["text"], corpus_share, seed)
    text = text_table(studied, collect_clauses(questioned))
    rows = pl.concat(_rows(name, source, questioned, max_chars) for name, source in sources.items())
    found = split_candidates(
        rows,
        collect_clauses(studied) if {source.kind for source in sources.values()} - {"docstrings"} else set(),
        {name: source.limit for name, source in sources.items()},
        seed=seed,
        heldout_share=heldout_share,
        min_chars=min_chars,
        max_chars=max_chars,
    )
    print(*describe_rows(found), sep="\n")
    print(f"corpus: {len(text)} texts from {len(studied)} objects, which give no rows")
    write_table(corpus, Corpus, text)
    write_table(pool, Pool, found.pool)
    write_table(heldout, Pool, found.heldout)
    write_table(rejects, Rejects, found.rejects)
    rows_of = count_rows(found)
    write_json(origins, {name: _origin(source) | rows_of[name] for name, source in sources.items()})


def _rows(name: str, source: Source, questioned: list[Documented], max_chars: int) -> pl.DataFrame:
    if source.kind == "docstrings":
        return tabulate_pairs(
            [thing for thing in questioned if thing.name.split(".")[0] in source.packages], name, max_chars
        )
    return formed(name, read_records(source), (source.prompt_column or "", source.response_column or ""))


def _origin(source: Source) -> dict[str, str | int]:
    return {"kind": source.kind, "from": source.id or source.path or "", "commit": source.revision or ""}


if __name__ == "__main__":
    run(functools.partial(main, sources={name: Source() for name in names_of("sources")}))
