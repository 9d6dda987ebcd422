"""Redis' and Valkey's protocol RESP2, as much as AUTH and a handful of questions need.

Source: Redis documentation, "Redis serialization protocol specification". A port that hangs up on clear bytes is asked
again over TLS (Redis has a port of its own for it).
"""

from __future__ import annotations

import re
from typing import Any

from soc_tui.detection.database.channel import MAX_MESSAGE, Channel, ChannelError, ClosedError, Door
from soc_tui.detection.database.session import Link, Login, RefusedError, Row, UnsafeError, clear_or_tls

_MAX_ITEMS, _MAX_DEPTH = 4096, 6
_HASH = re.compile(r"#[0-9a-f]{64}")
_VERSION = re.compile(r"^(?:redis|valkey)_version:(.+)$", re.MULTILINE)


def sign_in(door: Door, login: Login, link: Link, database: str) -> Redis:  # noqa: ARG001 - settings are of all of them
    """Connect and sign in; see :class:`soc_tui.detection.database.session.SignIn`."""
    return clear_or_tls(door, link, "+PONG", lambda channel, answer: _enter(channel, login, link, answer))


def _enter(channel: Channel, login: Login, link: Link, answer: str) -> Redis:
    session = Redis(channel)
    try:
        try:
            session.command("PING")
            link.tell("authentication", "none", "PING answered +PONG without AUTH")
            session.free = True
        except RefusedError as refusal:
            if refusal.code == "DENIED":
                link.tell("authentication", "protected", str(refusal))
                raise
            if refusal.code != "NOAUTH":
                raise ChannelError("does not answer a PING as Redis does") from None
            link.tell("authentication", "required", str(refusal))
        finally:
            if "authentication" in link.facts:
                link.product = link.product or "redis"
                link.tell("tls", "on" if channel.encrypted else "off", answer)
        if not session.free:
            _sign(session, channel, login)
        session.begin(link)
    except BaseException:
        channel.close()
        raise
    return session


def _sign(session: Redis, channel: Channel, login: Login) -> None:
    if login.anonymous:
        raise RefusedError("NOAUTH", "Authentication required.", plain=True)
    if login.own and not channel.verified:
        raise UnsafeError("AUTH sends the password in the clear, and the link is not safe for that; not sent")
    user = [login.user] if login.user else []
    session.command("AUTH", *user, login.password)


class Redis:
    """A session."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self.free = channel, False

    def begin(self, link: Link) -> None:
        """Learn the version, where this account may know it."""
        try:
            found = _VERSION.findall(str(self.command("INFO", "server")))
        except RefusedError:
            return
        if found:
            link.version = found[-1].strip()[:100]  # Valkey tells a redis_version for old clients first
            link.product = "valkey" if len(found) > 1 else "redis"

    def command(self, *words: str) -> Any:
        """Send one command.

        Returns:
            Text, a number, None or a list of these.

        Raises:
            RefusedError: the server answered with an error.
        """
        parts = [word.encode() for word in words]
        self._channel.send(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self._reply(0)

    def ask(self, question: str) -> list[Row]:
        """The answer to ``CONFIG GET``, ``INFO``, ``ACL LIST`` or ``COMMAND INFO`` as rows."""
        words = question.split()
        answer = self.command(*words)
        if isinstance(answer, str):
            pairs = [line.split(":", 1) for line in answer.splitlines() if ":" in line]
            return [{"name": name, "setting": value} for name, value in pairs]
        if not isinstance(answer, list):
            return []
        if words[0] == "CONFIG":
            return [{"name": str(n), "setting": str(v)} for n, v in zip(answer[::2], answer[1::2], strict=False)]
        lines = (str(item[0] if isinstance(item, list) and item else item) for item in answer if item)
        return [{"line": _HASH.sub("#...", line)} for line in lines]  # hashes of passwords are nobody's business

    def close(self) -> None:
        """Hang up; RESP needs no goodbye."""
        self._channel.close()

    def _reply(self, depth: int) -> Any:
        line = self._channel.read_line()
        kind, rest = line[:1], line[1:].decode("utf-8", "backslashreplace")
        if kind == b"+":
            return rest
        if kind == b"-":
            code, _, message = rest.partition(" ")
            raise RefusedError(re.sub(r"\W", "?", code)[:20], message, plain=_wrong_password(code, message))
        if not re.fullmatch(r"-?\d{1,12}", rest):
            if kind == b"\x15":
                raise ClosedError("answered with an alert of TLS")
            raise ChannelError("does not speak Redis' protocol")
        number = int(rest)
        if kind == b":":
            return number
        if kind == b"$":
            return None if number < 0 else self._bulk(number)
        if kind == b"*" and number <= _MAX_ITEMS and depth < _MAX_DEPTH:
            return None if number < 0 else [self._reply(depth + 1) for _ in range(number)]
        raise ChannelError("sent a reply beyond all bounds")

    def _bulk(self, length: int) -> str:
        if length > MAX_MESSAGE - 2:
            raise ChannelError(f"announced a value of {length} bytes; {MAX_MESSAGE} are allowed")
        return self._channel.read(length + 2)[:-2].decode("utf-8", "backslashreplace")


def _wrong_password(code: str, message: str) -> bool:
    return code == "WRONGPASS" or (code == "ERR" and message.startswith("invalid password"))
