"""A connection to a server that may lie, stall or flood: every read has an end in bytes and in time.

An answer must be complete within ``seconds`` of the question, however slowly its bytes trickle; a whole visit ends at
its deadline; a message may have :data:`MAX_MESSAGE` bytes and a connection :data:`MAX_CONNECTION`. Nothing is allocated
because a length field says so.
"""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass

MAX_MESSAGE = 1 << 20
"""Bytes of one message; the answers that are wanted have a few thousand."""
MAX_CONNECTION = 4 << 20
"""Bytes that one connection may bring."""
_STEP = 65536


class ChannelError(Exception):
    """The server did not answer in time, hung up, or sent what the protocol does not allow."""


class ClosedError(ChannelError):
    """The server ended the connection."""


class CertificateError(ChannelError):
    """The server's certificate is not vouched for by an authority that this machine trusts."""


class Channel:
    """A TCP connection, upgraded to TLS when asked.

    Args:
        address: an IP address; names were resolved once, before.
        port: the port.
        seconds: how long connecting, and each answer, may take.
        deadline: ``time.monotonic()`` at which everything ends.

    Raises:
        ChannelError: nobody answers there.
    """

    def __init__(self, address: str, port: int, seconds: float, deadline: float) -> None:
        self._seconds, self._deadline = seconds, deadline
        self._buffer = bytearray()
        self._left = MAX_CONNECTION
        self._until = 0.0
        self.encrypted = False
        """TLS is spoken."""
        self.verified = False
        """... and an authority vouches for the server's certificate and name: it is safe with a clear password."""
        self._wait()
        try:
            self._socket: socket.socket | ssl.SSLSocket = socket.create_connection((address, port), self._remaining())
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise ChannelError(f"no connection: {_said(error)}") from None

    def send(self, data: bytes) -> None:
        """Send all of it and start the clock of the answer."""
        self._wait()
        self._socket.settimeout(self._remaining())
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise ClosedError(f"could not be asked: {_said(error)}") from None

    def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes."""
        if not 0 <= count <= MAX_MESSAGE:
            raise ChannelError(f"announced a message of {count} bytes; {MAX_MESSAGE} are allowed")
        while len(self._buffer) < count:
            self._fill()
        return self._take(count)

    def read_line(self, limit: int = 65536) -> bytes:
        """A line without its CR LF."""
        start = 0
        while (end := self._buffer.find(b"\r\n", start)) < 0:
            start = max(len(self._buffer) - 1, 0)
            if len(self._buffer) > limit:
                raise ChannelError(f"sent a line of more than {limit} bytes")
            self._fill()
        line = self._take(end)
        del self._buffer[:2]
        return line

    def start_tls(self, name: str, *, verify: bool) -> str:
        """Speak TLS from here on.

        Args:
            name: the server's name or address, as the settings have it.
            verify: insist on a certificate that the system's authorities vouch for.

        Returns:
            The version, e.g. ``TLSv1.3``.

        Raises:
            CertificateError: it is not vouched for; the connection is over.
            ChannelError: TLS could not be agreed on.
        """
        if self._buffer:
            raise ChannelError("sent clear bytes where TLS starts, as somebody in between would")
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._wait()
        self._socket.settimeout(self._remaining())
        try:
            self._socket = context.wrap_socket(self._socket, server_hostname=name, do_handshake_on_connect=False)
            self._socket.settimeout(self._remaining())
            self._socket.do_handshake()
        except ssl.SSLCertVerificationError as error:
            raise CertificateError(f"its certificate is not vouched for: {error.verify_message}") from None
        except (OSError, ValueError) as error:
            raise ChannelError(f"TLS could not be agreed on: {_said(error)}") from None
        self.encrypted, self.verified = True, verify
        return self._socket.version() or "TLS"

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _wait(self) -> None:
        self._until = min(time.monotonic() + self._seconds, self._deadline)

    def _remaining(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise ChannelError(f"did not answer within {self._seconds:g} seconds")
        return left

    def _fill(self) -> None:
        self._socket.settimeout(self._remaining())
        try:
            data = self._socket.recv(min(_STEP, self._left + 1))
        except TimeoutError:
            raise ChannelError(f"did not answer within {self._seconds:g} seconds") from None
        except OSError as error:
            raise ClosedError(f"ended the connection: {_said(error)}") from None
        if not data:
            raise ClosedError("ended the connection")
        self._left -= len(data)
        if self._left < 0:
            raise ChannelError(f"sent more than {MAX_CONNECTION} bytes")
        self._buffer += data

    def _take(self, count: int) -> bytes:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data


@dataclass
class Door:
    """Where connections of one visit go, and how long they may take."""

    name: str
    """The server as the settings name it."""
    addresses: tuple[str, ...]
    """Its IP addresses, resolved once: the name cannot come to mean another machine between two connections."""
    port: int
    seconds: float
    deadline: float
    """``time.monotonic()`` at which the visit ends."""
    verify: bool = False
    """Insist on vouched-for certificates: a password of the user's may have to go through TLS in the clear."""

    def open(self) -> Channel:
        """A new connection to the first address that takes one; the others are not tried again.

        Raises:
            ChannelError: none does.
        """
        failure = ChannelError("has no address")
        for address in self.addresses:
            try:
                channel = Channel(address, self.port, self.seconds, self.deadline)
            except ChannelError as error:
                failure = error
            else:
                self.addresses = (address,)
                return channel
        raise failure


def _said(error: Exception) -> str:
    told = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error) or type(error).__name__
    return str(told)[:200]
