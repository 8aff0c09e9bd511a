"""A remote of DVC that dies in a push or a pull loses nothing, and the same command goes on; ssh:// is one of them."""

import hashlib
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest

from m2m.grid.machines import grid_remotes, patience, remote_calls
from tests.file_store import FileStore, serve_files
from tests.test_smoke import commit, environment

pytestmark = pytest.mark.long
FILES = 12
PUSH, PULL = (["dvc", verb, "--jobs", "2"] for verb in ("push", "pull"))


def dvc(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["dvc", *words], cwd=folder, env=environment(), capture_output=True, text=True)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose DVC has a folder of twelve files, each of which is larger than a socket takes at once."""
    folder = tmp_path_factory.mktemp("prepared") / "clone"
    (folder / "data").mkdir(parents=True)
    for number in range(FILES):
        (folder / f"data/{number}").write_bytes(random.Random(number).randbytes(300_000))
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    for words in (["init", "--quiet"], ["add", "--quiet", "data"]):
        assert not dvc(folder, *words).returncode
    return folder


@pytest.fixture
def clone(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(prepared, tmp_path / "clone")
    monkeypatch.chdir(tmp_path / "clone")
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    return tmp_path / "clone"


def name_remote(clone: Path, **settings: str | int | Path) -> None:
    """What `dvc remote add --default` and `dvc remote modify` write."""
    lines = "".join(f"    {name} = {value}\n" for name, value in settings.items())
    (clone / ".dvc/config").write_text(f"[core]\n    remote = ours\n['remote \"ours\"']\n{lines}")


def forget_data(clone: Path) -> None:
    shutil.rmtree(clone / "data")
    shutil.rmtree(clone / ".dvc/cache")


def is_whole(path: Path) -> bool:
    return hashlib.md5(path.read_bytes()).hexdigest() == f"{path.parent.name}{path.name.removesuffix('.dir')}"


def list_store(store: Path) -> list[Path]:
    """The files under their final names; what an upload over ssh had begun stays as .NAME.tmp."""
    return [path for path in (store / "files").rglob("*") if path.is_file() and path.suffix != ".tmp"]


@pytest.fixture
def dying(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileStore]:
    """A store that dies in the fifth transfer of each command, twice; it is back when a command is tried again."""
    with serve_files(tmp_path / "store", last=4) as store:
        name_remote(clone, url=store.url, method="PUT")

        def come_back(_: float) -> None:
            store.count = 0
            store.last *= 2

        monkeypatch.setattr(patience, "sleep", come_back)
        monkeypatch.setattr(remote_calls, "sleep", come_back)
        yield store


def test_a_grids_push_to_a_store_that_dies_in_it_goes_on_when_it_is_back(
    clone: Path, tmp_path: Path, dying: FileStore, capsys: pytest.CaptureFixture[str]
) -> None:
    pushed = grid_remotes.call_remote(PUSH, "dvc push")
    assert int(pushed.split()[0]) < FILES  # the first tries' files are not sent again
    assert len(list_store(tmp_path / "store")) == FILES + 1
    assert [path for path in list_store(tmp_path / "store") if not is_whole(path)] == []
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("grid: dvc push of the remote failed (ERROR: failed to transfer")
    assert "files failed to upload), and is tried again for 600 s" in line


def test_a_nodes_pull_from_a_store_that_dies_in_it_goes_on_when_it_is_back(
    clone: Path, tmp_path: Path, dying: FileStore
) -> None:
    dying.last = 10**9
    assert not dvc(clone, "push").returncode
    forget_data(clone)
    dying.count, dying.last = 0, 4
    (tmp_path / "log").touch()
    remote_calls.insist(PULL, clone, tmp_path / "log", environment())
    assert (tmp_path / "log").read_text().count("ERROR: failed to pull data from the cloud") in (1, 2)
    assert len(list((clone / "data").iterdir())) == FILES
    assert [path for path in list_store(clone / ".dvc/cache") if not is_whole(path)] == []


def test_a_grid_whose_store_stays_away_says_so_in_one_sentence(
    clone: Path, dying: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying.last = 0
    monkeypatch.setattr(patience, "REMOTE_PATIENCE", 0)
    with pytest.raises(patience.RemoteAway) as caught:
        grid_remotes.call_remote(PUSH, "dvc push")
    assert str(caught.value).startswith("dvc push of the remote failed (ERROR: failed to transfer")
    remedy = "Nothing is lost: run the same command again when the remote is back."
    assert str(caught.value).endswith(f" {FILES + 1} files failed to upload) for 0 s. {remedy}")


@pytest.mark.filterwarnings("default")  # of DVC, which uses what its library will drop
def test_answers_that_a_study_cannot_fetch_are_fetched_by_the_next_one(
    clone: Path, dying: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying.last = 10**9
    assert not dvc(clone, "push").returncode
    commit(clone, "one")
    forget_data(clone)
    monkeypatch.setattr(grid_remotes, "STUDY_FILES", ("data",))
    head = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    dying.count, dying.last = 0, 4
    grid_remotes.fetch_study_files([head])
    assert len(list_store(clone / ".dvc/cache")) < FILES
    dying.last = 10**9
    grid_remotes.fetch_study_files([head])
    assert len(list_store(clone / ".dvc/cache")) == FILES + 1
    assert [path for path in list_store(clone / ".dvc/cache") if not is_whole(path)] == []


def test_a_cut_file_of_a_remote_is_refused_where_the_page_is_followed(clone: Path, tmp_path: Path) -> None:
    """DVC takes a file for what its name says, unless it is told to look."""
    store = tmp_path / "store"
    name_remote(clone, url=store)
    assert not dvc(clone, "push").returncode
    cut = next(path for path in list_store(store) if not path.name.endswith(".dir"))
    cut.chmod(0o644)
    os.truncate(cut, 100)
    forget_data(clone)
    pulled = dvc(clone, "pull")
    assert not pulled.returncode and min(path.stat().st_size for path in (clone / "data").iterdir()) == 100
    forget_data(clone)
    assert not dvc(clone, "remote", "modify", "ours", "verify", "true").returncode
    refused = dvc(clone, "pull")
    assert refused.returncode and "Checkout failed" in refused.stderr, refused.stderr
    page = (Path(__file__).parents[1] / "docs/how-to/share-results.md").read_text(encoding="utf-8")
    assert "dvc remote modify ours verify true" in page


SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
WHY_NOT = (
    "an sshd lets in another person only as root: sudo make test-long" if os.geteuid() else
    "no sshd is here (apt-get install openssh-server)" if not SSHD
    else "dvc-ssh is not here (make remotes)" if not find_spec("dvc_ssh")
    else ""
)  # fmt: skip


class Cable:
    """A way to `port` that is cut after `length` bytes, and then stays cut until it has a new length."""

    def __init__(self, port: int, length: int) -> None:
        self.port, self.length = port, length
        self.listener = socket.create_server(("127.0.0.1", 0))
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed at the end
            while True:
                client, _ = self.listener.accept()
                if self.length <= 0:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.port))
                for source, target in ((client, server), (server, client)):
                    Thread(target=self._copy, args=(source, target), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while self.length > 0 and (raw := source.recv(4096)):
                target.sendall(raw)
                self.length -= len(raw)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[int]:
    """The port of an sshd of our own, which lets in one key that was made for it."""
    folder = tmp_path / "sshd"
    folder.mkdir()
    Path("/run/sshd").mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    for name in ("host", "person"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/person.pub\nPasswordAuthentication no\nPermitRootLogin yes\n"
        "Subsystem sftp internal-sftp\n"
    )
    with (folder / "log").open("ab") as log:
        words = [str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")]
        daemon = subprocess.Popen(words, stdout=log, stderr=log)
    while is_refused(port):
        assert daemon.poll() is None, (folder / "log").read_text()
        time.sleep(0.05)
    yield port
    daemon.terminate()
    daemon.wait()


def is_refused(port: int) -> bool:
    with socket.socket() as probe:
        return bool(probe.connect_ex(("127.0.0.1", port)))


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
def test_a_push_and_a_pull_over_ssh_whose_cable_is_cut_go_on_when_it_is_mended(
    clone: Path, tmp_path: Path, sshd: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cable, store = Cable(sshd, 1_500_000), tmp_path / "store"
    port = cable.listener.getsockname()[1]
    name_remote(clone, url=f"ssh://127.0.0.1{store}", port=port, keyfile=tmp_path / "sshd/person")
    present: list[int] = []

    def mend(_: float) -> None:
        present.append(len(list_store(store)))
        assert [path for path in list_store(store) if not is_whole(path)] == []
        cable.length = 10**9

    monkeypatch.setattr(patience, "sleep", mend)
    grid_remotes.call_remote(PUSH, "dvc push")
    assert 0 < present[0] < FILES
    assert capsys.readouterr().out.count("is tried again for 600 s") == 1
    assert [path for path in list_store(store) if not is_whole(path)] == []
    forget_data(clone)
    cable.length = 1_500_000
    assert dvc(clone, "pull").returncode
    cable.length = 10**9
    assert not dvc(clone, "pull").returncode
    assert len(list((clone / "data").iterdir())) == FILES
    cable.listener.close()
