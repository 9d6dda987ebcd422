"""The socket: private, named calls only, errors with their class, streams, presence of clients."""

import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.core.errors import EngineError, FilterError
from soc_tui.management import service as service_module
from soc_tui.management.client import Client
from soc_tui.management.service import Service
from soc_tui.management.wire import socket_path


def _fail(**_: Any) -> pa.Table:
    raise FilterError("bad", position=3, remedy="mend")


def _count(to: int) -> Iterator[dict[str, Any]]:
    for number in range(to):
        yield {"progress": {"n": number}}
    yield {"result": {"to": to}}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    queries = {"numbers": lambda to: pa.table({"n": list(range(to))}), "fail": _fail, "crash": lambda: 1 / 0}
    commands: dict[str, Any] = {
        "ping": lambda: {},
        "bye": lambda: {},
        "count": _count,
        "fail": _fail,
        "mute": lambda: iter(()),
    }
    service = Service(socket_path(tmp_path), queries, commands)
    yield tmp_path
    service.close()
    assert not socket_path(tmp_path).exists()


def test_only_the_owner_may_open_the_socket(workspace: Path) -> None:
    assert stat.S_IMODE(socket_path(workspace).stat().st_mode) == 0o600


def test_queries_and_commands(workspace: Path) -> None:
    with Client(workspace) as client:
        assert client.query("numbers", to=3).to_pylist() == [{"n": 0}, {"n": 1}, {"n": 2}]
        assert list(client.stream("count", to=2)) == [
            {"progress": {"n": 0}},
            {"progress": {"n": 1}},
            {"result": {"to": 2}},
        ]
        assert client.command("count", to=2) == {"to": 2}


def test_errors_keep_their_class(workspace: Path) -> None:
    with Client(workspace) as client:
        for call in (client.query, client.command):
            with pytest.raises(FilterError, match="bad") as caught:
                call("fail")
            assert (caught.value.position, caught.value.remedy) == (3, "mend")
        with pytest.raises(EngineError, match="ZeroDivisionError"):
            client.query("crash")
        for call in (client.query, client.command):
            with pytest.raises(EngineError, match="knows no"):
                call("nothing")
        with pytest.raises(EngineError, match="without a result"):
            client.command("mute")
        with pytest.raises(EngineError):
            client.query("numbers", wrong=1)


def test_no_engine_is_said_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no engine runs") as caught:
        Client(tmp_path)
    assert "soc-tui watch" in caught.value.remedy


def test_a_stale_socket_is_no_engine_and_is_replaced(tmp_path: Path) -> None:
    socket_path(tmp_path).touch()
    with pytest.raises(EngineError):
        Client(tmp_path)
    service = Service(socket_path(tmp_path), {}, {"ping": lambda: {}, "bye": lambda: {}})
    Client(tmp_path).close()
    service.close()


def test_an_engine_knows_whether_somebody_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(socket_path(tmp_path), {}, {"ping": lambda: {}, "bye": lambda: {}})
    assert not service.in_use()
    first, second = Client(tmp_path), Client(tmp_path)
    assert service.in_use()
    first.close()
    assert service.in_use()
    second.close()
    deadline = time.monotonic() + 10  # the goodbye is answered a moment before the call is over
    while service.in_use():
        assert time.monotonic() < deadline
    Client(tmp_path)  # one that vanishes without a goodbye counts only for a while
    assert service.in_use()
    monkeypatch.setattr(service_module, "_CLIENT_SECONDS", 0.0)
    deadline = time.monotonic() + 10
    while service.in_use():
        assert time.monotonic() < deadline
    service.close()


def test_a_long_workspace_path_gets_a_private_socket_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    path = socket_path(deep)
    assert len(str(path)) <= 100
    assert socket_path(deep) == path
    assert socket_path(deep / "x") != path
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
