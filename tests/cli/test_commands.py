"""Commands on a real engine: respond and undo, knowledge, models, audit; JSON for programs, words for people."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from soc_tui.management.launch import connect
from tests.e2e.conftest import ROOT, Product

ATTACKER = "203.0.113.9"
LINE = "Mar 27 13:06:%02d web1 sshd[%d]: Failed password for root from %s port 40000 ssh2\n"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Product:
    folder = tmp_path_factory.mktemp("commands")
    lines = [LINE % (n % 60, n, source) for source in (ATTACKER, "127.0.0.1") for n in range(40)]
    (folder / "auth.log").write_text("".join(lines))
    made = Product(folder / "w")
    made.run("ingest", str(folder / "auth.log"))
    return made


@pytest.fixture
def served(product: Product) -> Iterator[Product]:
    """The workspace with an engine that serves every command of a test; without it each command starts its own."""
    with connect(product.workspace):
        yield product


@pytest.fixture(scope="module")
def alert(product: Product) -> str:
    return f"A{product.json('alerts', f'src:{ATTACKER}')[0]['alert_id']}"


@pytest.fixture
def namespace() -> Iterator[str]:
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nft"):
        pytest.skip("needs root, ip and nft")
    name = f"soctui-{uuid.uuid4().hex[:8]}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        pytest.skip("cannot make a network namespace here")
    yield name
    subprocess.run(["ip", "netns", "del", name], check=False)


def test_a_preview_shows_the_exact_change_and_does_nothing(served: Product, alert: str) -> None:
    plan = served.json("respond", alert)
    preview = next(p for p in plan["previews"] if p["action"] == "block-ip")
    assert (preview["target"], preview["allowed"], preview["refusals"]) == (ATTACKER, True, [])
    assert any(f"blocked4 {{ {ATTACKER} timeout" in command for command in preview["commands"])
    assert preview["undo"]
    assert preview["expires"]
    shown = served.run("respond", alert).stdout
    assert "Nothing was done" in shown
    assert served.json("actions") == []


def test_loopback_is_never_blocked(served: Product) -> None:
    own = served.json("alerts", "src:127.0.0.1")[0]["alert_id"]
    run = served.run("respond", str(own), "--apply", code=1)
    assert "loopback" in run.stderr.lower()
    assert served.json("actions") == []


def test_the_analysts_own_way_in_is_never_blocked(product: Product, alert: str) -> None:
    run = product.run("respond", alert, "--apply", code=1, SSH_CONNECTION=f"{ATTACKER} 50000 192.0.2.1 22")
    assert "ssh" in run.stderr.lower()


@pytest.mark.namespace
def test_apply_verify_undo_audit(product: Product, alert: str, namespace: str) -> None:
    def inside(*arguments: str, code: int = 0) -> str:
        run = subprocess.run(
            ["ip", "netns", "exec", namespace, *arguments], env=product.env, capture_output=True, text=True, check=False
        )
        assert run.returncode == code, run.stderr
        return run.stdout

    before = inside("nft", "list", "ruleset")
    applied = json.loads(
        inside(*product.command("respond", alert, "--action", "block-ip", "--apply", "--format", "json"))
    )
    assert (applied["state"], applied["verified"], applied["target"]) == ("applied", True, ATTACKER)
    assert ATTACKER in inside("nft", "list", "set", "inet", "soc_tui", "blocked4")
    again = json.loads(inside(*product.command("respond", alert, "--apply", "--format", "json"), code=1) or "{}")
    assert again.get("changed", False) is False
    undone = json.loads(inside(*product.command("undo", str(applied["action_id"]), "--format", "json")))
    assert undone["state"] == "undone"
    assert inside("nft", "list", "ruleset") == before
    report = json.loads(inside(*product.command("protect", "audit", "--format", "json")))
    assert report["ok"] is True
    assert report["count"] >= 3


def test_a_changed_audit_chain_is_found(product: Product, tmp_path: Path, alert: str) -> None:
    copy = Product(tmp_path / "w")
    shutil.copytree(product.workspace, copy.workspace, ignore=shutil.ignore_patterns("*.sock"))
    copy.run(
        "respond", "A1", "--apply", code=1, SSH_CONNECTION=f"{ATTACKER} 50000 192.0.2.1 22"
    )  # a refusal is audited too
    assert copy.json("protect", "audit")["ok"] is True
    change = f"import duckdb; c = duckdb.connect({str(copy.workspace / 'workspace.duckdb')!r}); c.execute(\"UPDATE audit SET actor = 'nobody' WHERE seq = 1\")"
    subprocess.run([sys.executable, "-c", change], check=True)
    assert copy.json("protect", "audit", code=1)["ok"] is False


MISTAKES = [
    (("respond", "A999"), "there is no A999"),
    (("respond", "x"), "names no alert or incident"),
    (("respond", "A1", "--action", "fly"), "no action 'fly'"),
    (("show", "A999"), "there is no A999"),
    (("undo", "999"), "there is no action 999"),
    (("hunt", "SELECT"), "Parser Error"),
]


def test_mistakes_are_explained(served: Product) -> None:
    for arguments, said in MISTAKES:
        run = served.run(*arguments, code=2)
        assert said in run.stderr, arguments
        assert "what to do:" in run.stderr, arguments


def test_knowledge_commands(served: Product, alert: str, tmp_path: Path) -> None:
    entries = served.json("knowledge", "list")
    assert len(entries) >= 12
    assert served.json("knowledge", "match", alert)[0]["id"] == "K-0001"
    assert served.json("knowledge", "show", "K-0001")["title"]
    assert any(e["id"] == "K-0001" for e in served.json("knowledge", "search", "ssh"))
    assert served.json("knowledge", "lint") == []
    (tmp_path / "bad.yaml").write_text("id: K-9999\ntitel: wrong\n")
    problems = served.json("knowledge", "lint", str(tmp_path / "bad.yaml"), code=1)
    assert any(p["line"] == 2 and "title" in p["message"] for p in problems)


def test_models_and_score(product: Product, tmp_path: Path) -> None:
    assert {m["name"] for m in product.json("models", "list")} == {"code", "domain", "flow", "page", "query", "session"}
    (tmp_path / "values.txt").write_text("1' OR '1'='1\nblue shoes size 42\n")
    rows = [
        json.loads(line) for line in product.run("score", "query", str(tmp_path / "values.txt")).stdout.splitlines()
    ]
    assert [(row["value"], row["verdict"]) for row in rows] == [
        ("1' OR '1'='1", "attack"),
        ("blue shoes size 42", "benign"),
    ]
    assert {"value", "score", "verdict", "risk_type", "explanation"} <= set(rows[0])
    (tmp_path / "labelled.csv").write_text("value,label\n1' OR '1'='1,1\nblue shoes,0\n")
    figures = product.json("models", "evaluate", "query", "--data", str(tmp_path / "labelled.csv"))
    assert (figures["rows"], figures["positives"], figures["recall"], figures["fpr"]) == (2, 1, 1.0, 0.0)
    assert {"precision", "f1", "auroc", "threshold", "threshold_source"} <= set(figures)
    assert "cannot be read" in product.run("score", "query", str(tmp_path / "none"), code=1).stderr
    assert (ROOT / "models" / "flow.json").exists()
