"""Against a real MariaDB: a weak one whose every weakness is found, and a hardened one that stays silent."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.detection.database.conftest import SECRET, Look
from tests.detection.database.servers import Server, certificates, give, own_folder, run, running
from tests.programs import free_port, program

pytestmark = pytest.mark.slow
OWN = quote(SECRET, safe="")


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A data folder as it is after installation; made once, because it takes seconds."""
    with own_folder() as folder:
        install(folder)
        yield folder / "data"


def install(folder: Path) -> None:
    run(
        [program("mariadb-install-db"), "--no-defaults", f"--datadir={folder}/data", f"--tmpdir={folder}",
         "--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=4M"], folder,
    )  # fmt: skip


def installed(template: Path, folder: Path, port: int, sql: str, *options: str) -> list[str]:
    """A data folder of its own; returns the command that starts its server."""
    shutil.copytree(template, folder / "data")
    (folder / "init.sql").write_text(sql)
    give(folder)
    return [
        program("mariadbd"), "--no-defaults", f"--datadir={folder}/data", f"--tmpdir={folder}", f"--port={port}",
        f"--socket={folder}/sock", f"--pid-file={folder}/pid", "--bind-address=127.0.0.1", f"--init-file={folder}/init.sql",
        "--skip-name-resolve", "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=8M", *options,
    ]  # fmt: skip


def only_root(password: str) -> str:
    """The SQL that leaves root on this machine alone, with a password."""
    hosts = ("localhost", "127.0.0.1", "::1")
    passwords = "".join(f"SET PASSWORD FOR root@'{host}' = PASSWORD('{password}');\n" for host in hosts)
    return f"{passwords}DELETE FROM mysql.global_priv WHERE User = 'root' AND Host NOT IN {hosts};\n"


def careful(folder: Path) -> list[str]:
    """The options of a server that gives no file away and speaks TLS."""
    return [
        "--local-infile=0", f"--secure-file-priv={folder}", f"--ssl-cert={folder}/server.pem",
        f"--ssl-key={folder}/server.key",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def weak(template: Path) -> Iterator[Server]:
    with own_folder() as folder:
        port = free_port()
        sql = (
            "CREATE USER root@'%' IDENTIFIED BY 'x';\nCREATE USER ''@'192.0.2.1';\n"
            "CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'shop';\nGRANT ALL ON *.* TO shop@'127.0.0.1';\n"
        )
        with running(
            installed(template, folder, port, sql, "--local-infile=1", "--secure-file-priv="), folder, port
        ) as server:
            yield server


@pytest.fixture(scope="module")
def rooted(template: Path) -> Iterator[Server]:
    with own_folder() as folder:
        port = free_port()
        certificates(folder)
        command = installed(template, folder, port, only_root("root"), *careful(folder))
        with running(command, folder, port) as server:
            yield server


@pytest.fixture(scope="module")
def hard(template: Path) -> Iterator[Server]:
    with own_folder() as folder:
        port = free_port()
        certificates(folder)
        sql = only_root(SECRET) + "DELETE FROM mysql.global_priv WHERE User = '';\nFLUSH PRIVILEGES;\n"
        command = installed(template, folder, port, sql, *careful(folder), "--require-secure-transport=1")
        with running(command, folder, port) as server:
            yield server


def test_every_weakness_of_a_weak_server_is_found(weak: Server, look: Look) -> None:
    client = [program("mariadb"), "--no-defaults", "-h127.0.0.1", f"-P{weak.port}", "-ushop", "-pshop", "-BN"]
    with subprocess.Popen([*client, "--unbuffered"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shop:
        assert shop.stdin
        assert shop.stdout
        shop.stdin.write("SELECT 'in';\n")
        shop.stdin.flush()
        assert shop.stdout.readline() == "in\n"
        found = look(f"mysql://127.0.0.1:{weak.port}", websites=("http://127.0.0.1:8080",))
        shop.stdin.close()
    assert found.settings == [
        ("mysql-empty-password", "high"), ("mysql-no-authentication", "high"), ("mysql-superuser-from-website", "high"),
        ("mysql-anonymous-account", "medium"), ("mysql-files-anywhere", "medium"), ("mysql-root-from-anywhere", "medium"),
        ("mysql-local-infile", "low"), ("mysql-tls-off", "info"),
    ]  # fmt: skip
    assert found.notes == []
    assert found.evidence("mysql-no-authentication") == "OK for root with an empty password"
    assert found.evidence("mysql-superuser-from-website") == "account=shop, address=127.0.0.1, db="
    assert found.evidence("mysql-files-anywhere") == "Variable_name=secure_file_priv, Value="
    assert "account=, host=192.0.2.1, super=N, plugin=mysql_native_password, password=none" in found.evidence(
        "mysql-anonymous-account"
    )
    assert found.evidence("mysql-root-from-anywhere").startswith("account=root, host=%, super=N")


def test_a_documented_password_is_found(rooted: Server, look: Look) -> None:
    found = look(f"mysql://127.0.0.1:{rooted.port}")
    assert found.settings == [("mysql-default-credentials", "high"), ("mysql-tls-optional", "info")]
    assert found.evidence("mysql-default-credentials").startswith(
        "let in as root with the documented password 'root' ("
    )


def test_a_hardened_server_stays_silent(hard: Server, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    target = f"mysql://127.0.0.1:{hard.port}"
    stranger = look(target)
    assert (stranger.settings, stranger.notes) == ([], [])
    monkeypatch.setenv("SSL_CERT_FILE", str(hard.folder / "ca.pem"))
    found = look(target, f"mysql://root:{OWN}@127.0.0.1:{hard.port}")
    assert (found.settings, found.notes) == ([], [])


def test_a_server_without_accounts_is_found(template: Path, look: Look) -> None:
    with own_folder() as folder:
        port = free_port()
        command = installed(
            template, folder, port, "", "--skip-grant-tables", "--local-infile=0", f"--secure-file-priv={folder}"
        )
        command = [word for word in command if not word.startswith("--init-file")]
        with running(command, folder, port):
            found = look(f"mariadb://127.0.0.1:{port}")
    assert found.settings[0] == ("mysql-grant-tables-skipped", "critical")
    assert found.evidence("mysql-grant-tables-skipped").startswith("error=1290, message=")
    assert ("mysql-no-authentication", "high") in found.settings
