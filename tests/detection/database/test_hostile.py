"""Servers that hang, trickle, flood, lie about lengths, inject, and ask for what is not theirs."""

from __future__ import annotations

import contextlib
import resource
import socket
import struct
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.core.settings import ScanSettings
from soc_tui.detection.database import DatabaseTool, mongodb, mysql, postgresql, redis
from soc_tui.detection.database.channel import ChannelError, Door
from soc_tui.detection.database.session import Link, Login, RefusedError
from soc_tui.detection.tools import Watch
from tests.detection.database.conftest import SECRET, Look
from tests.detection.database.fakes import Fake, fake, listen, script

OWN = "correct-horse%2Fbattery"
SCHEMES = ("postgresql", "mysql", "redis", "mongodb")
SIGN_IN: dict[str, Any] = {
    "postgresql": postgresql.sign_in, "mysql": mysql.sign_in, "redis": redis.sign_in, "mongodb": mongodb.sign_in,
}  # fmt: skip


def greeting(plugin: bytes = b"mysql_native_password", capabilities: int = 0x800F7FF & ~0x800) -> bytes:
    """A MySQL greeting without TLS."""
    body = (
        b"\x0a8.4.9\0" + struct.pack("<I", 7) + b"12345678\0" + struct.pack("<H", capabilities & 0xFFFF) + b"\x21\2\0"
    )
    body += struct.pack("<H", capabilities >> 16) + b"\x15" + bytes(10) + b"123456789012\0" + plugin + b"\0"
    return packet(body, 0)


def packet(body: bytes, number: int) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def trickle(_: Fake, connection: socket.socket) -> None:
    """A byte now and then, for ever: each one resets a timeout that only watches single reads."""
    while True:
        connection.sendall(b"$")
        time.sleep(0.05)


def flood(_: Fake, connection: socket.socket) -> None:
    while True:
        connection.sendall(b"A" * 65536)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("talk", [script(), trickle, flood, script(b"\xff" * 4096, greet=True), script(hang=False)])
def test_who_hangs_trickles_floods_or_babbles_is_left(scheme: str, talk: Any, look: Look) -> None:
    with fake(talk) as server:
        found = look(
            f"{scheme}://127.0.0.1:{server.port}", f"{scheme}://app:{OWN}@127.0.0.1:{server.port}", timeout_seconds=0.4
        )
    assert list(found) == []
    assert len(found.notes) == 1
    assert SECRET.encode() not in server.heard


def test_nobody_at_home_is_a_note(look: Look) -> None:
    with fake(script()) as server:
        pass
    found = look(f"redis://127.0.0.1:{server.port}")
    assert (list(found), found.notes) == (
        [], [f"redis://127.0.0.1:{server.port} no connection: Connection refused"],
    )  # fmt: skip


@pytest.mark.parametrize(("scheme", "answers", "greet", "note"), [
    ("postgresql", [b"N", b"R\x7f\xff\xff\xff"], False, "announced a message of 2147483643 bytes; 1048576 are allowed"),
    ("postgresql", [b"N", b"R\xff\xff\xff\xff"], False, "announced a message of -5 bytes; 1048576 are allowed"),
    ("mysql", [b"\xff\xff\xff\0"], True, "announced a packet of 16777215 bytes"),
    ("redis", [b"*2000000000\r\n"], False, "sent a reply beyond all bounds"),
    ("redis", [b"*1\r\n" * 100], False, "sent a reply beyond all bounds"),
    ("redis", [b"$1999999999\r\n"], False, "announced a value of 1999999999 bytes; 1048576 are allowed"),
    ("mongodb", [struct.pack("<iiii", 2**31 - 1, 1, 1, 2013)], False, "does not speak MongoDB's protocol as of version 3.6"),
])  # fmt: skip
def test_giant_lengths_are_not_believed(scheme: str, answers: list[bytes], greet: bool, note: str, look: Look) -> None:
    tracemalloc.start()
    with fake(script(*answers, greet=greet)) as server:
        found = look(f"{scheme}://127.0.0.1:{server.port}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.notes == [f"{scheme}://127.0.0.1:{server.port} {note}"]
    assert peak < 8 << 20


@pytest.mark.parametrize(("scheme", "answers", "greet"), [
    ("postgresql", [b"N", b"R\0\0\0\x08\0\0\0\x03"], False),
    ("mysql", [greeting(), packet(b"\xfemysql_clear_password\0", 2)], True),
    ("mysql", [greeting(b"mysql_clear_password")], True),
    ("mysql", [greeting(b"caching_sha2_password"), packet(b"\x01\x04", 2)], True),
    ("redis", [b"-NOAUTH Authentication required.\r\n"], False),
])  # fmt: skip
def test_the_password_is_not_told_to_who_wants_it_in_the_clear(
    scheme: str, answers: list[bytes], greet: bool, look: Look
) -> None:
    with fake(script(*answers, greet=greet, hang=False)) as server:
        found = look(f"{scheme}://127.0.0.1:{server.port}", f"{scheme}://app:{OWN}@127.0.0.1:{server.port}")
    assert SECRET.encode() not in server.heard
    assert found.notes[0].endswith("not sent")


@pytest.mark.parametrize("at", ["sign-in", "query"])
def test_a_rogue_server_gets_no_file(at: str, look: Look) -> None:
    infile = b"\xfb/etc/passwd"
    parts = [packet(infile, 2)] if at == "sign-in" else [packet(b"\0\0\0\2\0\0\0", 2), packet(infile, 1)]
    with fake(script(greeting(), *parts, greet=True)) as server:
        found = look(f"mysql://127.0.0.1:{server.port}")
    assert len(found.notes) == 1
    assert "file" in found.notes[0]
    assert b"root:x" not in server.heard
    (length,) = struct.unpack_from("<I", server.heard[:3] + b"\0")
    (flags,) = struct.unpack_from("<I", server.heard, 4)
    assert length > 32
    assert not flags & 0x80  # CLIENT_LOCAL_FILES is not offered


@pytest.mark.parametrize(("rounds", "note"), [
    (1, "asks for 1 SCRAM rounds; 4096 to 200000 are allowed"),
    (999_999_999, "asks for 999999999 SCRAM rounds; 4096 to 200000 are allowed"),
])  # fmt: skip
def test_scram_rounds_are_bounded(rounds: int, note: str, look: Look) -> None:
    def talk(server: Fake, connection: socket.socket) -> None:
        listen(server, connection)
        connection.sendall(b"N")
        listen(server, connection)
        connection.sendall(b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0")
        nonce = listen(server, connection).split(b",r=")[1]
        challenge = b"r=%sx,s=c2FsdA==,i=%d" % (nonce, rounds)
        connection.sendall(b"R" + struct.pack("!ii", len(challenge) + 8, 11) + challenge)
        listen(server, connection)

    with fake(talk) as server:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        found = look(f"postgresql://127.0.0.1:{server.port}")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 5  # the wanted rounds would take minutes
    assert found.notes == [f"postgresql://127.0.0.1:{server.port} {note}"]


def test_clear_bytes_before_tls_are_an_injection(look: Look) -> None:
    with fake(script(b"S" + b"R\0\0\0\x08\0\0\0\0")) as server:
        found = look(f"postgresql://127.0.0.1:{server.port}")
    assert found.notes[0].endswith("sent clear bytes where TLS starts, as somebody in between would")


@pytest.mark.parametrize(("scheme", "answers", "greet", "tries"), [
    ("mysql", [greeting(), packet(b"\xff\x15\x04#28000Access denied", 2)], True, 2),  # 1045: the next one is tried
    ("mysql", [greeting(), packet(b"\xff\x2e\x0c#HY000Account is locked", 2)], True, 1),  # 3118
    ("mysql", [packet(b"\xff\x69\x04Host is blocked", 0)], True, 1),  # 1129
    ("postgresql", [b"N", b"E\0\0\0\x1bC28P01\0Mwrong password\0\0"], False, 2),
    ("postgresql", [b"N", b"E\0\0\0\x17C53300\0Mtoo many..\0\0"], False, 1),
    ("redis", [b"-NOAUTH needed\r\n", b"-WRONGPASS invalid\r\n"], False, 2),
    ("redis", [b"-NOAUTH needed\r\n", b"-ERR slow down\r\n"], False, 2),
    ("redis", [b"-DENIED protected mode\r\n"], False, 1),
])  # fmt: skip
def test_the_trying_ends_at_the_first_word_of_a_lock(
    scheme: str, answers: list[bytes], greet: bool, tries: int, look: Look
) -> None:
    with fake(script(*answers, greet=greet)) as server:
        look(f"{scheme}://127.0.0.1:{server.port}")
    assert server.connections == tries


def test_what_a_server_gives_back_of_the_password_is_taken_out(look: Look) -> None:
    with fake(script(b"N", b"E\0\0\0\x32C28000\0Mno entry for app " + SECRET.encode() + b"\0\0\0")) as server:
        found = look(f"postgresql://127.0.0.1:{server.port}", f"postgresql://app:{OWN}@127.0.0.1:{server.port}")
    assert found.notes == [
        f"postgresql://127.0.0.1:{server.port} could not sign in as app with the password of the settings: "
        "28000 no entry for app ***"
    ]


def test_stopping_ends_the_trying() -> None:
    with fake(script(b"-NOAUTH needed\r\n")) as server:
        target = f"redis://127.0.0.1:{server.port}"
        tool = DatabaseTool(ScanSettings(databases=(target,)), pause=3600)
        found = list(tool.check(target, Watch(stopping=lambda: server.connections > 0)))
    assert server.connections == 1
    assert [one.check for one in found] == ["redis-tls-off"]


_STARTS = {
    "postgresql": [b"", b"N", b"NR\0\0\0\x08\0\0\0\0", b"NR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"],
    "mysql": [
        b"",
        greeting(),
        greeting() + packet(b"\0\0\0\2\0\0\0", 2),
        greeting() + packet(b"\0\0\0\2\0\0\0", 2) * 2,
    ],
    "redis": [b"", b"+PONG\r\n", b"+PONG\r\n$-1\r\n", b"-NOAUTH x\r\n"],
    "mongodb": [b"", struct.pack("<iiii", 64, 1, 1, 2013) + bytes(5), struct.pack("<iiii", 31, 1, 1, 2013) + bytes(5)],
}


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_garbage_is_an_error_of_the_channel_and_nothing_else(scheme: str, data: Any) -> None:
    start = data.draw(st.sampled_from(_STARTS[scheme]))
    rest = data.draw(st.one_of(
        st.binary(max_size=200),
        st.lists(st.sampled_from([
            b"T", b"D", b"Z", b"E", b"R", b"\0\0\0\x08", b"\0\x01", b"\xff", b"\xfe\0\0\x02", b"\xfb", b"\0", b"*3\r\n",
            b"$3\r\n", b":5\r\n", b"-ERR x\r\n", b"abc\r\n", b"\x03a\0", b"\x04", b"\x10ok\0\x01\0\0\0", b"\x02",
        ]), max_size=30).map(b"".join),
    ))  # fmt: skip

    def talk(_: Fake, connection: socket.socket) -> None:
        connection.sendall(start + rest)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with fake(talk) as server:
        door = Door("127.0.0.1", ("127.0.0.1",), server.port, 2.0, time.monotonic() + 4)
        with contextlib.suppress(ChannelError, RefusedError):  # anything else fails
            session = SIGN_IN[scheme](door, Login("root", "x"), Link(), "")
            session.ask({"mongodb": '{"hello": 1}', "redis": "CONFIG GET dir"}.get(scheme, "SELECT 1"))
            session.close()
