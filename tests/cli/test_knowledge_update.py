"""``knowledge update``: what it loads, what it says, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Product

ADVISORY = {"id": "PYSEC-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": ["1"]}]}


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product(tmp_path / "w")


def test_counts_before_and_after(product: Product, tmp_path: Path) -> None:
    (tmp_path / "osv").mkdir()
    (tmp_path / "osv/a.json").write_text(json.dumps(ADVISORY))
    (tmp_path / "kev.json").write_text(json.dumps({"vulnerabilities": [{"cveID": "CVE-2024-0001"}]}))
    arguments = ("knowledge", "update", "--advisories", str(tmp_path / "osv"), "--kev", str(tmp_path / "kev.json"))
    assert product.json(*arguments) == {
        "loaded": [{"what": "PyPI", "before": 0, "now": 1}, {"what": "exploited in the wild", "before": 0, "now": 1}],
        "documents": 1, "withdrawn": 0, "without_package": 0, "damaged": 0, "damages": [],
    }  # fmt: skip
    done = product.run(*arguments)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["what", "before", "now"], ["PyPI", "1", "1"], ["exploited", "in", "the", "wild", "1", "1"],
    ]  # fmt: skip
    assert "1 advisories read: 0 withdrawn, 0 about no package, 0 damaged; 1 kept" in done.stderr


def test_damage_is_named_and_ends_with_1(product: Product, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(ADVISORY) + "\n{\x1b[31m\n")
    done = product.run("knowledge", "update", "--advisories", str(tmp_path / "a.jsonl"), code=1)
    assert f"{tmp_path}/a.jsonl:2: is no JSON" in done.stderr
    assert "fetch the file again" in done.stderr
    assert "\x1b" not in done.stderr
    assert "PyPI" in done.stdout


def test_nothing_named_is_a_wrong_call(product: Product) -> None:
    assert "nothing to load" in product.run("knowledge", "update", code=2).stderr
