"""Real database servers of the tests' own: their files in a folder of their own, their ports free ones of loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.programs import program

NOBODY = 65534
"""PostgreSQL refuses to run as root."""
AS_NOBODY: dict[str, object] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}


@dataclass
class Server:
    """A running server."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that an unprivileged server can reach, which it cannot below pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="soc-tui-db-"))
    try:
        give(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def give(path: Path) -> None:
    """Make a file or a whole tree the server's."""
    if AS_NOBODY:
        for one in [path, *path.rglob("*")]:
            os.chown(one, NOBODY, NOBODY)


def run(command: Sequence[str], folder: Path, **more: object) -> subprocess.CompletedProcess[str]:
    """A step of setting a server up; what went wrong is in the failure."""
    done = subprocess.run(
        list(command), cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env=_environment(folder), **AS_NOBODY, **more,
    )  # type: ignore[call-overload]  # fmt: skip
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done  # type: ignore[no-any-return]


@contextmanager
def running(
    command: Sequence[str], folder: Path, port: int, *, wait: bool = True, privileged: bool = False
) -> Iterator[Server]:
    """The server, once it listens; it is gone when the block ends.

    Args:
        command: starts it in the foreground.
        folder: where it works and its log goes.
        port: where it listens.
        wait: until it does; not from outside its network namespace.
        privileged: it gives its rights up by itself.
    """
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            list(command), cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=_environment(folder),
            **({} if privileged else AS_NOBODY),
        )  # type: ignore[call-overload]  # fmt: skip
    server = Server(port, folder, process)
    try:
        for _ in range(600):
            if process.poll() is not None or not wait or _listens(port):
                break
            time.sleep(0.1)
        if process.poll() is not None:
            pytest.fail(f"{command[0]} did not start: {server.log[-3000:]}")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _listens(port: int) -> bool:
    """Whether somebody listens, without a connection that a server would count."""
    table = Path("/proc/net/tcp").read_text() if Path("/proc/net/tcp").exists() else ""
    return f":{port:04X} 00000000:0000 0A" in table


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TZ": "UTC", "LC_ALL": "C"}


def certificates(folder: Path) -> Path:
    """``ca.pem`` and a server's ``server.pem`` and ``server.key`` for 127.0.0.1.

    Returns:
        The authority's certificate.
    """
    openssl = program("openssl")
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    for command in (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.pem",
    ):
        run([openssl, *command.split()], folder)
    (folder / "server.key").chmod(0o600)
    return folder / "ca.pem"
