"""The fields of a source in params.yaml → what is wrong with them in one sentence, and where its rows come from."""

from collections.abc import Mapping, Set


def check_fields(
    name: str, values: Mapping[str, object], defaults: Mapping[str, object], kinds: Mapping[str, Set[str]]
) -> None:
    """ValueError where the source `name` has no kind, or a field that its kind does not read.

    `values` and `defaults`: all fields but kind's own default is None; `kinds`: the fields that each kind reads.
    """
    filled = [field for field, value in values.items() if field != "kind" and value != defaults[field]]
    kind = values["kind"]
    if kind is None:
        fitting = [reader for reader, fields in kinds.items() if fields >= set(filled)]
        raise ValueError(f"source {name!r} has no kind: set kind to {' or '.join(fitting or kinds)}")
    if foreign := [field for field in filled if field not in kinds[str(kind)]]:
        readers = " or ".join(reader for reader, fields in kinds.items() if foreign[0] in fields)
        raise ValueError(
            f"source {name!r} is of kind {kind}, which does not read {foreign[0]}: "
            f"delete {foreign[0]}, or set kind to {readers}"
        )


def summarize_source(values: Mapping[str, object]) -> dict[str, object]:
    """The kind, place and commit of a source with the fields `values`; "" where it has none.

    >>> summarize_source({"kind": "files", "path": "rows.jsonl", "id": None, "revision": None})
    {'kind': 'files', 'from': 'rows.jsonl', 'commit': ''}
    """
    origin = {"kind": values["kind"], "from": values["id"] or values["path"], "commit": values["revision"]}
    return {name: value or "" for name, value in origin.items()}
