"""What machines share: remotes that are missing or of no use, the snapshot, and cells that the git remote has."""

import sys
from pathlib import Path

import pytest
import yaml

from m2m.grid.machines import grid_remotes, patience
from m2m.grid.machines.cell_refs import FetchedCells, fetch_cells, list_claims
from m2m.grid.machines.grid_remotes import REMOTE_PINS, require_remotes
from m2m.grid.machines.patience import RemoteAway
from m2m.grid.queued_commit import write_snapshot
from tests.test_smoke import environment, run


def git(folder: Path, *words: str) -> str:
    return run(folder, "git", *words).strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of DVC with a commit, and origin.git beside it as its git remote."""
    folder = tmp_path / "clone"
    (folder / ".dvc").mkdir(parents=True)
    (tmp_path / "store").mkdir()
    (folder / ".dvc/config").write_text(f"[core]\n    remote = ours\n['remote \"ours\"']\n    url = {tmp_path}/store\n")
    (folder / "params.yaml").write_text("a: 1\n")
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "remote", "add", "origin", "../origin.git")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    monkeypatch.chdir(folder)
    for name in [name for name in environment() if name.startswith("GIT_")]:
        monkeypatch.setenv(name, environment()[name])
    return folder


def test_a_relative_origin_is_told_to_nodes_as_an_absolute_path(clone: Path) -> None:
    assert require_remotes() == str((clone / "../origin.git").resolve())


@pytest.mark.parametrize("url", ["git@host:group/name.git", "https://host/name.git", "ssh://git@host/name.git"])
def test_an_origin_elsewhere_stays_as_it_is(clone: Path, url: str) -> None:
    git(clone, "remote", "set-url", "origin", url)
    assert require_remotes() == url


@pytest.mark.parametrize(
    "url", ["https://me:hunter2@host/name.git", "https://hunter2@host/name.git", "ssh://me:hunter2@host/name.git"]
)
def test_a_password_in_the_origin_is_refused_and_not_repeated(clone: Path, url: str) -> None:
    git(clone, "remote", "set-url", "origin", url)
    with pytest.raises(ValueError, match=r"a password or token\. The cluster would store it: use ssh") as caught:
        require_remotes()
    assert "hunter2" not in str(caught.value)


def test_a_missing_git_remote_is_named_with_the_remedy(clone: Path) -> None:
    git(clone, "remote", "remove", "origin")
    with pytest.raises(ValueError, match=r"no git remote `origin`, .*run git remote add origin URL"):
        require_remotes()


def test_a_dvc_remote_that_only_this_machine_knows_is_missing(clone: Path) -> None:
    (clone / ".dvc/config.local").write_text((clone / ".dvc/config").read_text())
    (clone / ".dvc/config").write_text("")
    with pytest.raises(
        ValueError, match=r"names no default remote, .*run dvc remote add --default NAME URL, and commit"
    ):
        require_remotes()


def test_a_dvc_remote_whose_folder_is_not_here_is_refused_before_dvc_makes_it(clone: Path) -> None:
    store = clone.parent / "store"
    store.rename(clone.parent / "unmounted")
    remedy = f"DVC's remote ours is {store}, which is no folder here, .*: mount its disk, or make it once with mkdir -p"
    with pytest.raises(ValueError, match=remedy):
        require_remotes()
    assert not store.exists()


def test_a_relative_dvc_remote_would_not_be_found_elsewhere(clone: Path) -> None:
    (clone / ".dvc/config").write_text("[core]\n    remote = ours\n['remote \"ours\"']\n    url = ../../store\n")
    with pytest.raises(ValueError, match=r"DVC's remote ours is the relative path \.\./\.\./store"):
        require_remotes()


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("s3://bucket/dvc", r"dvc-s3, here and on every node: run pip install -r requirements/remotes\.txt -c con"),
        ("ssh://me:hunter2@host/dvc", r"dvc-ssh, here and on every node: run pip install -r requirements/remotes\.txt"),
        ("gs://bucket/dvc", r"dvc-gs, here and on every node: run pip install dvc-gs\.$"),
    ],
)
def test_a_remote_that_dvc_alone_does_not_speak_names_the_package(
    clone: Path, monkeypatch: pytest.MonkeyPatch, url: str, remedy: str
) -> None:
    (clone / ".dvc/config").write_text(f"[core]\n    remote = ours\n['remote \"ours\"']\n    url = {url}\n")
    monkeypatch.setitem(sys.modules, f"dvc_{url.partition(':')[0]}", None)
    (clone / "requirements").mkdir()
    (clone / REMOTE_PINS).write_bytes((Path(__file__).parents[3] / REMOTE_PINS).read_bytes())
    with pytest.raises(ValueError, match=f"needs the package {remedy}") as caught:
        require_remotes()
    assert "hunter2" not in str(caught.value)


def test_of_many_errors_of_dvc_the_last_are_shown() -> None:
    errors = "".join(f"ERROR: failed to transfer '{number}' - gone\n" for number in range(30))
    text = (
        f"WARNING: a file\n{errors}ERROR: failed to push data to the cloud - 30 files failed to upload\n\nTroubles?\n"
    )
    last = "ERROR: failed to transfer '29' - gone ERROR: failed to push data to the cloud - 30 files failed to upload"
    assert grid_remotes._shorten(text) == last
    assert grid_remotes._shorten("fatal: a\n\nfatal: b\n") == "fatal: a fatal: b"
    assert grid_remotes._shorten("ERROR: https://me:hunter2@host is away") == "ERROR: https://***@host is away"


def test_the_snapshot_has_uncommitted_changes_and_leaves_the_workspace_as_it_is(clone: Path) -> None:
    (clone / "params.yaml").write_text("a: 2\n")
    (clone / "untracked.txt").write_text("mine")
    first, second = write_snapshot(), write_snapshot()
    assert first == second
    assert git(clone, "show", f"{first.revision}:params.yaml") == "a: 2"
    assert git(clone, "rev-parse", f"{first.revision}^") == first.head == git(clone, "rev-parse", "HEAD")
    assert "untracked.txt" not in git(clone, "ls-tree", "-r", "--name-only", first.revision)
    assert git(clone, "status", "--short") == "M params.yaml\n?? untracked.txt"


def test_only_the_cells_that_were_asked_for_are_fetched(clone: Path) -> None:
    head, origin = git(clone, "rev-parse", "HEAD"), str(clone.parent / "origin.git")
    for name in ("a-s1", "b-s1"):
        git(clone, "push", "--quiet", origin, f"{head}:refs/exps/{head[:2]}/{head[2:]}/{name}")
    assert fetch_cells(origin, "", {"a-s1", "c-s1"}) == FetchedCells({"a-s1"}, {})
    assert git(clone, "for-each-ref", "--format=%(refname)", "refs/exps").endswith("/a-s1")
    assert fetch_cells(origin, "", {"c-s1"}) == FetchedCells(set(), {})


def test_a_cell_without_its_data_in_dvcs_remote_does_not_count_and_is_named_with_the_remedy(clone: Path) -> None:
    """The pipeline's shared out, and a metric that DVC does not keep, are not asked for."""
    store, origin = clone.parent / "store", str(clone.parent / "origin.git")
    (store / "m2m-remote").touch()
    stages = {"train": {"cmd": "a", "outs": ["shared", "model"], "metrics": [{"metric": {"cache": False}}]}}
    (clone / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    outs = [{"path": path, "md5": path[0] * 32} for path in ("shared", "model", "metric")]
    (clone / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"train": {"cmd": "a", "outs": outs}}}))
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "--message", "cell")
    head = git(clone, "rev-parse", "HEAD")
    git(clone, "push", "--quiet", origin, f"{head}:refs/exps/{head[:2]}/{head[2:]}/a-s1")
    (clone / "dvc.lock").write_text(
        yaml.safe_dump({"schema": "2.0", "stages": {"train": {"cmd": "a", "outs": outs[:1]}}})
    )
    fetched = fetch_cells(origin, str(store), {"a-s1"})
    assert fetched.complete == set()
    assert fetched.torn["a-s1"].startswith(
        "DVC's remote lacks 1 files of a-s1, first model, though git's has its ref. Run dvc push where they are, or "
        f"git push {origin} --delete refs/exps/{head[:2]}/{head[2:]}/a-s1, and then the same"
    )
    assert git(clone, "for-each-ref", "refs/exps") == ""
    (store / "files/md5/mm").mkdir(parents=True)
    (store / "files/md5/mm" / ("m" * 30)).touch()
    assert fetch_cells(origin, str(store), {"a-s1"}) == FetchedCells({"a-s1"}, {})
    assert git(clone, "for-each-ref", "--format=%(refname)", "refs/exps").endswith("/a-s1")


def test_the_claims_of_cells_that_nodes_push_are_listed(clone: Path) -> None:
    origin = str(clone.parent / "origin.git")
    assert list_claims(origin, {"a-s1"}) == set()
    for name in ("a-s1", "b-s1"):
        git(clone, "push", "--quiet", origin, f"HEAD:refs/m2m/pushing/{name}")
    assert list_claims(origin, {"a-s1", "c-s1"}) == {"a-s1"}


def test_a_remote_that_refuses_this_machine_is_told_at_once(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ssh that notes its options, and says what OpenSSH says to a wrong key."""
    monkeypatch.setattr(patience, "sleep", lambda _: pytest.fail("it was tried again"))
    (tmp_path / "ssh").write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/options\necho "git@host: Permission denied (publickey)." >&2\nexit 255\n'
    )
    (tmp_path / "ssh").chmod(0o755)
    git(clone, "config", "core.sshCommand", f"{tmp_path}/ssh -i mine")
    with pytest.raises(
        PermissionError, match=r"git ls-remote: the remote refused this machine .*publickey.* Give it a key"
    ):
        fetch_cells("git@host:group/name.git", "", {"a"})
    options = (tmp_path / "options").read_text()
    assert options.startswith("-i mine -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15")


def test_a_remote_that_never_answers_is_given_up(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_remotes, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(patience, "REMOTE_PATIENCE", 0)
    with pytest.raises(RemoteAway, match=r"sleep of the remote did not end in 0\.2 s for 0 s\. Nothing is lost"):
        grid_remotes.call_remote(["sleep", "60"], "sleep")


def test_a_remote_that_comes_back_is_waited_for_and_one_that_stays_away_named(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    origin, hidden = clone.parent / "origin.git", clone.parent / "hidden.git"
    origin.rename(hidden)
    tries = []

    def sleep(seconds: float) -> None:
        tries.append(seconds)
        if len(tries) == 3:
            hidden.rename(origin)

    monkeypatch.setattr(patience, "sleep", sleep)
    assert fetch_cells(str(origin), "", {"a"}) == FetchedCells(set(), {})
    assert len(tries) == 3
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("grid: git ls-remote of the remote failed (") and line.endswith("is tried again for 600 s")
    monkeypatch.setattr(patience, "REMOTE_PATIENCE", 0)
    with pytest.raises(RemoteAway, match=r"git ls-remote .*nowhere.* for 0 s\. Nothing is lost: run the same"):
        fetch_cells(str(clone.parent / "nowhere"), "", {"a"})
