"""A network namespace of the test's own: real nftables, and nothing of the machine's is touched."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("driver.py")


class Namespace:
    """One network namespace; commands run inside it with ``ip netns exec``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._driver: subprocess.Popen[str] | None = None

    def argv(self, *argv: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *argv]

    def run(self, *argv: str, text: str = "") -> str:
        done = subprocess.run(self.argv(*argv), input=text, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ruleset(self) -> bytes:
        done = subprocess.run(self.argv("nft", "list", "ruleset"), capture_output=True, timeout=20, check=True)
        return done.stdout

    def popen(self, *argv: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            self.argv(*argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def call(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Ask the responder that runs as a real process inside the namespace."""
        if self._driver is None:
            self._driver = self.popen(sys.executable, str(DRIVER))
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        self._driver.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._driver.stdin.flush()
        answer: dict[str, Any] = json.loads(self._driver.stdout.readline())
        return answer

    def close(self) -> None:
        if self._driver is not None:
            self._driver.communicate(timeout=20)
        subprocess.run(["ip", "netns", "del", self.name], check=False, timeout=20)


def why_not() -> str:
    """Why namespaces with nftables cannot be used here; empty when they can."""
    if os.geteuid() != 0:
        return "needs root"
    for tool in ("ip", "nft"):
        if shutil.which(tool) is None:
            return f"needs {tool}"
    name = f"soctui-probe-{secrets.token_hex(4)}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, timeout=20, check=False)
    if made.returncode != 0:
        return f"network namespaces cannot be made here: {made.stderr.strip()}"
    try:
        script = "add table inet t\nadd set inet t s { type ipv4_addr; flags timeout; }\n"
        done = subprocess.run(["ip", "netns", "exec", name, "nft", "-f", "-"], input=script, capture_output=True,
                              text=True, timeout=20, check=False)  # fmt: skip
        return f"nftables does not work here: {done.stderr.strip()}" if done.returncode else ""
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, timeout=20)


@pytest.fixture(scope="session")
def namespaces_work() -> None:
    reason = why_not()
    if reason:
        pytest.skip(f"network namespaces with nftables: {reason}")


@pytest.fixture
def make_namespace(namespaces_work: None) -> Iterator[Callable[[], Namespace]]:
    """A maker of namespaces that are removed whatever happens."""
    made: list[Namespace] = []

    def make() -> Namespace:
        name = f"soctui-{secrets.token_hex(4)}"
        subprocess.run(["ip", "netns", "add", name], check=True, timeout=20)
        made.append(Namespace(name))
        made[-1].run("ip", "link", "set", "lo", "up")
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def namespace(make_namespace: Callable[[], Namespace]) -> Namespace:
    return make_namespace()


@pytest.fixture
def fake_nft(tmp_path: Path) -> Callable[[str], Path]:
    """An executable in nft's place that prints one message on stderr and fails: for errors no test machine has."""

    def make(message: str) -> Path:
        path = tmp_path / "nft"
        path.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{message}' >&2\nexit 1\n")
        path.chmod(0o755)
        return path

    return make
