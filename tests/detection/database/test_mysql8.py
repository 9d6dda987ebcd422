"""What MySQL 8 does otherwise than MariaDB, against a server of the tests' own: MySQL is not in Debian."""

from __future__ import annotations

import hashlib
import socket
import ssl
import struct
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.detection.database.conftest import SECRET, Look
from tests.detection.database.fakes import Fake, fake
from tests.detection.database.servers import certificates, own_folder

SALT = b"12345678" + b"901234567890"
OWN = quote(SECRET, safe="")


class MySQL8:
    """An account ``root`` with a password under ``caching_sha2_password``, over TLS; whole password or from the cache."""

    def __init__(self, certificate: Path, password: str, *, cached: bool) -> None:
        self.certificate, self.cached = certificate, cached
        self.stored = hashlib.sha256(hashlib.sha256(password.encode()).digest()).digest()
        self.password = password
        self.told: list[bytes] = []
        self.asked: list[bytes] = []

    def __call__(self, server: Fake, connection: socket.socket) -> None:
        body = (
            b"\x0a8.4.9\0" + struct.pack("<I", 7) + SALT[:8] + b"\0" + struct.pack("<H", 0xFFFF & ~0x80) + b"\x21\2\0"
        )
        body += struct.pack("<H", 0xDFFF) + b"\x15" + bytes(10) + SALT[8:] + b"\0caching_sha2_password\0"
        self._write(connection, 0, body)
        assert len(self._read(connection)) == 32
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.certificate.with_suffix(".key"))
        connection = context.wrap_socket(connection, server_side=True)
        response = self._read(connection)
        at = response.index(b"\0", 32) + 1
        answer = response[at + 1 : at + 1 + response[at]]
        if not self._right(answer):
            self._write(connection, 3, b"\xff\x15\x04#28000Access denied")
            return
        self._write(connection, 3, b"\x01\x03" if self.cached else b"\x01\x04")
        if not self.cached:
            self.told.append(self._read(connection))
        self._write(connection, 4 if self.cached else 5, b"\0\0\0\2\0\0\0")
        while True:
            self.asked.append(self._read(connection))
            self._write(connection, 1, b"\xff\x28\x04#42000You have an error in your SQL syntax")

    def _right(self, answer: bytes) -> bool:
        """As the server checks it: from the digest of the digest that it keeps."""
        if len(answer) != 32:
            return False
        mask = hashlib.sha256(self.stored + SALT).digest()
        once = bytes(a ^ b for a, b in zip(answer, mask, strict=True))
        return hashlib.sha256(once).digest() == self.stored

    @staticmethod
    def _write(connection: socket.socket, number: int, body: bytes) -> None:
        connection.sendall(len(body).to_bytes(3, "little") + bytes([number]) + body)

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        head = connection.recv(4)
        if len(head) < 4:
            raise OSError("gone")
        return connection.recv(int.from_bytes(head[:3], "little"))


@pytest.mark.parametrize("cached", [True, False])
def test_a_default_password_is_found_over_tls(cached: bool, look: Look) -> None:
    with own_folder() as folder:
        certificates(folder)
        mysql = MySQL8(folder / "server.pem", "root", cached=cached)
        with fake(mysql) as server:
            found = look(f"mysql://127.0.0.1:{server.port}")
    assert found.settings == [("mysql-default-credentials", "high")]
    assert [note.split(" ", 1)[1] for note in found.notes] == [
        "did not let this account read settings, grants, accounts, sessions"  # it could not be made read-only
    ]
    assert mysql.asked == [b"\x03SET SESSION TRANSACTION READ ONLY", b"\x01"]
    assert mysql.told == ([] if cached else [b"root\0"])


@pytest.mark.parametrize("trusted", [True, False])
def test_the_whole_password_goes_only_to_a_server_that_is_vouched_for(
    trusted: bool, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own_folder() as folder:
        certificates(folder)
        mysql = MySQL8(folder / "server.pem", SECRET, cached=False)
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
        with fake(mysql) as server:
            found = look(f"mysql://127.0.0.1:{server.port}", f"mysql://root:{OWN}@127.0.0.1:{server.port}")
    assert mysql.told == ([SECRET.encode() + b"\0"] if trusted else [])
    assert found.notes[-1].endswith("read settings, grants, accounts, sessions" if trusted else "not sent")
