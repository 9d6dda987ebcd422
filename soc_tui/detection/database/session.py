"""What the four protocols have in common: a login, what is seen on the way, a session that answers a few questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from soc_tui.detection.database.channel import Channel, ChannelError, ClosedError, Door

Row = Mapping[str, str]
"""One row of an answer: text by column."""


@dataclass(frozen=True)
class Login:
    """Who to sign in as."""

    user: str = ""
    password: str = field(default="", repr=False)
    own: bool = False
    """The user's own account of the settings: its password never travels in the clear and is never shown."""
    anonymous: bool = False
    """Without any account."""
    source: str = ""
    """Where a default is documented."""

    @property
    def shown(self) -> str:
        """How reports name it; a documented default may be read by everybody, the user's password by nobody."""
        if self.anonymous:
            return "without an account"
        if self.own:
            return f"as {self.user or 'the default user'} with the password of the settings"
        return f"as {self.user or 'the default user'} with " + (
            f"the documented password {self.password!r}" if self.password else "an empty password"
        )


class RefusedError(Exception):
    """The server said no.

    Args:
        code: what it calls the reason.
        message: its words.
        plain: it only did not like this password; anything else (a locked account, too many errors, a host that may
            not enter) ends the trying.
    """

    def __init__(self, code: str, message: str, *, plain: bool = False) -> None:
        super().__init__(f"{code} {message[:300]}".strip())
        self.code, self.message, self.plain = code, message[:300], plain


class UnsafeError(ChannelError):
    """The server asks for a password in a way in which it would be read by others; it was not told."""

    plain = False


@dataclass
class Link:
    """What was seen of the server before and while signing in; grows as connections are made."""

    product: str = ""
    """postgresql, mysql, mariadb, redis, valkey or mongodb."""
    version: str = ""
    """As the server tells it; empty: it does not."""
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    """By name: ``tls`` on or off, ``authentication`` none or required, ..."""

    def tell(self, name: str, setting: str, answer: str = "") -> None:
        """Note a fact and the words that show it."""
        self.facts[name] = {"name": name, "setting": setting, "answer": answer}

    @property
    def rows(self) -> list[Row]:
        """The facts as the answer to a read called ``link``."""
        return list(self.facts.values())


class Session(Protocol):
    """A session that is signed in."""

    free: bool
    """No password was asked for."""

    def ask(self, question: str) -> list[Row]:
        """The answer to one read-only question of a file of checks.

        Raises:
            RefusedError: this account may not ask it.
            ChannelError: the server failed.
        """
        ...

    def close(self) -> None:
        """Say goodbye and hang up."""
        ...


class SignIn(Protocol):
    """How one protocol signs in: the module's function ``sign_in``."""

    def __call__(self, door: Door, login: Login, link: Link, database: str) -> Session:
        """Connect and sign in; what is seen on the way goes to ``link`` even when it fails.

        Raises:
            RefusedError: the server said no.
            UnsafeError: it would have had to be told a secret that others can read.
            ChannelError: it failed.
        """
        ...


_Entered = TypeVar("_Entered", bound=Session)


def clear_or_tls(door: Door, link: Link, answer: str, enter: Callable[[Channel, str], _Entered]) -> _Entered:
    """Sign in where only a try shows whether a port speaks in the clear: where it hangs up on that, over TLS.

    Args:
        door: the port.
        link: what is known of it; where TLS was seen, only that is tried.
        answer: the words that show a port without TLS.
        enter: signs in over a channel, which it closes when that fails; is told the words or the version of TLS.
    """
    if link.facts.get("tls", {}).get("setting") != "on":
        try:
            return enter(door.open(), answer)
        except ClosedError:
            pass  # perhaps a port that only speaks TLS
    channel = door.open()
    try:
        version = channel.start_tls(door.name, verify=door.verify)
    except BaseException:
        channel.close()
        raise
    return enter(channel, version)
