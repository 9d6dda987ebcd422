"""An invented log of flows in the making: addresses, times, sizes, and rows as Zeek would write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc_tui.analysis.corpora.flow_files import FLOWS

SPAN = 3600.0
"""Seconds that an invented log lasts."""

_START = 1_700_000_000.0


@dataclass
class Log:
    """The flows of one invented network."""

    rng: np.random.Generator
    hosts: list[str]
    parts: list[dict[str, Any]] = field(default_factory=list)

    def outside(self, count: int) -> NDArray[Any]:
        """Addresses of the Internet, (count,)."""
        octets = self.rng.integers(1, 255, (count, 4))
        octets[:, 0] = np.clip(octets[:, 0], 11, 223)
        return np.array([".".join(map(str, o)) for o in octets], object)

    def host(self) -> str:
        """One of the network's own hosts."""
        return str(self.rng.choice(self.hosts))

    def size(self, low: float, high: float, count: int) -> NDArray[np.float64]:
        """Numbers spread evenly over the orders of magnitude from ``low`` to ``high``."""
        return np.asarray(np.exp(self.rng.uniform(np.log(low), np.log(high), count)), np.float64)

    def pick(self, count: int, **shares: float) -> NDArray[Any]:
        """Texts by share; ``none`` stands for null."""
        names = np.array([None if n == "none" else n for n in shares], object)
        weights = np.array(list(shares.values()))
        return np.asarray(names[self.rng.choice(len(names), count, p=weights / weights.sum())], object)

    def times(self, count: int, period: float | None = None) -> NDArray[np.float64]:
        """At random within the log, or every ``period`` seconds with a little jitter."""
        if period is None:
            low, high = np.sort(self.rng.uniform(0, SPAN, 2))
            return np.sort(self.rng.uniform(low, high, count))
        return np.asarray(np.arange(count) * period + self.rng.normal(0, period * 0.02, count) + period, np.float64)

    def add(
        self,
        bits: int,
        time: NDArray[np.float64],
        src: Any,
        dst: Any,
        port: Any,
        protocol: str,
        state: Any,
        service: Any = None,
        out: Any = 0.0,
        back: Any = 0.0,
        packets: Any = 1.0,
        answers: Any = 0.0,
        lasted: Any = 0.0,
    ) -> None:
        """Flows, each argument one value for all or (rows,)."""
        rows = len(time)

        def wide(value: Any, kind: type) -> NDArray[Any]:
            return np.full(rows, value, kind) if np.ndim(value) == 0 else np.asarray(value, kind)

        state = wide(state, object)
        packets, answers = np.round(wide(packets, float)), np.round(wide(answers, float))
        silent = np.isin(state, ("S0", "REJ", "RSTOS0", "SH")) & (protocol == "tcp")
        answers = np.where(state == "REJ", np.maximum(answers, 1), np.where(silent, 0.0, answers))
        out, back = np.where(silent, 0.0, wide(out, float)), np.where(silent | (answers == 0), 0.0, wide(back, float))
        lasted = wide(lasted, float)
        lone = (packets + answers) <= 1  # Zeek knows no duration and no bytes of a lone packet
        nothing = [np.where(lone, np.nan, v) for v in (lasted, np.round(out), np.round(back))]
        self.parts.append(
            {
                "bits": np.full(rows, bits),
                "time": _START + time,
                "src_ip": wide(src, object),
                "dst_ip": wide(dst, object),
                "dst_port": wide(port, float),
                "protocol": wide(protocol, object),
                "service": wide(service, object),
                "conn_state": state,
                "duration": nothing[0],
                "bytes_out": nothing[1],
                "bytes_in": nothing[2],
                "packets_out": packets,
                "packets_in": answers,
            }
        )

    def table(self) -> pa.Table:
        """All flows in the order of time, ``FLOWS`` and ``bits``."""
        columns = {n: np.concatenate([p[n] for p in self.parts]) for n in self.parts[0]}
        kept = (columns["time"] - _START < 2 * SPAN) & (columns["time"] >= _START)
        columns = {n: v[kept] for n, v in columns.items()}
        arrays = [
            pa.array((columns["time"] * 1e6).astype(np.int64)).cast(f.type)
            if f.name == "time"
            else pa.array(columns[f.name], f.type, from_pandas=True)
            if f.name in columns
            else pa.nulls(len(columns["time"]), f.type)
            for f in FLOWS
        ]
        whole = pa.table(arrays, schema=FLOWS).append_column("bits", pa.array(columns["bits"], pa.int64()))
        return whole.sort_by("time").combine_chunks()
