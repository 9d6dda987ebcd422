"""The same flows as another sensor, another network or another sampling would have seen them, before context.

A capture shows one network from one place. What a model learns from it should hold elsewhere, so each capture is
trained on in several views that leave the verdict alone. A view takes flows and a random generator and yields flows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

View = Callable[[pa.Table, np.random.Generator], pa.Table]


def _replaced(table: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


def plain(table: pa.Table, _: np.random.Generator) -> pa.Table:
    """As it was."""
    return table


def transposed(table: pa.Table, _: np.random.Generator) -> pa.Table:
    """The addresses of both ends swapped.

    Captures of one host show attacks only as many-to-one and ordinary traffic only as one-to-many. Swapped, the same
    probes are one infected host scanning many, and the same visits are a server with many clients; with both, direction
    tells nothing.
    """
    names = ["dst_ip" if n == "src_ip" else "src_ip" if n == "dst_ip" else n for n in table.column_names]
    return table.rename_columns(names)


def as_suricata(table: pa.Table, _: np.random.Generator) -> pa.Table:
    """What Suricata would have written: frame bytes instead of payload, three states, no service where unsure."""
    state = table["conn_state"]
    new = pc.is_in(state, pa.array(["S0", "REJ"]))
    closed = pc.is_in(state, pa.array(["SF", "RSTO", "RSTR", "REJ", "RSTOS0"]))
    word = pc.if_else(new, "new", pc.if_else(closed, "closed", "established"))
    return _replaced(_with_headers(table, 54), "conn_state", word)


def as_netflow(table: pa.Table, _: np.random.Generator) -> pa.Table:
    """What a NetFlow exporter knows: IP bytes, no connection state, no service."""
    bare = _with_headers(table, 40)
    for name in ("conn_state", "service"):
        bare = _replaced(bare, name, pa.nulls(bare.num_rows, pa.string()))
    return bare


def _with_headers(table: pa.Table, size: int) -> pa.Table:
    for side in ("out", "in"):
        name = f"bytes_{side}"
        packets = pc.multiply(pc.fill_null(table[f"packets_{side}"], 0.0), float(size))
        table = _replaced(table, name, pc.add(pc.fill_null(table[name], 0.0), packets))
    return table


def as_refused(table: pa.Table, _: np.random.Generator) -> pa.Table:
    """The same network behind the other kind of firewall: silence becomes a refusal (REJ) and a refusal silence (S0).

    Whether a probe is dropped or refused says who was probed, not that it was one.
    """
    silent = pc.and_(pc.equal(table["conn_state"], "S0"), pc.equal(table["protocol"], "tcp"))
    refused = pc.equal(table["conn_state"], "REJ")
    state = pc.if_else(silent, "REJ", pc.if_else(refused, "S0", table["conn_state"]))
    answers = pc.if_else(silent, table["packets_out"], pc.if_else(refused, 0.0, table["packets_in"]))
    return _replaced(_replaced(table, "conn_state", state), "packets_in", answers)


def sampled(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    """A tenth to a half of the flows: a sampling exporter, or a sensor that loses packets; context thins with it."""
    share = rng.uniform(0.1, 0.5)
    return table.filter(pa.array(rng.random(table.num_rows) < share))


def paced(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    """The same order of events, three to thirty times faster or slower: a busier or a quieter network."""
    factor = float(np.exp(rng.uniform(np.log(3), np.log(30))) ** rng.choice([-1, 1]))
    micros = np.asarray(table["time"].cast(pa.int64()).to_numpy(), np.float64)
    start = micros.min(initial=np.inf) if len(micros) else 0.0
    return _replaced(table, "time", pa.array((start + (micros - start) * factor).astype(np.int64), pa.timestamp("us")))


def dispersed(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    """The busiest address becomes a network of 2 to 200: who it dealt with decides which of them it was.

    Turns the capture of one host into that of its whole network; a scan of one becomes a scan of many.
    """
    ends = pa.concat_arrays([table[n].combine_chunks() for n in ("src_ip", "dst_ip")])
    counts = pc.value_counts(ends.drop_null())
    if not len(counts):
        return table
    busiest = counts.field("values")[int(np.argmax(counts.field("counts").to_numpy()))]
    size, salt = int(np.exp(rng.uniform(np.log(2), np.log(200)))), int(rng.integers(1, 1 << 30))
    for name, other in (("src_ip", "dst_ip"), ("dst_ip", "src_ip")):
        coded = pc.fill_null(table[other], "").combine_chunks().dictionary_encode()
        port = np.nan_to_num(table["dst_port"].to_numpy())
        peer = coded.indices.to_numpy() * 64 + (port % 61)
        member = ((peer.astype(np.int64) * 2_654_435_761 + salt) % 4_294_967_291) % size
        names = pa.array([f"10.77.{i // 250}.{i % 250 + 1}" for i in range(size)]).take(pa.array(member))
        table = _replaced(
            table, name, pc.if_else(pc.fill_null(pc.equal(table[name], busiest), False), names, table[name])
        )
    return table


def gathered(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    """All sources but a few become 1 to 20: clients behind one address translation, scanners of one botnet."""
    size = int(rng.integers(1, 21))
    coded = pc.fill_null(table["src_ip"], "").combine_chunks().dictionary_encode()
    member = (coded.indices.to_numpy().astype(np.int64) * 2_654_435_761 % 4_294_967_291) % size
    names = pa.array([f"198.51.100.{i + 1}" for i in range(size)])
    return _replaced(table, "src_ip", names.take(pa.array(member)))


def without_services(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    """No service named, half of the durations and byte counts unknown: a sensor without protocol analysis."""
    table = _replaced(table, "service", pa.nulls(table.num_rows, pa.string()))
    unknown = pa.array(rng.random(table.num_rows) < 0.5)
    for name in ("duration", "bytes_out", "bytes_in"):
        table = _replaced(table, name, pc.if_else(unknown, pa.scalar(None, pa.float64()), table[name]))
    return table
