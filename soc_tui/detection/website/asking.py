"""The one way from a website check into the network: read-only requests to one pinned address, bounded throughout.

A server under suspicion is not to be trusted. Every answer has a deadline for the whole of it (not one for each byte),
a limit of bytes on the wire and another after decompression; redirects are told and never followed; no cookie,
password or certificate of ours is ever sent, and TLS is not verified, because a bad certificate is a finding and no
reason to look away.
"""

from __future__ import annotations

import ssl
import time
import zlib
from dataclasses import dataclass
from typing import Any

import httpcore

from soc_tui.detection.tools import Watch
from soc_tui.detection.website.origins import Origin

METHODS = ("GET", "HEAD", "OPTIONS")
"""All that is ever sent; none of them changes anything (RFC 9110, 9.2.1)."""
BODY_BYTES = 512 * 1024
"""The most that is kept of a body, on the wire and unpacked."""
_WIRE_BYTES = BODY_BYTES + 256 * 1024
"""The most that is read of one connection, headers and chunk sizes included."""
_GIVE_UP = 3
"""After so many requests in a row without an answer the website is left alone."""
_SLICE = 0.1  # seconds between two looks at whether to stop


@dataclass(frozen=True)
class Request:
    """One request as it will be sent, but for the headers that every request has."""

    path: str
    """Path and query, percent-encoded."""
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """In order, names in lower case."""
    body: bytes
    cut: bool = False
    """There was more than :data:`BODY_BYTES`."""

    def values(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]


class Asker:
    """Asks one website, slowly.

    Args:
        origin: whom.
        address: where it is; the name is not resolved again.
        agent: the User-Agent.
        per_second: the most requests in a second; above 0.
        seconds: how long an answer may take from the first packet to the last.
        watch: is told what got no answer.
    """

    def __init__(
        self, origin: Origin, address: str, agent: str, per_second: float, seconds: float, watch: Watch
    ) -> None:
        self.origin, self.address, self.seconds = origin, address, seconds
        self._agent, self._pause, self._watch = agent, 1 / per_second, watch
        self._next, self._failed = 0.0, 0
        self._context = trusting_context()

    @property
    def gave_up(self) -> bool:
        """True when the website has not answered several times in a row, or the check shall stop."""
        return self._failed >= _GIVE_UP or self._watch.stopping()

    def sent_headers(self, request: Request) -> list[tuple[str, str]]:
        """Every header of a request."""
        return [
            ("Host", self.origin.authority), ("User-Agent", self._agent), ("Accept", "*/*"),
            ("Accept-Encoding", "identity"), ("Connection", "close"), *request.headers,
        ]  # fmt: skip

    def turn(self) -> bool:
        """Wait for the next moment at which something may be sent; False when nothing more shall be."""
        while (left := self._next - time.monotonic()) > 0 and not self._watch.stopping():
            time.sleep(min(left, _SLICE))
        self._next = time.monotonic() + self._pause
        return not self.gave_up

    def ask(self, request: Request) -> Answer | None:
        """The answer, or None (and a note) when there is none that can be read in time."""
        if request.method not in METHODS:
            raise ValueError(request.method)
        if not self.turn():
            return None
        try:
            answer = self._ask(request)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            self._failed += 1
            words = str(error) or type(error).__name__
            self._watch.note(f"{request.method} {self.origin}{request.path}: no answer ({words[:200]})")
            if self._failed == _GIVE_UP:
                self._watch.note(f"{self.origin} did not answer {_GIVE_UP} times in a row and is left alone")
            return None
        self._failed = 0
        if answer.status == 429:  # it asks for less
            self._pause = min(self._pause * 2, 30.0)
        return answer

    def _ask(self, request: Request) -> Answer:
        bounds = _Bounds(time.monotonic() + self.seconds)
        url = httpcore.URL(
            scheme=self.origin.scheme, host=self.origin.host, port=self.origin.port, target=request.path.encode()
        )
        pool = httpcore.ConnectionPool(
            ssl_context=self._context, max_connections=1, max_keepalive_connections=0,
            network_backend=_Pinned(self.address, bounds),
        )  # fmt: skip
        headers = [(name.encode(), value.encode()) for name, value in self.sent_headers(request)]
        raw, cut = b"", False
        with pool, pool.stream(request.method, url, headers=headers) as response:
            for part in response.iter_stream():
                raw += part
                if len(raw) > BODY_BYTES:
                    cut = True
                    break
        known = tuple((n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in response.headers)
        body, more = _unpacked(raw[:BODY_BYTES], [v for n, v in known if n == "content-encoding"])
        return Answer(response.status, known, body, cut or more)


def trusting_context() -> ssl.SSLContext:
    """TLS that accepts any certificate and, where OpenSSL still can, any protocol: to look, not to trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _unpacked(raw: bytes, codings: list[str]) -> tuple[bytes, bool]:
    """The body without gzip or deflate, which was not asked for; a bomb is cut at the limit."""
    if [coding.strip().lower() for coding in codings] not in (["gzip"], ["x-gzip"], ["deflate"]):
        return raw, False
    unpacker = zlib.decompressobj(47)
    try:
        return unpacker.decompress(raw, BODY_BYTES), bool(unpacker.unconsumed_tail)
    except zlib.error:
        return raw, False


class _Bounds:
    """What one request may still take."""

    def __init__(self, until: float) -> None:
        self._until, self._bytes = until, _WIRE_BYTES

    def left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("it took too long")
        return left

    def took(self, size: int) -> None:
        self._bytes -= size
        if self._bytes < 0:
            raise httpcore.ReadError("it said too much")


class _Pinned(httpcore.NetworkBackend):
    """Connects to one address, whatever the host's name; time comes from the bounds, not from httpcore."""

    def __init__(self, address: str, bounds: _Bounds) -> None:
        self._address, self._bounds = address, bounds

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.NetworkStream:  # noqa: ARG002
        stream = httpcore.SyncBackend().connect_tcp(self._address, port, timeout=self._bounds.left())
        return _Stream(stream, self._bounds)


class _Stream(httpcore.NetworkStream):
    """A connection whose every step has what is left of the whole."""

    def __init__(self, stream: httpcore.NetworkStream, bounds: _Bounds) -> None:
        self._stream, self._bounds = stream, bounds

    def read(self, max_bytes: int, *_: Any, **__: Any) -> bytes:
        data = self._stream.read(max_bytes, self._bounds.left())
        self._bounds.took(len(data))
        return data

    def write(self, buffer: bytes, *_: Any, **__: Any) -> None:
        self._stream.write(buffer, self._bounds.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, *_: Any, **__: Any
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._bounds.left()), self._bounds)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
