"""Beacon analysis of a day of a million flows: seconds, memory, and what is found.

    python -m benchmarks.beacon [--flows 1000000] [--runs 3]

makes a day of flows of 2,000 machines inside (bursts of visits to popular and rare servers, services that many poll) with
60 beacons among them (intervals of 30 s to 1 h, jitter of 0 to 50 %), runs the rule over it as the engine does, in
windows of 200,000 events, then over a commit of 1,000 events, and prints figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from soc_tui.acquisition.reader import Chunk
from soc_tui.core.schema import NORMALISED, REJECTS
from soc_tui.core.settings import DetectionSettings, StoreSettings
from soc_tui.core.types import SourceState
from soc_tui.detection.detectors import ALL_DETECTORS
from soc_tui.store.database import Store
from soc_tui.store.intake import append_chunks

DAY = datetime(2026, 3, 1)
SECONDS = 86_400
HOSTS, BEACONS, POLLED = 2_000, 60, 5
WINDOW = 200_000


def _inside(number: np.ndarray[Any, Any]) -> list[str]:
    return [f"10.{n // 65536}.{n // 256 % 256}.{n % 256}" for n in number.tolist()]


def _outside(number: np.ndarray[Any, Any]) -> list[str]:
    return [f"203.{n // 65536 % 256}.{n // 256 % 256}.{n % 256}" for n in number.tolist()]


def beacons(random: np.random.Generator) -> tuple[list[np.ndarray[Any, Any]], list[tuple[str, str, float, float]]]:
    """The calls of the beacons (time, host, server, bytes), and (host, server, interval, jitter) of each."""
    parts, truth = [], []
    for number in range(BEACONS):
        interval = float(random.choice([30, 60, 300, 600, 1800, 3000]))
        jitter = float(random.choice([0.0, 0.1, 0.3, 0.5]))
        gaps = interval * (1 + jitter * random.uniform(-1, 1, int(SECONDS / interval)))
        times = random.uniform(0, interval) + np.cumsum(gaps)
        times = times[times < SECONDS]
        host, server = number * 31 % HOSTS, 10_000_000 + number
        size = 300 + number + random.integers(0, 20, len(times))
        parts.append(np.stack([times, np.full(len(times), host), np.full(len(times), server), size]))
        truth.append((_inside(np.array([host]))[0], _outside(np.array([server]))[0], interval, jitter))
    return parts, truth


def visits(random: np.random.Generator, count: int) -> list[np.ndarray[Any, Any]]:
    """What people do: bursts of a dozen connections, most to popular servers; and services that machines poll at random."""
    bursts = count // 12
    starts, hosts = random.uniform(0, SECONDS, bursts), random.integers(0, HOSTS, bursts)
    servers = np.minimum(random.zipf(1.3, bursts), 2_000_000)
    times = np.repeat(starts, 12) + random.exponential(3, bursts * 12)
    sizes = random.lognormal(6.5, 1.2, bursts * 12)
    browsing = np.stack([times, np.repeat(hosts, 12), np.repeat(servers, 12), sizes])
    polls = []
    for server in range(POLLED):  # every third machine asks at even pace: a service of the house's own software
        for host in range(server, HOSTS, 3 * POLLED):
            at = np.arange(random.uniform(0, 900), SECONDS, 900) + random.uniform(-5, 5, 1)
            polls.append(
                np.stack([at, np.full(len(at), host), np.full(len(at), 11_000_000 + server), np.full(len(at), 420)])
            )
    return [browsing, *polls]


def table(flows: np.ndarray[Any, Any]) -> pa.Table:
    """Events as the Zeek format makes them."""
    rows = flows.shape[1]
    stamps = pa.array([DAY + timedelta(seconds=float(s)) for s in flows[0]], pa.timestamp("us"))
    made: dict[str, Any] = {
        "time": stamps, "class_uid": pa.array([4001] * rows, pa.int32()), "product": ["zeek"] * rows, "log_name": ["conn"] * rows,
        "activity": ["traffic"] * rows, "src_ip": _inside(flows[1].astype(int)), "src_port": pa.array([50_000] * rows, pa.int32()),
        "dst_ip": _outside(flows[2].astype(int)), "dst_port": pa.array([443] * rows, pa.int32()), "protocol": ["tcp"] * rows,
        "service": ["ssl"] * rows, "status": ["success"] * rows, "conn_state": ["SF"] * rows,
        "bytes_out": pa.array(flows[3].astype(int), pa.int64()), "source_offset": pa.array(range(rows), pa.int64()),
        "source_length": pa.array([1] * rows, pa.int32()),
    }  # fmt: skip
    return pa.table(
        {f.name: pa.array(made[f.name], f.type) if f.name in made else pa.nulls(rows, f.type) for f in NORMALISED},
        NORMALISED,
    )


def measured(flows: int, folder: Path, seed: int) -> dict[str, Any]:
    """One run."""
    random = np.random.default_rng(seed)
    calls, truth = beacons(random)
    others = visits(random, flows - sum(part.shape[1] for part in calls))
    everything = np.concatenate([*calls, *others], axis=1)
    everything = everything[:, (everything[0] >= 0) & (everything[0] < SECONDS)]
    everything = everything[:, np.argsort(everything[0], kind="stable")]
    detector, settings = ALL_DETECTORS["beacon"], DetectionSettings()
    found: dict[str, dict[str, Any]] = {}
    took: list[float] = []
    with Store.open(folder / f"{seed}.duckdb", StoreSettings()) as store:

        def examine(part: np.ndarray[Any, Any]) -> float:
            events = table(part)
            state = SourceState(
                f"{store.next_source_id()}",
                source_id=store.next_source_id(),
                records_read=len(events),
                records_stored=len(events),
            )
            first, last = append_chunks(store, [Chunk(state, events, REJECTS.empty_table(), 0)], datetime.now(UTC))
            began = time.perf_counter()
            rows = store.sql(
                detector.sql,
                {**detector.parameters(settings), "first_event_id": first, "last_event_id": last},
                few=True,
            )
            seconds = time.perf_counter() - began
            found.update({row["finding_id"]: row for row in rows.to_pylist()})
            return seconds

        total = everything.shape[1]
        took = [examine(everything[:, at : at + WINDOW]) for at in range(0, total, WINDOW)]
        late = everything[:, -1000:].copy()
        late[0] = SECONDS - 1
        small = [examine(late) for _ in range(5)]
        began = time.perf_counter()
        store.sql(
            detector.sql, {**detector.parameters(settings), "first_event_id": 1, "last_event_id": total}, few=True
        )
        whole = time.perf_counter() - began
    named = {(row["dst_ip"], row["src_ip"]): row for row in found.values()}
    real = {(host, server) for host, server, *_ in truth}
    grave = {pair for pair, row in named.items() if row["severity"] != "low"}
    return {
        "flows": total, "seconds in windows": round(sum(took), 2), "seconds whole day at once": round(whole, 2),
        "seconds of a commit of 1,000": round(float(np.median(small)), 3),
        "peak MB of the process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "beacons": len(real), "found": len(real & set(named)), "medium or high": len(grave), "of them beacons": len(grave & real),
        "low (many machines call)": len(named) - len(grave),
        "missed": sorted([interval, jitter] for host, server, interval, jitter in truth if (host, server) not in named),
    }  # fmt: skip


def main() -> None:
    """Print what each run took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        for run in range(args.runs):
            print(json.dumps(measured(args.flows, Path(work), run), indent=1))


if __name__ == "__main__":
    main()
