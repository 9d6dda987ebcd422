"""MySQL's and MariaDB's client/server protocol 4.1, as much as signing in and a handful of SELECTs need.

Source: MySQL internals, "Client/Server Protocol"; MariaDB knowledge base, "Connecting". ``CLIENT_LOCAL_FILES`` is never
offered, and a server that asks for a file all the same is hung up on (the attack of a rogue server). Handshakes are
always completed: a server counts those that are not, and locks the host out at ``max_connect_errors``.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import struct
from dataclasses import dataclass

from soc_tui.detection.database.channel import MAX_MESSAGE, Channel, ChannelError, Door
from soc_tui.detection.database.session import Link, Login, RefusedError, Row, UnsafeError

_LONG_PASSWORD, _PROTOCOL_41, _SSL = 0x1, 0x200, 0x800
_TRANSACTIONS, _SECURE, _PLUGIN_AUTH = 0x2000, 0x8000, 0x80000
_UTF8 = 33
_PLUGINS = ("mysql_native_password", "caching_sha2_password", "mysql_clear_password", "sha256_password")
MAX_ROWS = 1000
_MAX_COLUMNS = 200
_WRONG_PASSWORD = {1045, 1698}
"""ER_ACCESS_DENIED_ERROR and ER_ACCESS_DENIED_NO_PASSWORD_ERROR. Everything else (1129 host blocked, 1040 too many
connections, 3118 and 4151 account locked, 3955 and 4166 too many errors ...) ends the trying."""


@dataclass
class _Greeting:
    version: str
    capabilities: int
    salt: bytes
    plugin: str


class _Packets:
    """Packets with their running number."""

    def __init__(self, channel: Channel) -> None:
        self.channel, self._next = channel, 0

    def read(self) -> bytes:
        head = self.channel.read(4)
        length = int.from_bytes(head[:3], "little")
        if length > MAX_MESSAGE:
            raise ChannelError(f"announced a packet of {length} bytes")
        self._next = (head[3] + 1) % 256
        body = self.channel.read(length)
        if not body:
            raise ChannelError("sent an empty packet")
        return body

    def write(self, body: bytes, *, first: bool = False) -> None:
        number = 0 if first else self._next
        self.channel.send(len(body).to_bytes(3, "little") + bytes([number]) + body)
        self._next = (number + 1) % 256


def sign_in(door: Door, login: Login, link: Link, database: str) -> MySQL:  # noqa: ARG001 - none is needed to look
    """Connect and sign in; see :class:`soc_tui.detection.database.session.SignIn`."""
    channel = door.open()
    try:
        packets = _Packets(channel)
        greeting = _greeting(packets.read(), link)
        flags = _LONG_PASSWORD | _PROTOCOL_41 | _TRANSACTIONS | _SECURE | _PLUGIN_AUTH
        if greeting.capabilities & _SSL:
            packets.write(struct.pack("<IIB23x", flags | _SSL, 1 << 24, _UTF8))
            link.tell("tls", "on", channel.start_tls(door.name, verify=door.verify))
            flags |= _SSL
        else:
            link.tell("tls", "off", f"capabilities {greeting.capabilities:#010x}: CLIENT_SSL is not among them")
        answer = _answer(greeting.plugin, login, greeting.salt, channel)
        body = struct.pack("<IIB23x", flags, 1 << 24, _UTF8) + (login.user or "root").encode() + b"\0"
        packets.write(body + bytes([len(answer)]) + answer + greeting.plugin.encode() + b"\0")
        _finish(packets, login, greeting, link)
        session = MySQL(packets, free=not login.password)
        session.begin(login, link)
    except BaseException:
        channel.close()
        raise
    return session


def _greeting(body: bytes, link: Link) -> _Greeting:
    if body[0] == 0xFF:
        raise _refusal(body)
    end = body.find(b"\0", 1)
    if body[0] != 10 or not 1 < end < 120 or len(body) < end + 32:
        raise ChannelError("greets in a way that is not MySQL's")
    link.version = body[1:end].decode("utf-8", "backslashreplace")
    link.product = "mariadb" if "mariadb" in link.version.lower() else "mysql"
    at = end + 5
    low, high = struct.unpack_from("<H", body, at + 9)[0], struct.unpack_from("<H", body, at + 14)[0]
    salt = body[at : at + 8] + body[at + 27 : at + 39]
    if len(salt) != 20:
        raise ChannelError("sent half of its salt")
    plugin = body[at + 40 :].split(b"\0")[0].decode("ascii", "replace")
    return _Greeting(link.version, low | high << 16, salt, plugin or "mysql_native_password")


def _answer(plugin: str, login: Login, salt: bytes, channel: Channel) -> bytes:
    """What shows the password to one plugin; nothing for an empty one."""
    if not login.password:
        return b""
    password = login.password.encode()
    if plugin == "mysql_native_password":
        once = hashlib.sha1(password, usedforsecurity=False).digest()  # what the protocol prescribes
        twice = hashlib.sha1(once, usedforsecurity=False).digest()
        return _xor(once, hashlib.sha1(salt + twice, usedforsecurity=False).digest())
    if plugin == "caching_sha2_password":
        once = hashlib.sha256(password).digest()
        return _xor(once, hashlib.sha256(hashlib.sha256(once).digest() + salt).digest())
    if plugin in _PLUGINS:
        return _clear(login, channel)
    return b""  # the server will name a plugin that both know, or refuse


def _clear(login: Login, channel: Channel) -> bytes:
    if login.own and not channel.verified:
        raise UnsafeError("it wants the password in the clear, and the link is not safe for that; not sent")
    return login.password.encode() + b"\0"


def _finish(packets: _Packets, login: Login, greeting: _Greeting, link: Link) -> None:
    plugin, switches = greeting.plugin, 0
    for _ in range(6):
        body = packets.read()
        if body[0] == 0x00:
            return
        if body[0] == 0xFF:
            refusal = _refusal(body)
            if refusal.plain:
                link.tell("authentication", "required", str(refusal))
            raise refusal
        if body[0] == 0xFE and len(body) > 1 and not switches:
            switches = 1
            name, _, salt = body[1:].partition(b"\0")
            plugin = name.decode("ascii", "replace")
            if plugin not in _PLUGINS:
                raise RefusedError("plugin", f"asks to sign in by {plugin[:60]!r}, which is not spoken here")
            packets.write(_answer(plugin, login, salt[:20], packets.channel))
        elif body == b"\x01\x03" and plugin == "caching_sha2_password":
            continue  # known from the cache; OK follows
        elif body == b"\x01\x04" and plugin == "caching_sha2_password":
            if not packets.channel.encrypted:
                raise UnsafeError("it wants the whole password over a link that is not encrypted; not sent")
            packets.write(_clear(login, packets.channel))
        else:
            raise ChannelError(f"sent {body[:1].hex()} while signing in; a file that it may have asked for stays here")
    raise ChannelError("goes on asking who is there")


class MySQL:
    """A session."""

    def __init__(self, packets: _Packets, free: bool) -> None:
        self._packets, self.free, self._read_only = packets, free, False

    def begin(self, login: Login, link: Link) -> None:
        """Make the session read-only; servers before MySQL 5.6 and MariaDB 10.0 cannot, and are asked nothing."""
        if self.free:
            link.tell("authentication", "none", f"OK for {login.user or 'root'} with an empty password")
        with contextlib.suppress(RefusedError):
            self._query("SET SESSION TRANSACTION READ ONLY")
            self._read_only = True

    def ask(self, question: str) -> list[Row]:
        """The rows of a SELECT or SHOW, as text."""
        if not self._read_only:
            raise RefusedError("read-only", "the session could not be made read-only, so it was not asked")
        return self._query(question)

    def _query(self, question: str) -> list[Row]:
        self._packets.write(b"\x03" + question.encode(), first=True)
        body = self._packets.read()
        if body[0] == 0xFF:
            raise _refusal(body)
        if body[0] == 0x00:
            return []
        if body[0] == 0xFB:
            raise ChannelError("asked for a file of ours (LOCAL INFILE); it gets none")
        count, _ = _number(body, 0)
        if not 0 < count <= _MAX_COLUMNS:
            raise ChannelError(f"announced {count} columns")
        names = [_texts(self._packets.read())[4] for _ in range(count)]
        if self._packets.read()[0] != 0xFE:
            raise ChannelError("sent no end of its columns")
        rows: list[Row] = []
        for _ in range(5 * MAX_ROWS):
            body = self._packets.read()
            if body[0] == 0xFE and len(body) < 9:
                return rows
            if body[0] == 0xFF:
                raise _refusal(body)
            if len(rows) < MAX_ROWS:
                rows.append(dict(zip(names, _texts(body, count), strict=False)))
        raise ChannelError("does not finish its answer")

    def close(self) -> None:
        """COM_QUIT."""
        try:
            self._packets.write(b"\x01", first=True)
        except ChannelError:
            pass
        finally:
            self._packets.channel.close()


def _refusal(body: bytes) -> RefusedError:
    if len(body) < 3:
        raise ChannelError("sent an error without a number")
    number = int.from_bytes(body[1:3], "little")
    message = re.sub(r"^#\w{5}", "", body[3:].decode("utf-8", "backslashreplace"))
    return RefusedError(str(number), message, plain=number in _WRONG_PASSWORD)


def _number(body: bytes, at: int) -> tuple[int, int]:
    """A length-encoded integer and where it ends."""
    if at >= len(body):
        raise ChannelError("sent a packet that ends in the middle")
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(body[at], 0)
    if not width:
        return body[at], at + 1
    return int.from_bytes(body[at + 1 : at + 1 + width], "little"), at + 1 + width


def _texts(body: bytes, count: int = 6) -> list[str]:
    """The first ``count`` length-encoded strings of a packet; NULL is empty."""
    texts, at = [], 0
    for _ in range(count):
        if at < len(body) and body[at] == 0xFB:
            texts.append("")
            at += 1
            continue
        length, at = _number(body, at)
        if length > len(body) - at:
            raise ChannelError("sent a value longer than its packet")
        texts.append(body[at : at + length].decode("utf-8", "backslashreplace"))
        at += length
    return texts


def _xor(first: bytes, second: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(first, second, strict=True))
