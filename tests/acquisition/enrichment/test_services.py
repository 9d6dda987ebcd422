"""Service names: what ships, and what the system adds."""

from pathlib import Path

from soc_tui.acquisition.enrichment.services import load_services, shipped


def test_the_shipped_names() -> None:
    names = shipped()
    assert len(names) > 180
    wanted = {(22, "tcp"): "ssh", (53, "udp"): "domain", (80, "tcp"): "http", (443, "tcp"): "https", (445, "tcp"): "microsoft-ds",
              (3389, "tcp"): "ms-wbt-server", (502, "tcp"): "modbus", (5353, "udp"): "mdns"}  # fmt: skip
    assert {key: names[key] for key in wanted} == wanted
    assert all(
        0 < port <= 65535 and protocol in {"tcp", "udp"} and name.isascii() for (port, protocol), name in names.items()
    )


def test_the_system_adds_but_does_not_change(tmp_path: Path) -> None:
    file = tmp_path / "services"
    file.write_bytes(
        b"# c\nweird 443/tcp alias\nOurs 4999/TCP # x\nbad line\nx 99999/tcp\ny y/tcp\n\x1b[31m 77/tcp\n\xff 78/tcp"
    )
    names = load_services(file)
    assert (names[443, "tcp"], names[4999, "tcp"]) == ("https", "ours")
    assert (77, "tcp") not in names
    assert load_services(tmp_path / "none") == shipped()
