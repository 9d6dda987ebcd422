"""Servers of the tests' own: one that plays a script byte by byte, and one that speaks MongoDB's protocol."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soc_tui.detection.database.bson import decode, encode

Talk = Callable[[socket.socket], None]


@dataclass
class Fake:
    """A listening fake; ``heard`` is everything that clients sent."""

    port: int
    heard: bytearray = field(default_factory=bytearray)
    connections: int = 0


@contextmanager
def fake(talk: Callable[[Fake, socket.socket], None]) -> Iterator[Fake]:
    """A server that lets ``talk`` speak on each connection; it is gone when the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Fake(listener.getsockname()[1])
    open_ones: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            open_ones.append(connection)
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    def one(connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            talk(server, connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in open_ones:
            connection.close()


def listen(server: Fake, connection: socket.socket) -> bytes:
    """The next bytes of the client."""
    data = connection.recv(65536)
    server.heard += data
    if not data:
        raise OSError("gone")
    return data


def script(*parts: bytes, greet: bool = False, hang: bool = True) -> Callable[[Fake, socket.socket], None]:
    """Answers one part to each thing that is heard (the first at once with ``greet``), then hangs or hangs up."""

    def talk(server: Fake, connection: socket.socket) -> None:
        for number, part in enumerate(parts):
            if number or not greet:
                listen(server, connection)
            connection.sendall(part)
        while hang:
            listen(server, connection)

    return talk


def bson(document: dict[str, Any]) -> bytes:
    """BSON with lists and doubles, which the tool only reads."""
    body = b""
    for name, value in document.items():
        key = name.encode() + b"\0"
        if isinstance(value, dict):
            body += b"\x03" + key + bson(value)
        elif isinstance(value, list):
            body += b"\x04" + key + bson({str(number): one for number, one in enumerate(value)})
        elif isinstance(value, float):
            body += b"\x01" + key + struct.pack("<d", value)
        else:
            body += encode({name: value})[4:-1]
    return struct.pack("<i", len(body) + 5) + body + b"\0"


class Mongo:
    """As much of MongoDB as the tool asks: accounts by SCRAM-SHA-256, authorization, options.

    MongoDB itself is not in Debian, so there is no real one here.
    """

    def __init__(
        self, version: str, options: dict[str, Any], accounts: dict[str, str], *, authorization: bool,
        certificate: Path | None = None, lies: bool = False,
    ) -> None:  # fmt: skip
        self.version, self.options, self.accounts, self.authorization = version, options, accounts, authorization
        self.certificate, self.lies = certificate, lies
        self.commands: list[str] = []

    def __call__(self, server: Fake, connection: socket.socket) -> None:
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.certificate.with_suffix(".key"))
            connection = context.wrap_socket(connection, server_side=True)
        state: dict[str, Any] = {"in": False}
        while True:
            head = self._exactly(connection, 16)
            length, number, _, opcode = struct.unpack("<iiii", head)
            assert opcode == 2013
            body = self._exactly(connection, length - 16)
            server.heard += head + body
            document = decode(body[5:])
            self.commands.append(next(iter(document)))
            reply = struct.pack("<IB", 0, 0) + bson(self._answer(document, state))
            connection.sendall(struct.pack("<iiii", len(reply) + 16, 1, number, 2013) + reply)

    @staticmethod
    def _exactly(connection: socket.socket, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = connection.recv(count - len(data))
            if not more:
                raise OSError("gone")
            data += more
        return data

    def _answer(self, document: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
        command = next(iter(document))
        if command == "hello":
            mechanisms = {"saslSupportedMechs": ["SCRAM-SHA-256"]} if "saslSupportedMechs" in document else {}
            return {"isWritablePrimary": True, "maxWireVersion": 21, **mechanisms, "ok": 1}
        if command == "buildInfo":
            return {"version": self.version, "ok": 1}
        if command == "saslStart":
            return self._start(document["payload"].decode(), state)
        if command == "saslContinue":
            return self._go_on(document["payload"].decode(), state)
        if self.authorization and not state["in"]:
            return {"ok": 0, "errmsg": f"Command {command} requires authentication", "code": 13}
        if command == "listDatabases":
            return {"databases": [{"name": "admin"}, {"name": "shop"}], "totalSize": 1.5, "ok": 1}
        assert command == "getCmdLineOpts", command
        return {"argv": ["mongod", "--config"], "parsed": self.options, "ok": 1}

    def _start(self, first: str, state: dict[str, Any]) -> dict[str, Any]:
        bare = first[3:]
        user, nonce = bare[2:].split(",r=")
        if user not in self.accounts:
            return {"ok": 0, "errmsg": "Authentication failed.", "code": 18}
        challenge = f"r={nonce}server,s={base64.b64encode(b'salt').decode()},i=15000"
        state.update(user=user, bare=bare, challenge=challenge)
        return {"conversationId": 1, "done": False, "payload": challenge.encode(), "ok": 1}

    def _go_on(self, final: str, state: dict[str, Any]) -> dict[str, Any]:
        without, proof = final.split(",p=")
        signed = f"{state['bare']},{state['challenge']},{without}".encode()
        salted = hashlib.pbkdf2_hmac("sha256", self.accounts[state["user"]].encode(), b"salt", 15000)
        key = hmac.new(salted, b"Client Key", "sha256").digest()
        signature = hmac.new(hashlib.sha256(key).digest(), signed, "sha256").digest()
        right = bytes(a ^ b for a, b in zip(key, signature, strict=True)) == base64.b64decode(proof)
        if not right and not self.lies:
            return {"ok": 0, "errmsg": "Authentication failed.", "code": 18}
        state["in"] = True
        server = hmac.new(hmac.new(salted, b"Server Key", "sha256").digest(), signed, "sha256").digest()
        return {"conversationId": 1, "done": True, "payload": b"v=" + base64.b64encode(server), "ok": 1}
