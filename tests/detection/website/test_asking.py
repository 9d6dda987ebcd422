"""Servers that hang, flood, lie and redirect: every answer is bounded, and nothing but read-only requests is sent."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from soc_tui.detection.tools import Watch
from soc_tui.detection.website.asking import BODY_BYTES, METHODS, Answer, Asker, Request
from soc_tui.detection.website.origins import Origin

OK = b"HTTP/1.1 200 OK\r\n"


class Asked:
    """An asker with its notes."""

    def __init__(
        self, port: int, seconds: float = 5.0, per_second: float = 1000.0, stopping: Any = lambda: False
    ) -> None:
        self.notes: list[str] = []
        watch = Watch(note=self.notes.append, stopping=stopping)
        self.asker = Asker(Origin("http", "site.test", port), "127.0.0.1", "agent", per_second, seconds, watch)

    def __call__(self, path: str = "/") -> Answer | None:
        return self.asker.ask(Request(path))


def test_an_answer(site: Any) -> None:
    made = site({"/": (201, {"X-One": "1\n2"}, b"body")})
    answer = Asked(made.port)("/?a=%20b")
    assert answer is not None
    assert (answer.status, answer.body, answer.cut, answer.values("x-one")) == (201, b"body", False, ["1", "2"])
    assert made.asked == [
        (
            "GET", "/?a=%20b",
            [("Host", f"site.test:{made.port}"), ("User-Agent", "agent"), ("Accept", "*/*"),
             ("Accept-Encoding", "identity"), ("Connection", "close")],
        )
    ]  # fmt: skip


def test_only_methods_that_change_nothing() -> None:
    assert METHODS == ("GET", "HEAD", "OPTIONS")
    with pytest.raises(ValueError, match="POST"):
        Asked(1).asker.ask(Request("/", "POST"))


def test_proxies_of_the_environment_are_not_used(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert Asked(site().port)() is not None


def hang(connection: socket.socket) -> None:
    connection.recv(1)


def trickle_headers(connection: socket.socket) -> None:
    connection.sendall(OK)
    for _ in range(10_000):
        connection.sendall(b"X-A: b\r\n")
        time.sleep(0.02)


def trickle_body(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 100000\r\n\r\n")
    for _ in range(10_000):
        connection.sendall(b"x")
        time.sleep(0.02)


def forever_continue(connection: socket.socket) -> None:
    for _ in range(10_000):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.01)


@pytest.mark.parametrize("speak", [hang, trickle_headers, trickle_body, forever_continue])
def test_the_whole_answer_has_one_deadline(raw: Any, speak: Any) -> None:
    asked = Asked(raw(speak).port, seconds=0.4)
    assert asked() is None
    (note,) = asked.notes
    assert note.startswith("GET http://site.test:")
    assert "no answer (" in note


def header_flood(connection: socket.socket) -> None:
    connection.sendall(OK)
    for number in range(100_000):
        connection.sendall(f"X-{number}: {'b' * 100}\r\n".encode())


def one_long_header(connection: socket.socket) -> None:
    connection.sendall(OK + b"X: ")
    for _ in range(2000):
        connection.sendall(b"a" * 10_000)


def continue_flood(connection: socket.socket) -> None:
    for _ in range(200_000):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def no_http(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def ended(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 100\r\n\r\nshort")


def nothing(connection: socket.socket) -> None:
    connection.close()


def bad_chunk(connection: socket.socket) -> None:
    connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n")


def two_lengths(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab")


def chunk_flood(connection: socket.socket) -> None:
    connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(500_000):
        connection.sendall(b"1;" + b"x" * 200 + b"\r\na\r\n")


@pytest.mark.parametrize(
    "speak",
    [header_flood, one_long_header, continue_flood, no_http, ended, nothing, bad_chunk, two_lengths, chunk_flood],
)
def test_what_is_no_answer_is_a_note(raw: Any, speak: Any) -> None:
    asked = Asked(raw(speak).port, seconds=20)
    assert asked() is None
    assert len(asked.notes) == 1


def test_a_port_where_nobody_listens(raw: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    asked = Asked(port)
    assert asked() is None
    assert "refused" in asked.notes[0]


def endless(connection: socket.socket) -> None:
    connection.sendall(OK + b"\r\n")
    while True:
        connection.sendall(b"a" * 65536)


def test_an_endless_body_is_cut(raw: Any) -> None:
    answer = Asked(raw(endless).port)()
    assert answer is not None
    assert (len(answer.body), answer.cut) == (BODY_BYTES, True)


def bomb(coding: str, size: int) -> Any:
    packed = gzip.compress(bytes(size)) if coding == "gzip" else zlib.compress(bytes(size))
    head = f"Content-Encoding: {coding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    return lambda connection: connection.sendall(OK + head + packed)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_bomb_is_cut(raw: Any, coding: str) -> None:
    made = raw(bomb(coding, 200_000_000))
    tracemalloc.start()
    answer = Asked(made.port)()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer is not None
    assert (len(answer.body), answer.cut) == (BODY_BYTES, True)
    assert peak < 10_000_000


def test_damaged_or_nested_compression_is_left_as_it_is(site: Any) -> None:
    made = site({
        "/": (200, {"Content-Encoding": "gzip"}, b"no gzip"), "/n": (200, {"Content-Encoding": "gzip\ngzip"}, b"twice"),
        "/b": (200, {"Content-Encoding": "br"}, b"brotli"), "/g": (200, {"Content-Encoding": "gzip"}, gzip.compress(b"x")),
    })  # fmt: skip
    bodies = [Asked(made.port)(path) for path in ("/", "/n", "/b", "/g")]
    assert [one.body for one in bodies if one] == [b"no gzip", b"twice", b"brotli", b"x"]


def test_the_name_is_resolved_once(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the name leads to by now, the connection goes to the pinned address."""
    made, seen = site(), []
    real = socket.getaddrinfo

    def watched(host: Any, *more: Any, **named: Any) -> Any:
        seen.append(host)
        return real(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    asked = Asked(made.port)
    assert asked() is not None
    assert asked() is not None
    assert set(seen) <= {"127.0.0.1"}
    assert made.asked[0][2][0] == ("Host", f"site.test:{made.port}")


def test_after_three_failures_the_site_is_left_alone(raw: Any) -> None:
    made = raw(nothing)
    asked = Asked(made.port)
    assert [asked() for _ in range(5)] == [None] * 5
    assert len(made.asked) == 3
    assert asked.asker.gave_up
    assert asked.notes[-1].endswith("did not answer 3 times in a row and is left alone")


def test_an_answer_between_failures_counts(site: Any, raw: Any) -> None:
    turn = iter([nothing, nothing, lambda c: c.sendall(OK + b"Content-Length: 0\r\n\r\n"), nothing, nothing])

    def speak(connection: socket.socket) -> None:
        next(turn)(connection)

    made = raw(speak)
    asked = Asked(made.port)
    assert [asked() is None for _ in range(5)] == [True, True, False, True, True]
    assert not asked.asker.gave_up


def test_the_rate_is_kept(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of the test's own, which sleeping moves."""
    now = [1000.0]
    monkeypatch.setattr("soc_tui.detection.website.asking.time.monotonic", lambda: now[0])
    monkeypatch.setattr("soc_tui.detection.website.asking.time.sleep", lambda s: now.__setitem__(0, now[0] + s))
    sent: list[float] = []

    def reply(target: str, query: str, headers: Any) -> Any:
        sent.append(now[0])
        return (429 if len(sent) == 3 else 200), {}, b""

    asked = Asked(site({"/": reply}).port, per_second=4)
    for _ in range(6):
        assert asked() is not None
    assert [round(b - a, 3) for a, b in itertools.pairwise(sent)] == [0.25, 0.25, 0.25, 0.5, 0.5]


def test_stopping_sends_nothing_more(site: Any) -> None:
    stop = threading.Event()
    made = site()
    asked = Asked(made.port, per_second=0.001, stopping=stop.is_set)
    assert asked() is not None
    threading.Timer(0.05, stop.set).start()
    assert asked() is None  # it would have waited 1000 s
    assert len(made.asked) == 1


def test_redirects_are_never_followed(site: Any, look: Any, kit: Any, tmp_path: Path) -> None:
    elsewhere = site()
    away = site(
        any=(302, {"Location": elsewhere.url + "/"}, b""), routes={"/": (301, {"Location": elsewhere.url}, b"")}
    )
    looked = look(away.url)
    assert elsewhere.asked == []
    assert looked.findings == []
    assert (
        looked.notes[0]
        == f"{away.url} redirects to {elsewhere.url}; redirects are not followed: name that page if it is yours"
    )


def test_a_hanging_site_costs_three_timeouts(raw: Any, look: Any) -> None:
    made = raw(hang)
    looked = look(made.url, seconds=0.2)
    assert len(made.asked) == 3
    assert looked.findings == []
    assert looked.notes[-1] == f"{made.url} did not answer 3 times in a row and is left alone"
