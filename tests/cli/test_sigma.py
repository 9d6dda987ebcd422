"""``knowledge update --sigma``, ``knowledge sigma`` and ``knowledge rerun`` on a real engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from soc_tui.management.launch import connect
from tests.e2e.conftest import Product

RULE = """title: Old admin page
id: 77777777-0000-4000-8000-000000000001
logsource:
  category: webserver
detection:
  s:
    cs-uri-stem: /old-admin
  condition: s
level: high
"""
LINE = '203.0.113.7 - - [28/Nov/2026:04:05:01 +0000] "GET /old-admin?x=1 HTTP/1.1" 200 512 "-" "curl/8"\n'


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("sigma")
    (folder / "access.log").write_text(LINE * 3)
    made = Product(folder / "w")
    made.run("ingest", str(folder / "access.log"))
    with connect(made.workspace):  # one engine for all commands
        yield made


def test_rules_are_taken_in_listed_narrowed_and_run_again(product: Product, tmp_path: Path) -> None:
    rules = tmp_path / "mine"
    rules.mkdir()
    (rules / "a.yml").write_text(RULE)
    (rules / "b.yml").write_text(RULE.replace("webserver", "mainframe").replace("000001\n", "000002\n"))
    done = product.json("knowledge", "update", "--sigma", str(rules))
    assert [done[name] for name in ("set", "files", "converted", "not_applicable", "damaged", "alerts")] == [
        "mine", 2, 1, 1, 0, 1,
    ]  # fmt: skip
    (alert,) = product.json("alerts", "detector:sigma rule:77777777")
    assert (alert["title"], alert["src_ip"], alert["severity"]) == ("Old admin page", "203.0.113.7", "high")
    listed = {row["rule"]: row for row in product.json("knowledge", "sigma") if row["set"] == "mine"}
    assert [row["state"] for row in listed.values()] == ["converted", "not applicable"]
    assert listed["77777777-0000-4000-8000-000000000002"]["why"] == "no log of this source is read: category mainframe"
    assert product.json("knowledge", "rerun", "77777777")["rules"] == ["77777777-0000-4000-8000-000000000001"]

    (rules / "a.yml").write_text(RULE.replace("level: high", "level: dreadful"))
    bad = product.run("knowledge", "update", "--sigma", str(rules), code=1)
    assert "a.yml:9: 'dreadful' is not a valid Sigma rule level" in bad.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("knowledge", "update"), 2, "nothing to load"),
        (("knowledge", "update", "--sigma", "/does/not/exist"), 1, "does not exist"),
        (("knowledge", "sigma", "--state", "odd"), 2, "unknown state"),
        (("knowledge", "rerun", "zzz"), 2, "no rule has that id"),
    ],
)
def test_wrong_calls(product: Product, arguments: tuple[str, ...], code: int, said: str) -> None:
    assert said in product.run(*arguments, code=code).stderr


def test_help_and_the_engine_import_no_pysigma() -> None:
    code = (
        "import sys, soc_tui.cli.main, soc_tui.management.engine, soc_tui.console.app\n"
        "assert not {'sigma', 'pyparsing', 'jinja2'} & set(sys.modules), sorted(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr == ""
