"""PostgreSQL's frontend/backend protocol 3.0, as much as signing in and a handful of SELECTs need.

Source: PostgreSQL documentation, chapter "Frontend/Backend Protocol". The session is read-only, and its statements end
after five seconds, by settings that the first message asks for.
"""

from __future__ import annotations

import hashlib
import re
import struct

from soc_tui.detection.database.channel import Channel, ChannelError, Door
from soc_tui.detection.database.scram import Scram
from soc_tui.detection.database.session import Link, Login, RefusedError, Row, UnsafeError

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_OPTIONS = "-c default_transaction_read_only=on -c statement_timeout=5000 -c lock_timeout=2000"
_OK, _CLEARTEXT, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12
MAX_ROWS = 1000
_MAX_MESSAGES = 5000


def sign_in(door: Door, login: Login, link: Link, database: str) -> PostgreSQL:
    """Connect and sign in; see :class:`soc_tui.detection.database.session.SignIn`."""
    channel = door.open()
    try:
        _encrypt(channel, door, link)
        words = {
            "user": login.user or "postgres", "database": database or "postgres", "application_name": "soc-tui",
            "client_encoding": "UTF8", "options": _OPTIONS,
        }  # fmt: skip
        body = struct.pack("!i", 196608) + b"".join(f"{k}\0{v}\0".encode() for k, v in words.items()) + b"\0"
        channel.send(struct.pack("!i", len(body) + 4) + body)
        free = _authenticate(channel, login, link)
        session = PostgreSQL(channel, free)
        session.begin(link)
    except BaseException:
        channel.close()
        raise
    return session


def _encrypt(channel: Channel, door: Door, link: Link) -> None:
    channel.send(_SSL_REQUEST)
    answer = channel.read(1)
    if answer in {b"S", b"N"}:
        link.product = "postgresql"
    if answer == b"S":
        link.tell("tls", "on", channel.start_tls(door.name, verify=door.verify))
    elif answer == b"N":
        link.tell("tls", "off", "N")
    else:
        raise ChannelError(f"answered a request for TLS with {answer!r}: it does not speak PostgreSQL's protocol")


def _authenticate(channel: Channel, login: Login, link: Link) -> bool:
    """Answer what the server asks for.

    Returns:
        True when it asked for nothing.
    """
    free, scram, proved = True, None, False
    for _ in range(10):
        code, body = _request(channel)
        if code == _OK and scram and not proved:
            raise ChannelError("let us in without proving that it knows the password")
        if code == _OK:
            if free:
                link.tell("authentication", "none", f"AuthenticationOk for {login.user} without a password")
            return free
        free = False
        link.facts.setdefault(
            "authentication", {"name": "authentication", "setting": "required", "answer": f"R {code}"}
        )
        if code == _CLEARTEXT:
            if login.own and not channel.verified:
                raise UnsafeError("it wants the password in the clear, and the link is not safe for that; not sent")
            channel.send(_framed(b"p", login.password.encode() + b"\0"))
        elif code == _MD5 and len(body) == 8:
            inner = _md5(login.password.encode() + login.user.encode())
            channel.send(_framed(b"p", b"md5" + _md5(inner + body[4:]) + b"\0"))
        elif code == _SASL and b"SCRAM-SHA-256" in body[4:].split(b"\0") and not scram:
            scram = Scram("", login.password)
            channel.send(_framed(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(scram.first)) + scram.first))
        elif code == _SASL_CONTINUE and scram:
            channel.send(_framed(b"p", scram.final(body[4:])))
        elif code == _SASL_FINAL and scram:
            scram.verify(body[4:])
            proved = True
        else:
            raise RefusedError(str(code), "asks for a way of signing in that is not spoken here")
    raise ChannelError("goes on asking who is there")


def _request(channel: Channel) -> tuple[int, bytes]:
    kind, body = _message(channel)
    if kind == b"E":
        raise _refusal(body)
    if kind != b"R" or len(body) < 4:
        raise ChannelError(f"sent message {kind!r} instead of asking who is there")
    return int.from_bytes(body[:4], "big"), body


class PostgreSQL:
    """A session."""

    def __init__(self, channel: Channel, free: bool) -> None:
        self._channel, self.free = channel, free

    def begin(self, link: Link) -> None:
        """Read what the server says of itself until it is ready."""
        for _ in range(_MAX_MESSAGES):
            kind, body = _message(self._channel)
            if kind == b"E":
                raise _refusal(body)
            if kind == b"S" and body.startswith(b"server_version\0"):
                link.version = body.split(b"\0")[1].decode("utf-8", "backslashreplace")[:100]
            if kind == b"Z":
                return
        raise ChannelError("does not get ready")

    def ask(self, question: str) -> list[Row]:
        """The rows of a SELECT, as text."""
        self._channel.send(_framed(b"Q", question.encode() + b"\0"))
        names: list[str] = []
        rows: list[Row] = []
        refusal: RefusedError | None = None
        for _ in range(_MAX_MESSAGES):
            kind, body = _message(self._channel)
            if kind == b"T":
                names = _columns(body)
            elif kind == b"D" and len(rows) < MAX_ROWS:
                rows.append(dict(zip(names, _values(body), strict=False)))
            elif kind == b"E":
                refusal = _refusal(body)
            elif kind == b"G":
                raise ChannelError("asked for data of ours (COPY)")
            elif kind == b"Z":
                if refusal:
                    raise refusal
                return rows
        raise ChannelError("does not finish its answer")

    def close(self) -> None:
        """Terminate."""
        try:
            self._channel.send(_framed(b"X", b""))
        except ChannelError:
            pass
        finally:
            self._channel.close()


def _message(channel: Channel) -> tuple[bytes, bytes]:
    head = channel.read(5)
    (length,) = struct.unpack("!i", head[1:])
    return head[:1], channel.read(length - 4)


def _framed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).hexdigest().encode()  # what the protocol prescribes


def _refusal(body: bytes) -> RefusedError:
    parts = {part[:1]: part[1:].decode("utf-8", "backslashreplace") for part in body.split(b"\0") if part}
    code = re.sub(r"[^0-9A-Z]", "?", parts.get(b"C", "?????"))[:5]
    return RefusedError(code, parts.get(b"M", ""), plain=code == "28P01")  # invalid_password


def _columns(body: bytes) -> list[str]:
    (count,) = struct.unpack_from("!h", body) if len(body) >= 2 else (0,)
    names, at = [], 2
    for _ in range(max(count, 0)):
        end = body.find(b"\0", at)
        if end < 0 or end + 19 > len(body):
            raise ChannelError("sent a row description that ends in the middle")
        names.append(body[at:end].decode("utf-8", "backslashreplace"))
        at = end + 19
    return names


def _values(body: bytes) -> list[str]:
    values, at = [], 2
    (count,) = struct.unpack_from("!h", body) if len(body) >= 2 else (0,)
    for _ in range(max(count, 0)):
        if at + 4 > len(body):
            raise ChannelError("sent a row that ends in the middle")
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        if length > len(body) - at:
            raise ChannelError("sent a value longer than its row")
        values.append(body[at : at + max(length, 0)].decode("utf-8", "backslashreplace"))
        at += max(length, 0)
    return values
