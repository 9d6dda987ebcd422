"""Against a server of the tests' own that speaks MongoDB's protocol: MongoDB itself is not in Debian."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest

from soc_tui.detection.database.channel import Door
from soc_tui.detection.database.mongodb import sign_in
from soc_tui.detection.database.session import Link, Login
from tests.detection.database.conftest import SECRET, Look
from tests.detection.database.fakes import Mongo, fake
from tests.detection.database.servers import certificates, own_folder

OWN = quote(SECRET, safe="")
HARD = {"net": {"bindIp": "127.0.0.1"}, "security": {"authorization": "enabled", "javascriptEnabled": False}}


def test_every_weakness_of_an_open_server_is_found(look: Look) -> None:
    mongo = Mongo("7.0.27", {"net": {"bindIp": "127.0.0.1,0.0.0.0", "port": 27017}}, {}, authorization=False)
    with fake(mongo) as server:
        found = look(f"mongodb://127.0.0.1:{server.port}")
    assert found.settings == [
        ("mongodb-authorization-off", "high"), ("mongodb-no-authentication", "high"),
        ("mongodb-listens-everywhere", "medium"), ("mongodb-javascript-enabled", "low"), ("mongodb-tls-off", "info"),
    ]  # fmt: skip
    assert found.notes == []
    assert found.evidence("mongodb-no-authentication") == "listDatabases answered without an account: admin, shop"
    assert found.evidence("mongodb-listens-everywhere") == "name=parsed.net.bindIp, setting=127.0.0.1,0.0.0.0"
    assert found.versions == ["CVE-2025-14847"]
    worst = found[0]
    assert (worst.check, worst.severity, worst.exploited, worst.confidence) == ("CVE-2025-14847", "critical", True, 0.6)
    assert (worst.evidence, worst.vulnerabilities) == (b"mongodb 7.0.27", ("CVE-2025-14847",))
    assert mongo.commands == ["hello", "buildInfo", "listDatabases", "getCmdLineOpts"]


def test_options_that_hold_secrets_are_not_told() -> None:
    options = {"security": {"ldap": {"bind": {"queryPassword": "geheim", "queryUser": "reader"}}}}
    with fake(Mongo("8.0.19", options, {}, authorization=False)) as server:
        door = Door("127.0.0.1", ("127.0.0.1",), server.port, 5.0, time.monotonic() + 20)
        session = sign_in(door, Login(anonymous=True), Link(), "")
        assert session.ask('{"getCmdLineOpts": 1}') == [
            {"name": "argv", "setting": "mongod"}, {"name": "argv", "setting": "--config"},
            {"name": "parsed.security.ldap.bind.queryPassword", "setting": "***"},
            {"name": "parsed.security.ldap.bind.queryUser", "setting": "reader"}, {"name": "ok", "setting": "1"},
        ]  # fmt: skip
        session.close()


def test_a_documented_account_is_found(look: Look) -> None:
    mongo = Mongo("8.0.19", HARD, {"mongoadmin": "secret"}, authorization=True)
    with fake(mongo) as server:
        found = look(f"mongodb://127.0.0.1:{server.port}")
    assert found.settings == [("mongodb-default-credentials", "high"), ("mongodb-tls-off", "info")]
    assert found.evidence("mongodb-default-credentials") == (
        "let in as mongoadmin with the documented password 'secret' (https://hub.docker.com/_/mongo (authentication))"
    )
    assert server.connections == 3  # nobody, root, mongoadmin


def test_a_hardened_server_stays_silent(look: Look) -> None:
    with own_folder() as folder:
        certificates(folder)
        mongo = Mongo("8.0.19", HARD, {"auditor": SECRET}, authorization=True, certificate=folder / "server.pem")
        with fake(mongo) as server:
            target = f"mongodb://127.0.0.1:{server.port}"
            stranger = look(target)
            mongo.commands.clear()
            found = look(target, f"mongodb://auditor:{OWN}@127.0.0.1:{server.port}")
    assert (list(stranger), stranger.notes) == ([], [])
    assert list(found) == []
    assert [note.split(" ", 1)[1] for note in found.notes] == [
        "its certificate is not vouched for: unable to get local issuer certificate; its password is shown to it by"
        " challenge only"
    ]
    signing_in = ["hello", "buildInfo", "saslStart"]
    assert mongo.commands == [  # the account of the settings, nobody, two defaults; then the questions
        *signing_in, "saslContinue", "hello", "buildInfo", "listDatabases", *signing_in, *signing_in, "getCmdLineOpts",
    ]  # fmt: skip
    assert SECRET.encode() not in server.heard


def test_a_server_that_lets_everybody_in_without_knowing_the_password_is_no_server(look: Look) -> None:
    """SCRAM proves both sides: whoever only pretends is not asked anything more."""
    mongo = Mongo("8.0.19", HARD, {"auditor": "another"}, authorization=True, lies=True)
    with fake(mongo) as server:
        found = look(f"mongodb://127.0.0.1:{server.port}", f"mongodb://auditor:{OWN}@127.0.0.1:{server.port}")
    assert [note.split(" ", 1)[1] for note in found.notes] == [
        "could not prove that it knows the account: it is not the server it seems to be"
    ]
    assert "getCmdLineOpts" not in mongo.commands


@pytest.mark.parametrize(("version", "expected"), [
    ("8.0.19", []), ("8.0.16", ["CVE-2025-14847"]), ("6.0.27", ["mongodb-end-of-life"]),
    ("6.0.26", ["CVE-2025-14847", "mongodb-end-of-life"]), ("3.4.24", ["mongodb-end-of-life"]), ("8.3.0", []), ("x", []),
])  # fmt: skip
def test_versions(version: str, expected: list[str], look: Look) -> None:
    with fake(Mongo(version, HARD, {}, authorization=True)) as server:
        assert look(f"mongodb://127.0.0.1:{server.port}").versions == expected
