"""MongoDB's wire protocol (OP_MSG), as much as ``hello``, SCRAM and a handful of commands need.

Source: MongoDB documentation, "MongoDB Wire Protocol"; bsonspec.org. A port that hangs up on clear bytes is asked again
over TLS (``net.tls.mode: requireTLS``).
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from soc_tui.detection.database.bson import decode, encode
from soc_tui.detection.database.channel import MAX_MESSAGE, Channel, ChannelError, Door
from soc_tui.detection.database.scram import Scram
from soc_tui.detection.database.session import Link, Login, RefusedError, Row, clear_or_tls

_OP_MSG = 2013
_AUTHENTICATION_FAILED, _UNAUTHORIZED = 18, 13
MAX_ROWS = 2000
_SECRET = re.compile("password|secret", re.IGNORECASE)
"""Options whose values are nobody's business; mongod hides most of them itself."""


def sign_in(door: Door, login: Login, link: Link, database: str) -> MongoDB:
    """Connect and sign in; see :class:`soc_tui.detection.database.session.SignIn`."""
    said = "hello was answered in the clear"
    return clear_or_tls(door, link, said, lambda channel, answer: _enter(channel, login, link, database, answer))


def _enter(channel: Channel, login: Login, link: Link, database: str, answer: str) -> MongoDB:
    session = MongoDB(channel)
    try:
        source = database or "admin"
        asked = {"saslSupportedMechs": f"{source}.{login.user}"} if login.user else {}
        hello = session.command({"hello": 1, **asked})
        link.tell("tls", "on" if channel.encrypted else "off", answer)
        link.product = "mongodb"
        link.version = str(session.command({"buildInfo": 1}).get("version", ""))[:100]
        if login.anonymous:
            session.free = _is_free(session, link)
        else:
            _sign(session, login, source, hello.get("saslSupportedMechs"))
    except BaseException:
        channel.close()
        raise
    return session


def _is_free(session: MongoDB, link: Link) -> bool:
    try:
        answer = session.command({"listDatabases": 1, "nameOnly": True})
    except RefusedError as refusal:
        if refusal.code == str(_UNAUTHORIZED):
            link.tell("authentication", "required", f"listDatabases: {refusal}")
            raise RefusedError(refusal.code, refusal.message, plain=True) from None
        raise
    named = answer.get("databases")
    names = [str(one.get("name"))[:60] for one in named if isinstance(one, dict)] if isinstance(named, list) else []
    link.tell("authentication", "none", f"listDatabases answered without an account: {', '.join(names[:20])}")
    return True


def _sign(session: MongoDB, login: Login, source: str, offered: object) -> None:
    weak = isinstance(offered, list) and "SCRAM-SHA-256" not in offered and "SCRAM-SHA-1" in offered
    password = login.password
    if weak:
        digest = f"{login.user}:mongo:{login.password}".encode()
        password = hashlib.md5(digest, usedforsecurity=False).hexdigest()  # what the protocol prescribes
    scram = Scram(login.user, password, "sha1" if weak else "sha256")
    name = "SCRAM-SHA-1" if weak else "SCRAM-SHA-256"
    start = {"saslStart": 1, "mechanism": name, "payload": scram.first, "options": {"skipEmptyExchange": True}}
    answer = session.command(start, source)
    final = scram.final(_payload(answer))
    go_on = {"saslContinue": 1, "conversationId": answer.get("conversationId"), "payload": final}
    answer = session.command(go_on, source)
    scram.verify(_payload(answer))
    if answer.get("done") is not True:
        raise ChannelError("does not finish signing in")


def _payload(answer: Mapping[str, Any]) -> bytes:
    payload = answer.get("payload")
    if not isinstance(payload, bytes):
        raise ChannelError("sent no SCRAM message")
    return payload


class MongoDB:
    """A session."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self.free, self._number = channel, False, 0

    def command(self, document: dict[str, Any], database: str = "admin") -> dict[str, Any]:
        """Run one command.

        Raises:
            RefusedError: the server answered with an error.
        """
        self._number += 1
        body = struct.pack("<IB", 0, 0) + encode({**document, "$db": database})
        self._channel.send(struct.pack("<iiii", len(body) + 16, self._number, 0, _OP_MSG) + body)
        length, _, answered, opcode = struct.unpack("<iiii", self._channel.read(16))
        if opcode != _OP_MSG or answered != self._number or not 21 < length <= MAX_MESSAGE:
            raise ChannelError("does not speak MongoDB's protocol as of version 3.6")
        answer = self._channel.read(length - 16)
        flags, kind = struct.unpack_from("<IB", answer)
        if flags & ~0x10000 & 0xFFFE or kind != 0:  # the checksum flag alone may be set
            raise ChannelError("sent a message of another kind than asked for")
        reply = decode(answer[5:])
        if reply.get("ok") != 1:
            code = str(reply.get("code", ""))[:20]
            raise RefusedError(code, str(reply.get("errmsg", "")), plain=code == str(_AUTHENTICATION_FAILED))
        return reply

    def ask(self, question: str) -> list[Row]:
        """The answer to a command (JSON), flattened: one row of ``name`` and ``setting`` for each value in it."""
        rows: list[Row] = []
        for name, value in _flat(self.command(json.loads(question)), ""):
            if len(rows) == MAX_ROWS:
                break
            rows.append({"name": name, "setting": "***" if _SECRET.search(name) else value})
        return rows

    def close(self) -> None:
        """Hang up; the protocol needs no goodbye."""
        self._channel.close()


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, name)
    else:
        yield name, _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)
