"""What is known against a version, at the edges of branches and days."""

from __future__ import annotations

from datetime import date

import pytest

from soc_tui.detection.database.versions import Vulnerability, outdated

TODAY = date(2026, 11, 12)


@pytest.mark.parametrize(("product", "version", "expected"), [
    ("postgresql", "15.18 (Debian 15.18-0+deb12u1)", []),
    ("postgresql", "15.17", ["CVE-2026-6473", "CVE-2026-6637"]),
    ("postgresql", "14.23", []),  # its last day is today
    ("postgresql", "13.23", ["13 ended 2025-11-13", "CVE-2026-6473", "CVE-2026-6637"]),
    ("postgresql", "9.6.24", ["9.6 ended 2021-11-11", "CVE-2026-6473", "CVE-2026-6637", "CVE-2025-1094", "CVE-2024-10979",
                              "CVE-2024-7348"]),
    ("postgresql", "19.0", []),
    ("mysql", "5.7.44-log", ["5.7 ended 2023-10-31"]),
    ("mysql", "5.5.23", ["5.5 ended 2018-12-31", "CVE-2016-6662", "CVE-2012-2122"]),
    ("mysql", "8.4.9", []),
    ("mariadb", "10.11.19-MariaDB-0+deb12u1", []),
    ("mariadb", "5.5.5-10.5.8-MariaDB", ["10.5 ended 2025-06-24", "CVE-2021-27928"]),
    ("redis", "7.0.15", ["7.0 ended 2024-07-29", "CVE-2025-49844", "CVE-2024-46981", "CVE-2025-21605"]),
    ("redis", "7.2.11", []),
    ("redis", "4.0.9", ["4.0 ended 2022-04-27", "CVE-2025-49844", "CVE-2024-46981", "CVE-2025-21605"]),
    ("valkey", "8.1.3", ["CVE-2025-49844"]),
    ("mongodb", "3.4.24", ["3.4 ended 2021-04-30"]),
    ("oracle", "1.0", []),
])  # fmt: skip
def test_what_is_known_against_a_version(product: str, version: str, expected: list[str]) -> None:
    found = [
        one.cve if isinstance(one, Vulnerability) else f"{one[0]} ended {one[1]}"
        for one in outdated(product, version, TODAY)
    ]
    assert found == expected
