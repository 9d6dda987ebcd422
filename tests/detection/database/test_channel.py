"""The bounds of a connection, in bytes and in time."""

from __future__ import annotations

import socket
import time

import pytest

from soc_tui.detection.database.channel import MAX_CONNECTION, MAX_MESSAGE, Channel, ChannelError, ClosedError, Door
from tests.detection.database.fakes import Fake, fake, script


def flood(_: Fake, connection: socket.socket) -> None:
    while True:
        connection.sendall(b"A" * 65536)


def channel(port: int, seconds: float = 5.0, whole: float = 20.0) -> Channel:
    return Channel("127.0.0.1", port, seconds, time.monotonic() + whole)


def test_a_connection_has_an_end_in_bytes() -> None:
    with fake(flood) as server:
        one = channel(server.port)
        whole = 0
        with pytest.raises(ChannelError, match=f"sent more than {MAX_CONNECTION} bytes"):
            for _ in range(2 * MAX_CONNECTION // 65536):
                whole += len(one.read(65536))
        assert MAX_CONNECTION - 65536 <= whole <= MAX_CONNECTION  # what was read ahead of the last one is lost
        one.close()


@pytest.mark.parametrize("count", [-1, MAX_MESSAGE + 1, 2**62])
def test_a_message_has_one_too(count: int) -> None:
    with fake(flood) as server:
        one = channel(server.port)
        with pytest.raises(ChannelError, match="announced a message of"):
            one.read(count)
        with pytest.raises(ChannelError, match="sent a line of more than 65536 bytes"):
            one.read_line()
        one.close()


def test_a_visit_ends_at_its_deadline_whatever_an_answer_may_take() -> None:
    with fake(script()) as server:
        one = channel(server.port, seconds=3600, whole=0.3)
        with pytest.raises(ChannelError, match="did not answer"):
            one.read(1)
        one.close()


def test_lines_and_bytes_share_a_buffer_and_a_hang_up_is_told_apart() -> None:
    with fake(script(b"+a\r\n\r\nbc", greet=True, hang=False)) as server:
        one = channel(server.port)
        assert [one.read_line(), one.read_line(), one.read(2), one.read(0)] == [b"+a", b"", b"bc", b""]
        with pytest.raises(ClosedError):
            one.read(1)
        one.close()


def test_a_door_tries_each_address_once() -> None:
    with fake(script()) as server:
        door = Door("db", ("127.0.0.2", "127.0.0.1"), server.port, 5.0, time.monotonic() + 20)
        door.open().close()
        assert door.addresses == ("127.0.0.1",)
        with pytest.raises(ChannelError, match="has no address"):
            Door("db", (), server.port, 5.0, time.monotonic() + 20).open()
