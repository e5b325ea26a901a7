"""Make machines: network namespaces, each with an address of its own, joined by a bridge in one more."""

import os
import subprocess
from collections.abc import Sequence


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)


class Machines:
    """Network namespaces that reach each other and nothing else; the machine's own network is not touched."""

    def __init__(self, *names: str) -> None:
        self._prefix = f"sg{os.getpid()}"
        self.addresses = {name: f"10.213.7.{number}" for number, name in enumerate(names, 1)}
        self._made: list[str] = []

    def up(self) -> str | None:
        """Make them; return why that is not possible here."""
        try:
            self._up()
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
        except subprocess.CalledProcessError as error:
            return f"{' '.join(error.cmd)}: {error.stderr.decode().strip()}"
        return None

    def _up(self) -> None:
        hub = self._make("hub")
        _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", hub, "link", "set", "bridge", "up")
        for name, address in self.addresses.items():
            space = self._make(name)
            _ip("-n", hub, "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("-n", hub, "link", "set", f"to-{name}", "master", "bridge", "up")
            _ip("-n", space, "address", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "eth0", "up")

    def _make(self, name: str) -> str:
        space = f"{self._prefix}-{name}"
        _ip("netns", "add", space)
        self._made.append(space)
        _ip("-n", space, "link", "set", "lo", "up")
        return space

    def inside(self, name: str) -> Sequence[str]:
        """Return what is put before a command to have it run on a machine."""
        return ("ip", "netns", "exec", f"{self._prefix}-{name}")

    def down(self) -> None:
        for space in self._made:
            subprocess.run(["ip", "netns", "delete", space], check=False, capture_output=True, timeout=20)
