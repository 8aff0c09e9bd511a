"""A network of its own for each node of a local cluster, where this machine lets us make some."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

LOOPBACK = "127.0.0.1"


class NodeNetwork(NamedTuple):
    """Where a node runs: words before its commands, its address, and the name of its network; "" without one."""

    words: list[str]
    address: str
    name: str = ""

    def set_cable(self, state: str) -> None:
        """Plug the cable in, "up", or pull it out, "down"."""
        run_ip("-n", self.name, "link", "set", "eth0", state)


@contextmanager
def open_networks(count: int) -> Iterator[list[NodeNetwork]]:
    """Network namespaces on one bridge, 10.213.7.1 first; where they cannot be made, all nodes are at 127.0.0.1."""
    bridge, networks = f"m2mb{os.getpid() % 100_000}", []
    try:
        try:
            run_ip("link", "add", bridge, "type", "bridge")
            run_ip("link", "set", bridge, "up")
            for number in range(count):
                networks.append(_make_network(bridge, number))
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            print(f"no network namespaces here ({error}): all nodes are at {LOOPBACK}", flush=True)
            yield [NodeNetwork([], LOOPBACK)] * count
            return
        yield networks
    finally:
        if shutil.which("ip"):
            for number in range(count):
                subprocess.run(["ip", "netns", "delete", f"{bridge}n{number}"], capture_output=True, check=False)
            subprocess.run(["ip", "link", "delete", bridge], capture_output=True, check=False)


def _make_network(bridge: str, number: int) -> NodeNetwork:
    name, cable, address = f"{bridge}n{number}", f"{bridge}c{number}", f"10.213.7.{number + 1}"
    run_ip("netns", "add", name)
    run_ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
    run_ip("link", "set", cable, "master", bridge, "up")
    run_ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
    for link in ("lo", "eth0"):
        run_ip("-n", name, "link", "set", link, "up")
    return NodeNetwork(["ip", "netns", "exec", name], address, name)


def run_ip(*words: str) -> None:
    """Run ip of iproute2; CalledProcessError where it fails."""
    subprocess.run(["ip", *words], check=True, capture_output=True)
