"""One visit to a database server: sign in a few times, ask a few questions, go.

What it does is known beforehand (:func:`logins`, the reads of the service's checks), so a dry run can print it.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from soc_tui.detection.database import mongodb, mysql, postgresql, redis
from soc_tui.detection.database.channel import CertificateError, ChannelError, Door
from soc_tui.detection.database.checks import ServiceChecks
from soc_tui.detection.database.listening import beyond_loopback, listening_addresses
from soc_tui.detection.database.session import Link, Login, RefusedError, Row, Session, SignIn, UnsafeError
from soc_tui.detection.database.target import Owned
from soc_tui.detection.tools import Watch

_SIGN_IN: Mapping[str, SignIn] = {
    "postgresql": postgresql.sign_in, "mysql": mysql.sign_in, "redis": redis.sign_in, "mongodb": mongodb.sign_in,
}  # fmt: skip
PATIENCE = 6
"""A visit may take as long as so many answers may."""


def logins(target: Owned, checks: ServiceChecks) -> list[Login]:
    """Who to sign in as, in this order: the account of the settings, then nobody, then the documented defaults."""
    own = [Login(target.user, target.password, own=True)] if target.user or target.password else []
    return own + [Login(d.user, d.password, source=d.source, anonymous=d.anonymous) for d in checks.defaults]


@dataclass
class Visit:
    """A visit and what it brings home."""

    target: Owned
    checks: ServiceChecks
    addresses: tuple[str, ...]
    seconds: float
    pause: float
    """Seconds between two tries to sign in."""
    watch: Watch
    link: Link = field(default_factory=Link)
    answers: dict[str, list[Row]] = field(default_factory=dict)
    """Rows by the name of the read."""
    address: str = ""
    """The address that took a connection."""

    @property
    def exposed(self) -> bool:
        """Others than this machine reach the service."""
        facts = self.link.facts
        return "listening" in facts or facts.get("where", {}).get("setting") != "loopback"

    def make(self) -> bool:
        """Go there.

        Returns:
            False when no server of this kind answered.
        """
        door = Door(
            self.target.host, self.addresses, self.target.port, self.seconds,
            time.monotonic() + PATIENCE * self.seconds,
        )  # fmt: skip
        session = self._sign_in(door)
        self.address = door.addresses[0] if door.addresses else ""
        if session:
            try:
                self._ask(session)
            finally:
                session.close()
        if not self.link.product:
            return False
        self._place()
        self.answers["link"] = self.link.rows
        return True

    def _sign_in(self, door: Door) -> Session | None:
        """The best session of all tries: the user's own account, else whoever was let in."""
        kept: Session | None = None
        for number, login in enumerate(logins(self.target, self.checks)):
            if self._stopped(self.pause if number else 0):
                break
            self.watch.progress(f"signing in {login.shown}", number, 0)
            try:
                session = self._try(door, login)
            except (RefusedError, UnsafeError) as refusal:
                go_on = refusal.plain or (login.own and isinstance(refusal, UnsafeError))
                if login.own or not go_on:
                    self._note(f"could not sign in {login.shown}: {refusal}")
                if not go_on:
                    break  # perhaps a lock: not one try more
                continue
            except ChannelError as error:
                self._note(str(error))
                break
            if not session.free and not login.own:
                self.link.tell("default", "accepted", f"let in {login.shown} ({login.source})")
            done = session.free or not login.own
            if kept is None:
                kept = session
            else:
                session.close()
            if done:
                break
        return kept

    def _try(self, door: Door, login: Login) -> Session:
        sign_in = _SIGN_IN[self.target.service]
        door.verify = login.own
        try:
            return sign_in(door, login, self.link, self.target.database if login.own else "")
        except CertificateError as error:
            self._note(f"{error}; its password is shown to it by challenge only")
            door.verify = False
            return sign_in(door, login, self.link, self.target.database if login.own else "")

    def _ask(self, session: Session) -> None:
        left_out = []
        questions = [(name, question) for name, several in self.checks.reads.items() for question in several]
        for number, (name, question) in enumerate(questions):
            if self._stopped(0):
                return
            self.watch.progress(f"reading {name}", number, len(questions))
            rows = self.answers.setdefault(name, [])
            try:
                rows += session.ask(question)
            except RefusedError as refusal:
                rows.append({"error": refusal.code, "message": refusal.message})
                left_out.append(name)
            except ChannelError as error:
                self._note(str(error))
                return
        if left_out:
            self._note(f"did not let this account read {', '.join(dict.fromkeys(left_out))}")

    def _place(self) -> None:
        """Where the service is reached, and whether it listens where it need not."""
        address = ipaddress.ip_address(self.address.split("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        place = "loopback" if address.is_loopback else "public" if address.is_global else "private"
        self.link.tell("where", place, f"{self.address}:{self.target.port} answered")
        wide = beyond_loopback(listening_addresses(self.target.port)) if place == "loopback" else []
        if wide:
            self.link.tell("listening", "beyond-loopback", f"port {self.target.port} on {', '.join(wide)}")

    def _stopped(self, seconds: float) -> bool:
        """Wait, and whether the check shall end."""
        until = time.monotonic() + seconds
        while not self.watch.stopping():
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, 0.1))
        return True

    def _note(self, sentence: str) -> None:
        self.watch.note(f"{self.target.shown} {self.target.scrub(sentence)}")
