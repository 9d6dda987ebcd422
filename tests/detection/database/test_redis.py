"""Against a real Redis: open, with a documented password, and hardened with ACLs and TLS."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote

import pytest

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.database import DatabaseTool
from tests.detection.database.conftest import SECRET, Look
from tests.detection.database.servers import Server, certificates, own_folder, running
from tests.programs import free_port, program

pytestmark = pytest.mark.slow
OWN = quote(SECRET, safe="")


def redis(folder: Path, config: str) -> AbstractContextManager[Server]:
    port = free_port()
    (folder / "redis.conf").write_text(f"bind 127.0.0.1\nsave ''\ndir {folder}\n{config.replace('PORT', str(port))}\n")
    return running([program("redis-server"), "redis.conf"], folder, port)


@pytest.fixture(scope="module")
def weak() -> Iterator[Server]:
    config = "port PORT\nprotected-mode no\nenable-debug-command local\nenable-module-command yes\nenable-protected-configs yes"
    with own_folder() as folder, redis(folder, config) as server:
        yield server


@pytest.fixture(scope="module")
def foobared() -> Iterator[Server]:
    with own_folder() as folder, redis(folder, "port PORT\nrequirepass foobared") as server:
        yield server


@pytest.fixture(scope="module")
def hard() -> Iterator[Server]:
    with own_folder() as folder:
        linked = subprocess.run(["ldd", program("redis-server")], capture_output=True, text=True, check=False).stdout
        if "libssl" not in linked:
            pytest.skip("needs a redis-server that was built with TLS")
        certificates(folder)
        config = (
            "port 0\ntls-port PORT\ntls-cert-file server.pem\ntls-key-file server.key\ntls-auth-clients no\n"
            f"user default off\nuser auditor on >{SECRET} -@all +ping +info +config|get +acl|list +command\n"
        )
        with redis(folder, config) as server:
            yield server


def test_every_weakness_of_an_open_server_is_found(weak: Server, look: Look) -> None:
    found = look(f"redis://127.0.0.1:{weak.port}")
    assert found.settings == [
        ("redis-files-writable", "high"), ("redis-module-command", "high"), ("redis-no-authentication", "high"),
        ("redis-debug-command", "medium"), ("redis-protected-configs", "medium"), ("redis-protected-mode-off", "medium"),
        ("redis-default-user", "low"), ("redis-tls-off", "info"),
    ]  # fmt: skip
    assert found.notes == []
    assert found.evidence("redis-no-authentication") == "PING answered +PONG without AUTH"
    assert found.evidence("redis-tls-off") == "+PONG"
    assert found.evidence("redis-default-user").splitlines() == [
        "line=user default on nopass ~* &* +@all", "line=config",
    ]  # fmt: skip
    assert found.evidence("redis-debug-command") == "name=enable-debug-command, setting=local"
    assert found.evidence("redis-files-writable").splitlines() == [
        f"name=dir, setting={weak.folder}", "PING answered +PONG without AUTH",
    ]  # fmt: skip


def test_a_documented_password_is_found(foobared: Server, look: Look) -> None:
    found = look(f"redis://127.0.0.1:{foobared.port}")
    assert found.settings == [
        ("redis-default-credentials", "high"), ("redis-default-user", "low"), ("redis-tls-off", "info"),
    ]  # fmt: skip
    assert found.evidence("redis-default-user").startswith("line=user default on #... ~* &* +@all")  # no hash


def test_a_hardened_server_stays_silent(hard: Server, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    target = f"redis://127.0.0.1:{hard.port}"
    stranger = look(target)
    assert (list(stranger), stranger.notes) == ([], [])
    monkeypatch.setenv("SSL_CERT_FILE", str(hard.folder / "ca.pem"))
    found = look(target, f"redis://auditor:{OWN}@127.0.0.1:{hard.port}")
    assert (found.settings, found.notes) == ([], [])


def test_the_password_of_the_settings_is_not_sent_where_it_could_be_read(
    hard: Server, foobared: Server, look: Look
) -> None:
    for server in (hard, foobared):  # TLS that nobody vouches for, and none
        found = look(f"redis://127.0.0.1:{server.port}", f"redis://auditor:{OWN}@127.0.0.1:{server.port}")
        assert found.notes[-1].endswith(
            "could not sign in as auditor with the password of the settings: AUTH sends the password in the clear, and the"
            " link is not safe for that; not sent"
        )


def test_a_dry_run_sends_nothing_and_tells_everything(weak: Server, look: Look) -> None:
    target = f"redis://127.0.0.1:{weak.port}"
    client = [program("redis-cli"), "-p", str(weak.port)]
    subprocess.run([*client, "CONFIG", "RESETSTAT"], check=True, capture_output=True)
    requests = DatabaseTool(ScanSettings(databases=(target,))).requests(target)
    assert len(requests) == 11
    assert requests[0].startswith(f"{target} connect, PING ")
    assert requests[2:4] == [f"{target} CONFIG GET protected-mode", f"{target} CONFIG GET bind"]
    look(target)
    told = subprocess.run([*client, "INFO", "commandstats"], check=True, capture_output=True, text=True).stdout
    counts = {line.split(":")[0]: int(line.split("calls=")[1].split(",")[0]) for line in told.splitlines()[1:]}
    assert counts == {
        "cmdstat_config|resetstat": 1, "cmdstat_ping": 1, "cmdstat_info": 1, "cmdstat_config|get": 7,
        "cmdstat_acl|list": 1, "cmdstat_command|info": 1,
    }  # fmt: skip
