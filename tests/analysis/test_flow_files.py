from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from soc_tui.analysis.corpora import flow as captures
from soc_tui.analysis.corpora.flow_files import FLOWS, read_flows
from soc_tui.analysis.corpora.labelled import read_labelled
from soc_tui.core.errors import SourceError

NAMES = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state orig_pkts resp_pkts"
ROWS = (
    "1545404032.1 C1 192.168.1.2 4321 203.0.113.5 23 tcp - 2.5 0 0 S0 3 0",
    "1545404033.25 C2 192.168.1.2 5353 203.0.113.6 53 udp dns - - - SF 1 1",
)
LABELS = ("Malicious   PartOfAHorizontalPortScan", "Benign   -")


def _joined(header: bool, rows: bool) -> str:
    """A log as IoT-23 writes it, with its last three columns joined in the header, in the rows or in both."""
    last = ("tunnel_parents", "label", "detailed-label")
    names = NAMES.replace(" ", "\t") + "\t" + ("   " if header else "\t").join(last)
    lines = []
    for row, label in zip(ROWS, LABELS, strict=True):
        cells = ["(empty)", *label.split()]
        lines.append(row.replace(" ", "\t") + "\t" + ("   " if rows else "\t").join(cells))
    return "#separator \\x09\n#fields\t" + names + "\n#types\ttime\n" + "\n".join(lines) + "\n#close\t2019-01-01\n"


@pytest.mark.parametrize(("header", "rows"), [(True, True), (False, False), (True, False), (False, True)])
def test_labels_are_read_however_the_last_columns_are_joined(tmp_path: Path, header: bool, rows: bool) -> None:
    path = tmp_path / "conn.log.labeled"
    path.write_text(_joined(header, rows))
    table = read_flows(path)
    assert table.schema == FLOWS
    assert captures.labelled(table).tolist() == [captures.ANY_RISK, captures.BENIGN]
    assert table["duration"].to_pylist() == [2.5, None]
    assert table["service"].to_pylist() == [None, "dns"]
    assert table["time"].cast("int64").to_pylist() == [1_545_404_032_100_000, 1_545_404_033_250_000]


@pytest.mark.parametrize("delimiter", ["|", ",", "\t"])
def test_copies_of_zeek_logs_with_names_in_the_first_line_are_read(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "flows.csv"
    lines = [f"{NAMES} label", f"{ROWS[0]} Malicious", f"{ROWS[1]} Benign"]
    path.write_text("\n".join(line.replace(" ", delimiter) for line in lines) + "\n")
    table, risky = read_labelled("flow", path)
    assert table["dst_port"].to_pylist() == [23, 53]
    assert risky.tolist() == [True, False]


def test_a_table_of_values_stays_a_table_of_values(tmp_path: Path) -> None:
    path = tmp_path / "flows.jsonl"
    record = {"src_ip": "192.0.2.1", "dst_port": 22, "protocol": "tcp"}
    path.write_text(json.dumps({"value": json.dumps(record), "label": 1}) + "\n")
    table, risky = read_labelled("flow", path)
    assert (table["dst_port"].to_pylist(), risky.tolist()) == ([22.0], [True])


def test_json_logs_of_zeek_and_suricata_are_read(tmp_path: Path) -> None:
    zeek = {
        "ts": 1.5,
        "id.orig_h": "192.0.2.1",
        "id.resp_h": "192.0.2.2",
        "id.resp_p": 80,
        "proto": "tcp",
        "label": "Benign",
    }
    eve = {
        "event_type": "flow", "src_ip": "192.0.2.1", "dest_ip": "192.0.2.3", "dest_port": 443, "proto": "TCP",
        "app_proto": "tls", "timestamp": "2024-01-01T00:00:09.000000+0000",
        "flow": {"pkts_toserver": 4, "bytes_toclient": 90, "state": "closed", "start": "2024-01-01T00:00:01.000000+0000",
                 "end": "2024-01-01T00:00:03.500000+0000"},
    }  # fmt: skip
    path = tmp_path / "mixed.json.gz"
    lines = [json.dumps(zeek), "not JSON", "[1]", json.dumps({"event_type": "dns"}), json.dumps(eve)]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    rows = read_flows(path).to_pylist()
    assert [row["dst_ip"] for row in rows] == ["192.0.2.2", "192.0.2.3"]
    assert (rows[1]["duration"], rows[1]["packets_out"], rows[1]["bytes_in"], rows[1]["conn_state"]) == (
        2.5,
        4,
        90,
        "closed",
    )
    assert rows[1]["time"].isoformat() == "2024-01-01T00:00:01"
    assert rows[0]["label"] == "Benign"


def test_broken_rows_are_passed_over_and_broken_numbers_are_unknown(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    whole = ROWS[0].replace(" ", "\t")
    odd = ROWS[1].replace(" ", "\t").replace("53\tudp", "port\tudp")
    path.write_bytes(
        f"#fields\t{NAMES}\n".replace(" ", "\t").encode() + f"{whole}\ncut\toff\n{odd}\n".encode() + b"\xff\xfe\t\x00\n"
    )
    table = read_flows(path)
    assert table["dst_port"].to_pylist() == [23, None]
    assert table["time"].null_count == 0


@pytest.mark.parametrize("content", [b"", b"\n\n", b"hello\n", b"a,b\n1,2\n", b"\x1f\x8b broken", b"\x00" * 4096])
def test_files_that_are_no_flows_are_refused_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ("x.gz" if content[:2] == b"\x1f\x8b" else "x.log")
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_flows(path)
    assert caught.value.remedy


def test_a_header_without_rows_is_an_empty_table(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_text("#fields\t" + NAMES.replace(" ", "\t") + "\n#close\t2020\n")
    assert read_flows(path).equals(FLOWS.empty_table())


def test_real_logs_have_all_their_rows(shared_data: Path) -> None:
    base = shared_data / "sensor"
    table = read_flows(base / "stratosphere-testing/011-zeek-mixed/data/conn.log.labeled")
    bits = captures.labelled(table)
    assert (table.num_rows, int((bits == captures.BENIGN).sum()), int((bits == captures.ANY_RISK).sum())) == (
        9048,
        4771,
        3951,
    )
    assert read_flows(base / "zat/json/conn.log").num_rows == 50
    assert read_flows(base / "suricata-eve/otrf.eve.json.gz").num_rows == 682
