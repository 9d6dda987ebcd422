"""Floods of equal findings: how many alerts and incidents they make, how long that takes, and how fast lists stay.

``python -m benchmarks.folding [KIND] [COUNT]`` in a folder of its own with 2 GB free; kinds: ``same`` (one signature,
one pair of machines), ``scanner`` (one source, 5,000 machines), ``guessing`` (failed logins), ``alerts`` (as many alerts
as COUNT, of COUNT / 10 sources, straight into the store).
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from soc_tui.core.schema import FINDINGS
from soc_tui.core.settings import AnalysisSettings, Settings
from soc_tui.management.engine import Engine

START = datetime(2026, 3, 1)
_BATCH = 50_000


def eve(count: int, machines: int) -> Iterator[str]:
    for n in range(count):
        at = (START + timedelta(milliseconds=n)).isoformat(timespec="microseconds")
        victim = f"10.0.{n % machines // 250}.{n % machines % 250}"
        yield (
            f'{{"timestamp":"{at}+0000","event_type":"alert","src_ip":"203.0.113.9","src_port":4000,"dest_ip":"{victim}",'
            '"dest_port":80,"proto":"TCP","alert":{"signature_id":2009582,"signature":"ET SCAN NMAP -sS","severity":2,'
            '"category":"Attempted Information Leak"}}\n'
        )


def guesses(count: int) -> Iterator[str]:
    for n in range(count):
        at = START + timedelta(milliseconds=n * 20)
        yield f"{at:%b %e %H:%M:%S} web1 sshd[9]: Failed password for root from 203.0.113.9 port 4022 ssh2\n"


LOGS: dict[str, Callable[[int], Iterator[str]]] = {
    "same": lambda count: eve(count, 1), "scanner": lambda count: eve(count, 5000), "guessing": guesses,
}  # fmt: skip


def findings(first: int, last: int, sources: int) -> pa.Table:
    rows = [
        {"finding_id": f"f{n}", "alert_key": f"k{n}", "detector": "suricata-alert", "risk_type": "intrusion",
         "title": f"Signature {n % 40}", "severity": ("low", "medium", "high")[n % 3], "score": 0.5,
         "time": START + timedelta(seconds=n), "time_last": START + timedelta(seconds=n),
         "src_ip": f"10.{n % sources // 60000}.{n % sources // 250 % 240}.{n % sources % 250}", "dst_ip": "192.0.2.1",
         "event_count": 1, "techniques": ["T1595"], "explanation": "[]", "event_ids": [n]}
        for n in range(first, last)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, FINDINGS)


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return round(time.monotonic() - began, 3)


def run(kind: str, count: int, folder: Path) -> dict[str, object]:
    engine = Engine(Settings(workspace=folder / "w", analysis=AnalysisSettings(enabled=False)))
    try:
        cpu, began = time.process_time(), time.monotonic()
        if kind == "alerts":
            for first in range(0, count, _BATCH):
                with engine.store.transaction() as tx:
                    engine.pipeline.commit(tx, findings(first, min(first + _BATCH, count), max(count // 10, 1)))
        else:
            log = folder / f"{kind}.log"
            with log.open("w") as out:
                out.writelines(LOGS[kind](count))
            cpu, began = time.process_time(), time.monotonic()
            for _ in engine._ingest([str(log)]):
                pass
            engine.pipeline.awaited.add("detection")
            while engine.lag("detection"):
                engine.pipeline.detect()
        told: dict[str, object] = {
            "kind": kind, "count": count, "seconds": round(time.monotonic() - began, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
            **{name: engine.store.sql(f"SELECT count(*) AS n FROM {name}")["n"][0].as_py()
               for name in ("findings", "alerts", "incidents")},
            "alerts_page_s": timed(lambda: engine.queries.alerts(limit=400)),
            "incidents_page_s": timed(lambda: engine.queries.incidents(limit=400)),
            "pulse_s": timed(engine._pulse),
            "preview_s": timed(lambda: engine.suppressing.suppress("severity:<=low")),
        }  # fmt: skip
        if kind == "alerts":
            told["suppress_s"] = timed(lambda: engine.suppressing.suppress("severity:<=low", "bench", apply=True))
            told["unsuppress_s"] = timed(lambda: engine.suppressing.unsuppress(1))
            told["one_more_s"] = timed(lambda: _one_more(engine, count))
        told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return told
    finally:
        engine.stop()


def _one_more(engine: Engine, count: int) -> None:
    with engine.store.transaction() as tx:
        engine.pipeline.commit(tx, findings(count, count + 1, max(count // 10, 1)))


if __name__ == "__main__":
    chosen, number = (sys.argv[1:] + ["same", "1000000"][len(sys.argv) - 1 :])[:2]
    with tempfile.TemporaryDirectory(prefix="soc-tui-folding-") as name:
        print(json.dumps(run(chosen, int(number), Path(name))))
