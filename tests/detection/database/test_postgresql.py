"""Against a real PostgreSQL: a weak one whose every weakness is found, and a hardened one that stays silent."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.database import DatabaseTool
from soc_tui.detection.database.channel import Door
from soc_tui.detection.database.postgresql import sign_in
from soc_tui.detection.database.session import Link, Login, RefusedError
from tests.detection.database.conftest import SECRET, Look
from tests.detection.database.servers import Server, certificates, own_folder, run, running
from tests.programs import free_port, program

pytestmark = pytest.mark.slow
OWN = quote(SECRET, safe="")


def cluster(folder: Path, port: int, config: str, rules: str, sql: str) -> list[str]:
    """A new cluster with accounts from ``sql``; returns the command that starts it."""
    (folder / "password").write_text(SECRET)
    run([program("initdb"), "-D", "data", "-U", "postgres", "-A", "trust", "--no-sync", "--pwfile=password"], folder)
    lines = f"port={port}\nunix_socket_directories=''\nfsync=off\nlog_statement=all\n{config}\n"
    with (folder / "data/postgresql.conf").open("a") as file:
        file.write(lines)
    single = [program("postgres"), "--single", "-D", "data", "-j", "postgres"]
    run(single, folder, input=sql)
    (folder / "data/pg_hba.conf").write_text(rules)
    return [program("postgres"), "-D", "data"]


@pytest.fixture(scope="module")
def weak() -> Iterator[Server]:
    with own_folder() as folder:
        port = free_port()
        command = cluster(
            folder, port, "ssl=off\npassword_encryption=md5\nlog_connections=off\nlisten_addresses='127.0.0.1'",
            "host all postgres 127.0.0.1/32 md5\nhost all all 0.0.0.0/0 trust\n",
            "ALTER ROLE postgres PASSWORD 'postgres';\n\nCREATE ROLE app LOGIN SUPERUSER;\n\n"
            "CREATE ROLE batch LOGIN IN ROLE pg_execute_server_program;\n\n",
        )  # fmt: skip
        with running(command, folder, port) as server:
            yield server


@pytest.fixture(scope="module")
def hard() -> Iterator[Server]:
    with own_folder() as folder:
        port = free_port()
        certificates(folder)
        config = (
            "ssl=on\nssl_cert_file='../server.pem'\nssl_key_file='../server.key'\npassword_encryption=scram-sha-256\n"
            "log_connections=on\nlisten_addresses='127.0.0.1'"
        )
        command = cluster(
            folder, port, config, "hostssl all all 127.0.0.1/32 scram-sha-256\n",
            f"ALTER ROLE postgres PASSWORD '{SECRET}';\n\nCREATE ROLE viewer LOGIN PASSWORD '{SECRET}';\n\n",
        )  # fmt: skip
        with running(command, folder, port) as server:
            yield server


@pytest.fixture
def website_session(weak: Server) -> Iterator[None]:
    """Somebody who works as a superuser over TCP from 127.0.0.1, where a website is."""
    url = f"postgresql://app@127.0.0.1:{weak.port}/postgres?application_name=shop"
    psql = subprocess.Popen(
        [program("psql"), "-X", "-q", "-A", "-t", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert psql.stdin
    assert psql.stdout
    psql.stdin.write("SELECT 'in';\n")
    psql.stdin.flush()
    assert psql.stdout.readline() == "in\n"
    yield
    psql.communicate(timeout=20)


@pytest.mark.usefixtures("website_session")
def test_every_weakness_of_a_weak_server_is_found(weak: Server, look: Look) -> None:
    found = look(f"postgresql://127.0.0.1:{weak.port}", websites=("http://127.0.0.1:8080",))
    assert found.settings == [
        ("postgresql-default-credentials", "high"), ("postgresql-superuser-from-website", "high"),
        ("postgresql-trust-rule", "high"), ("postgresql-md5-passwords", "medium"), ("postgresql-md5-stored", "medium"),
        ("postgresql-open-rule", "medium"), ("postgresql-program-accounts", "medium"),
        ("postgresql-connections-not-logged", "low"), ("postgresql-tls-off", "info"),
    ]  # fmt: skip
    assert found.notes == []
    assert found.evidence("postgresql-tls-off") == "N"
    assert found.evidence("postgresql-default-credentials") == (
        "let in as postgres with the documented password 'postgres' (https://wiki.postgresql.org/ and most tutorials)"
    )
    assert found.evidence("postgresql-superuser-from-website") == (
        "account=app, address=127.0.0.1, database=postgres, application=shop, sessions=1"
    )
    assert found.evidence("postgresql-trust-rule") == (
        "line_number=2, type=host, databases={all}, users={all}, address=0.0.0.0, netmask=0.0.0.0, auth_method=trust"
    )
    assert found.evidence("postgresql-program-accounts") == "account=app, superuser=t\naccount=batch, superuser=f"
    assert found.evidence("postgresql-md5-passwords") == "name=password_encryption, setting=md5"
    first = found[0]
    assert (first.target, first.host, first.ip, first.port) == (
        f"postgresql://127.0.0.1:{weak.port}", "", "127.0.0.1", weak.port,
    )  # fmt: skip
    assert (first.kind, first.weaknesses, first.techniques) == ("vulnerability", ("CWE-1392",), ("T1078.001",))


def test_a_role_that_needs_no_password_is_found(weak: Server, look: Look) -> None:
    target = f"postgresql://127.0.0.1:{weak.port}"
    found = look(target, f"postgresql://app:{OWN}@127.0.0.1:{weak.port}")
    assert found.settings[0] == ("postgresql-no-authentication", "high")
    assert found.evidence("postgresql-no-authentication") == "AuthenticationOk for app without a password"
    assert "postgresql-default-credentials" not in [check for check, _ in found.settings]  # nothing more was tried


def test_a_hardened_server_stays_silent(hard: Server, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    target = f"postgresql://127.0.0.1:{hard.port}"
    assert look(target).settings == []
    assert look(target).notes == []
    monkeypatch.setenv("SSL_CERT_FILE", str(hard.folder / "ca.pem"))
    found = look(target, f"postgresql://postgres:{OWN}@127.0.0.1:{hard.port}")
    assert (found.settings, found.notes) == ([], [])


def test_without_an_authority_the_password_is_only_proved(hard: Server, look: Look) -> None:
    """SCRAM shows it to nobody, so a certificate of the house is a note and no end."""
    target = f"postgresql://127.0.0.1:{hard.port}"
    found = look(target, f"postgresql://viewer:{OWN}@127.0.0.1:{hard.port}")
    assert found.settings == []
    assert [note.split(":", 2)[-1].partition(" ")[2] for note in found.notes] == [
        "its certificate is not vouched for: unable to get local issuer certificate; its password is shown to it by"
        " challenge only",
        "did not let this account read rules, stored",
    ]


def test_nothing_is_asked_that_a_dry_run_does_not_tell(weak: Server, look: Look) -> None:
    target = f"postgresql://127.0.0.1:{weak.port}"
    before = len(weak.log)
    look(target)
    requests = DatabaseTool(ScanSettings(databases=(target,))).requests(target)
    asked = [line.split("statement: ", 1)[1] for line in weak.log[before:].splitlines() if "statement: " in line]
    assert [f"{target} {statement}" for statement in asked] == requests[2:]
    assert requests[0] == (
        f"{target} connect, SSLRequest, TLS where offered, StartupMessage of a read-only session, sign in as postgres with "
        "the documented password 'postgres' [https://wiki.postgresql.org/ and most tutorials]"
    )


def test_the_session_can_only_read(weak: Server) -> None:
    """What the first message asks for holds, should a statement ever write."""
    door = Door("127.0.0.1", ("127.0.0.1",), weak.port, 5.0, time.monotonic() + 20)
    session = sign_in(door, Login("app"), Link(), "")
    with pytest.raises(RefusedError) as refused:
        session.ask("CREATE TABLE t (a int)")
    assert refused.value.code == "25006"
    assert session.ask("SELECT 1 AS one, NULL AS nothing") == [{"one": "1", "nothing": ""}]
    session.close()
