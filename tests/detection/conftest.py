"""A workspace that hand-made events are put into, and the steps from events to alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soc_tui.acquisition.reader import Chunk
from soc_tui.analysis.extraction import extract
from soc_tui.core.schema import NORMALISED, REJECTS
from soc_tui.core.settings import DetectionSettings, StoreSettings
from soc_tui.core.types import SourceState
from soc_tui.detection.detectors import ALL_DETECTORS, DETECTORS, Detector
from soc_tui.store.casework import alerts_for_extraction, merge_findings, save_extraction, supporting_events
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks

START = datetime(2026, 3, 1, 10, 0, 0)
Event = dict[str, Any]


@dataclass
class Workspace:
    """A store with one source."""

    store: Store
    settings: DetectionSettings = field(default_factory=DetectionSettings)

    def add(self, events: Sequence[Event]) -> tuple[int, int]:
        """Commit events; ``at`` is seconds after START. Returns the first and last event_id."""
        rows = [_row(number, event) for number, event in enumerate(events)]
        table = pa.Table.from_pylist(rows, schema=NORMALISED)
        return self.add_table(table)

    def add_table(self, table: pa.Table) -> tuple[int, int]:
        count = table.num_rows
        number = self.store.sql("SELECT count(*) + 1 AS n FROM sources")["n"][0].as_py()
        state = SourceState(f"made-{number}", source_id=number, records_read=count, records_stored=count)
        chunk = Chunk(state, table, REJECTS.empty_table(), 0)
        return append_chunks(self.store, [chunk], datetime(2026, 1, 1, tzinfo=UTC))

    def find(self, name: str, window: tuple[int, int], **params: Any) -> list[dict[str, Any]]:
        """The findings of one detector over a window."""
        return self.found(ALL_DETECTORS[name], window, **params).sort_by([("time", "ascending")]).to_pylist()

    def found(self, detector: Detector, window: tuple[int, int], **params: Any) -> pa.Table:
        values = {**detector.parameters(self.settings), "first_event_id": window[0], "last_event_id": window[1]}
        return self.store.sql(detector.sql, {**values, **params})

    def detect(self, window: tuple[int, int]) -> pa.Table:
        """What the engine does: every detector, then alerts, incidents, clues and attackers."""
        findings = pa.concat_tables([self.found(detector, window) for detector in DETECTORS])
        with self.store.transaction() as tx:
            alerts = alerts_for_extraction(tx, merge_findings(tx, findings))
            save_extraction(tx, extract(alerts, supporting_events(tx, alerts)))
        return findings

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.store.sql(sql).to_pylist()


def _row(number: int, event: Event) -> Event:
    at = event.get("at", 0)
    return {
        "source_offset": number,
        "source_length": 1,
        "time": None if at is None else START + timedelta(seconds=at),
        **{name: value for name, value in event.items() if name != "at"},
    }


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Store.open(tmp_path / "w.duckdb", StoreSettings(threads=1)) as store:
        yield Workspace(store)


@pytest.fixture
def make_workspace(tmp_path: Path) -> Iterator[Any]:
    """More than one workspace in a test."""
    stores: list[Store] = []

    def make() -> Workspace:
        stores.append(Store.open(tmp_path / f"{len(stores)}.duckdb", StoreSettings(threads=1)))
        return Workspace(stores[-1])

    yield make
    for store in stores:
        store.close()


def ssh(at: float, status: str = "failure", **more: Any) -> Event:
    """One sshd login attempt."""
    return {
        "at": at, "class_uid": 3002, "activity": "logon", "product": "sshd", "service": "ssh", "log_name": "auth",
        "status": status, "src_ip": "203.0.113.9", "host": "web1", "user_name": "root", **more,
    }  # fmt: skip


def flow(at: float, dst_port: int, **more: Any) -> Event:
    """One Zeek connection, by default an unanswered attempt."""
    return {
        "at": at, "class_uid": 4001, "product": "zeek", "log_name": "conn", "protocol": "tcp", "conn_state": "S0",
        "src_ip": "198.51.100.7", "src_port": 40000 + dst_port % 20000, "dst_ip": "192.0.2.10", "dst_port": dst_port,
        **more,
    }  # fmt: skip


def web(at: float, path: str = "/login", **more: Any) -> Event:
    """One request of an access log, by default a POST that was answered 200."""
    return {
        "at": at, "class_uid": 4002, "product": "apache-nginx", "log_name": "access", "src_ip": "203.0.113.9",
        "http_method": "POST", "url_path": path, "http_status": 200, "bytes_in": 512, "user_agent": "curl/8", **more,
    }  # fmt: skip


@pytest.fixture
def events() -> Any:
    """The builders, for tests that import nothing of this file."""
    return {"ssh": ssh, "flow": flow, "web": web}
