"""Where a port listens, from tables as Linux writes them and from this machine's own."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from soc_tui.detection.database.listening import beyond_loopback, listening_addresses

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 1 1 0 100 0 0 10 0
   1: 050A0A0A:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 2 1 0 100 0 0 10 0
   2: 0600000A:1538 0700000A:D431 01 00000000:00000000 00:00000000 00000000   101        0 3 1 0 100 0 0 10 0
   3: 00000000:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 4 1 0 100 0 0 10 0
"""
TCP6 = """\
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:1538 00000000000000000000000000000000:0000 0A
   1: 00000000000000000000000001000000:1538 00000000000000000000000000000000:0000 0A
   2: 0000000000000000FFFF00000100007F:1538 00000000000000000000000000000000:0000 0A
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the tables are those of a little-endian machine")
def test_addresses_of_a_port(tmp_path: Path) -> None:
    (tmp_path / "tcp").write_text(TCP)
    (tmp_path / "tcp6").write_text(TCP6)
    tables = (tmp_path / "tcp", tmp_path / "tcp6", tmp_path / "none")
    found = listening_addresses(5432, tables)
    assert found == ["10.10.10.5", "127.0.0.1", "::", "::1"]
    assert beyond_loopback(found) == ["10.10.10.5", "::"]
    assert listening_addresses(6379, tables) == ["0.0.0.0"]


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux")
def test_this_machine_s_own_table() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listening_addresses(port) == ["127.0.0.1"]
    assert listening_addresses(port) == []
