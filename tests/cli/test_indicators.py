"""``indicators`` on a real engine, and what ``show`` knows of an address."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from soc_tui.management.launch import connect
from tests.e2e.conftest import Product

FLOW = {"timestamp": "2026-03-01T10:00:01+0000", "event_type": "flow", "src_ip": "10.0.0.5", "src_port": 5001, "dest_ip": "203.0.113.5",
        "dest_port": 443, "proto": "TCP", "flow": {"pkts_toserver": 5, "pkts_toclient": 5, "state": "closed"}}  # fmt: skip


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("indicators")
    (folder / "eve.json").write_text(json.dumps(FLOW) + "\n")
    made = Product(folder / "w")
    made.run("ingest", str(folder / "eve.json"))
    with connect(made.workspace):  # one engine for all commands
        yield made


@pytest.mark.campaign
def test_load_list_show_remove(product: Product, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("203.0.113.5 # C2\nnonsense\n")
    done = product.json("indicators", "load", str(tmp_path / "bad.txt"), "--severity", "high")
    assert (done["indicators"], done["findings"], done["alerts"], done["errors"]) == (1, 1, 1, [])
    assert {k: done["sources"][0][k] for k in ("source", "format", "records", "rejected")} == {
        "source": "bad.txt", "format": "list", "records": 2, "rejected": 1,
    }  # fmt: skip
    assert [row["source"] for row in product.json("indicators", "list")] == ["bad.txt"]
    (alert,) = product.json("alerts")
    assert (alert["detector"], alert["src_ip"], alert["dst_ip"], alert["severity"]) == (
        "known-bad-indicator",
        "203.0.113.5",
        "10.0.0.5",
        "high",
    )
    shown = product.run("show", "203.0.113.5").stdout
    assert "documentation" in shown
    assert "203.0.113.5 (high, bad.txt)" in shown
    assert product.json("show", "10.0.0.5")["addresses"][0]["class"] == "private"  # no attacker, and yet known
    assert "known bad" in product.run("show", f"A{alert['alert_id']}").stdout
    assert product.json("indicators", "remove", "bad.txt") == {"source": "bad.txt", "removed": 1}
    assert product.json("indicators", "list") == []
    assert len(product.json("alerts")) == 1
    assert {row["src_class"] for row in product.rows("SELECT src_class FROM events_enriched")} == {"private"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("indicators", "load", "x", "--as", "yaml"), 2, "unknown form"),
        (("indicators", "load", "x", "--severity", "bad"), 2, "unknown severity"),
        (("indicators", "load", "/does/not/exist"), 1, "cannot be read"),
        (("indicators", "remove", "none"), 2, "no indicator source"),
        (("show", "192.0.2.99"), 2, "there is no 192.0.2.99"),
    ],
)
def test_mistakes_are_explained(product: Product, arguments: tuple[str, ...], code: int, said: str) -> None:
    run = product.run(*arguments, code=code)
    assert said in run.stderr
    assert "what to do:" in run.stderr
