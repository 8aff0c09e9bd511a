"""Slurm itself on this machine: a controller and two nodes in a temporary folder, ended by process number."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch")
MISSING = [name for name in PROGRAMS if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
WARNING = f"NO SLURM HERE: it was not tested (apt-get install slurmctld slurmd slurm-client munge; missing: {MISSING})"
CONFIG = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmctldPort={ports[0]}
SlurmdTimeout=8
InactiveLimit=0
KillWait=2
MinJobAge=300
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=100000
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


class SlurmCluster:
    """The daemons, by what they are: munged, slurmctld, n1, n2."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.daemons = folder, {}  # type: ignore[var-annotated]
        for name in ("state", "spool-n1", "spool-n2"):
            (folder / name).mkdir(parents=True)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        folder.chmod(0o755)
        config = CONFIG.format(host=socket.gethostname().split(".")[0], folder=folder, ports=find_ports(3))
        (folder / "slurm.conf").write_text(config)
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
        self.environment["PATH"] += ":/usr/sbin"

    def start(self) -> None:
        options = ["--foreground", "--force", f"--key-file={self.folder}/munge.key"]
        options += [f"--socket={self.folder}/munge.socket", f"--pid-file={self.folder}/munged.pid"]
        options += [f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munged.seed"]
        self.launch("munged", "munged", *options)
        self.wait((self.folder / "munge.socket").exists, "munged")
        self.launch("slurmctld", "slurmctld", "-D", "-i")
        for node in ("n1", "n2"):
            self.start_node(node)
        self.wait(lambda: self.ask("sinfo", "-h", "-o", "%T %D").split() == ["idle", "2"], "both nodes")

    def start_node(self, name: str) -> None:
        self.launch(name, "slurmd", "-D", "-N", name)

    def launch(self, name: str, *words: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(words, env=self.environment, stdin=-3, stdout=out, stderr=out)

    def kill(self, name: str) -> None:
        """End a daemon and what it started."""
        daemon = self.daemons.pop(name)
        with suppress(psutil.NoSuchProcess):
            for process in [*psutil.Process(daemon.pid).children(recursive=True), psutil.Process(daemon.pid)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        daemon.wait()

    def kill_steps(self, node: str) -> None:
        """End what runs on a node: slurmstepd leaves slurmd's family, and so does what it runs."""
        for process in psutil.process_iter(["cmdline", "name", "environ"]):
            environment = process.info["environ"] or {}
            if environment.get("SLURM_CONF") == self.environment["SLURM_CONF"] and (
                environment.get("SLURMD_NODENAME") == node
            ):
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    def ask(self, *words: str) -> str:
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, check=False).stdout

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        for _ in range(300):
            if holds():
                return
            time.sleep(0.2)
        logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in self.folder.glob("*.log"))
        raise AssertionError(f"{what} did not come up in a minute:\n{logs}")


@contextmanager
def run_slurm(folder: Path) -> Iterator[SlurmCluster]:
    cluster = SlurmCluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        for node in ("n1", "n2"):
            cluster.kill_steps(node)
        for name in list(cluster.daemons):
            cluster.kill(name)


def find_ports(count: int) -> list[int]:
    """Free ports of this machine."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
