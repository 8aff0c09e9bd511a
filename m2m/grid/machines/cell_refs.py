"""The cells that the git remote has: fetches those whose data is there too, and lists those that are being pushed."""

import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from m2m.grid.dvc_experiments import list_cached_outs, parse_lock, read_lock
from m2m.grid.machines.grid_remotes import call_git, require_marker
from m2m.grid.machines.remote_cell import CLAIMS
from m2m.grid.provenance import collect_outs


class FetchedCells(NamedTuple):
    """The names of cells that are complete, and by name why others are not."""

    complete: set[str]
    torn: dict[str, str]


def fetch_cells(url: str, store: str, names: Collection[str]) -> FetchedCells:
    """Fetch the experiments of these cells that the git remote has.

    `store` is DVC's remote where that is a folder, else "": one that was not mounted on a node lacks the cell's files.
    """
    lines = [line.split() for line in call_git("ls-remote", url, "refs/exps/*").splitlines()]
    refs = {ref: revision for revision, ref in lines if ref.count("/") == 4 and ref.split("/")[4] in names}
    if not refs:
        return FetchedCells(set(), {})
    call_git("fetch", "--quiet", url, *refs)
    require_marker(store)
    absent = {ref: _list_absent_outs(revision, store) if store else [] for ref, revision in refs.items()}
    updates = "".join(f"update {ref} {refs[ref]}\n" for ref in refs if not absent[ref])
    subprocess.run(["git", "update-ref", "--stdin"], input=updates, check=True, text=True)
    torn = {ref.split("/")[4]: _explain_torn(ref, url, paths) for ref, paths in absent.items() if paths}
    return FetchedCells({ref.split("/")[4] for ref in refs if not absent[ref]}, torn)


def list_claims(url: str, names: Collection[str]) -> set[str]:
    """The names of those cells that a node pushes, or died pushing."""
    refs = [line.split()[1] for line in call_git("ls-remote", url, f"{CLAIMS}/*").splitlines()]
    return {ref.removeprefix(f"{CLAIMS}/") for ref in refs} & set(names)


def _list_absent_outs(revision: str, store: str) -> list[str]:
    """The outs that the cell itself made and that are not in the folder `store`, in which DVC keeps data."""
    text = subprocess.run(["git", "show", f"{revision}:dvc.lock"], check=True, capture_output=True, text=True).stdout
    shared, cached = collect_outs(read_lock()), list_cached_outs()
    outs = {path: md5 for path, md5 in collect_outs(parse_lock(text)).items() if md5 != shared.get(path)}
    files = {path: Path(store) / "files/md5" / md5[:2] / md5[2:] for path, md5 in outs.items() if path in cached}
    return [path for path, file in files.items() if not file.exists()]


def _explain_torn(ref: str, url: str, paths: list[str]) -> str:
    lack = f"DVC's remote lacks {len(paths)} files of {ref.split('/')[4]}, first {paths[0]}, though git's has its ref."
    return f"{lack} Run dvc push where they are, or git push {url} --delete {ref}, and then the same command again."
