"""``suppress``, ``suppressions``, ``unsuppress`` as commands: a look first, then hidden, then shown again."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from soc_tui.management.launch import connect
from tests.e2e.conftest import Product

NOISY, OTHER = "203.0.113.9", "198.51.100.4"
LINE = "Mar 27 13:06:%02d web1 sshd[%d]: Failed password for root from %s port 40000 ssh2\n"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("suppress")
    (folder / "auth.log").write_text("".join(LINE % (n, n, source) for source in (NOISY, OTHER) for n in range(40)))
    made = Product(folder / "w")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOC_TUI_ANALYSIS__ENABLED", "false")
        with connect(made.workspace):
            made.run("ingest", str(folder / "auth.log"))
            yield made


def sources(product: Product, *arguments: str) -> list[str]:
    return sorted(row["src_ip"] for row in product.json("alerts", *arguments))


@pytest.mark.campaign
def test_look_hide_ask_and_take_back(product: Product) -> None:
    shown = product.run("suppress", f"src:{NOISY}", "detector:ssh-brute-force").stdout
    assert "would hide   1 of 2 alerts, 1 incidents whole" in shown
    assert "  high       1" in shown
    assert "warning      hides 1 high" in shown
    assert "Nothing was done" in shown
    assert sources(product) == [OTHER, NOISY]

    done = product.json("suppress", f"src:{NOISY}", "--reason", "our own scanner", "--days", "7", "--apply")
    assert (done["applied"], done["suppression_id"], done["hides"]) == (True, 1, 1)
    assert sources(product) == [OTHER]
    assert [row["attacker"] for row in product.json("incidents")] == [OTHER]
    assert [row["address"] for row in product.json("attackers")] == [OTHER]
    assert sources(product, "--suppressed") == [OTHER, NOISY]
    assert {row["src_ip"]: row["suppressed_by"] for row in product.json("alerts", "--suppressed")} == {
        OTHER: None,
        NOISY: 1,
    }
    assert sources(product, "suppressed:S1") == [NOISY]
    assert len(product.json("incidents", "--suppressed")) == len(product.json("attackers", "--suppressed")) == 2
    assert "S1" in product.run("alerts", "--suppressed").stdout

    (row,) = product.json("suppressions")
    assert (row["filter"], row["reason"], row["hides"], row["state"]) == (
        f"src:{NOISY}",
        "our own scanner",
        1,
        "in force",
    )
    assert "our own scanner" in product.run("suppressions").stdout
    assert product.json("unsuppress", "s1")["shows"] == 1
    assert product.json("suppressions") == []
    assert [row["state"] for row in product.json("suppressions", "--all")] == ["undone"]
    assert sources(product) == [OTHER, NOISY]
    assert product.json("protect", "audit")["ok"] is True


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("suppress", "severity:>=info", "--reason", "x", "--apply"), 2, "fits any alert"),
        (("suppress", "detector:ssh-brute-force", "--reason", "x", "--apply"), 2, "every alert (2 of 2)"),
        (("suppress", "src:10.0.0.5", "--apply"), 2, "needs a reason"),
        (("suppress", "", "--reason", "x", "--apply"), 2, "empty filter"),
        (("suppress", "state:open"), 2, "cannot speak of state:"),
        (("suppress", "colour:red"), 2, "unknown field"),
        (("unsuppress", "S99"), 2, "no suppression S99"),
        (("unsuppress", "x"), 2, "names no suppression"),
    ],
)
def test_mistakes_are_told_and_change_nothing(
    product: Product, arguments: tuple[str, ...], code: int, says: str
) -> None:
    assert says in product.run(*arguments, code=code).stderr
    assert sources(product) == [OTHER, NOISY]


def test_a_refused_look_ends_with_an_error(product: Product) -> None:
    assert "refused      the filter fits any alert" in product.run("suppress", "title:*", code=1).stdout


def test_hostile_text_reaches_no_terminal(product: Product) -> None:
    payload = "\x1b]0;owned\x07[bold]\u202e"
    run = product.run("suppress", f'src:{NOISY} -title:"{payload}"', "--reason", payload, "--apply")
    listed = product.run("suppressions").stdout
    product.run("unsuppress", f"S{product.json('suppressions')[0]['suppression_id']}")
    for text in (run.stdout, listed, product.run("suppressions", "--all", "--format", "csv").stdout):
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        assert "^[]0;owned^G[bold]<U+202E>" in text
    assert json.loads(product.run("suppressions", "--all", "--format", "json").stdout)[0]["reason"] == payload
