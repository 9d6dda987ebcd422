"""The runner: no shell anywhere, and errors that say what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import soc_tui
from soc_tui.core.errors import ResponseError
from soc_tui.response.nft import PIECES, Nft, by_hand

SHELLS = frozenset({"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"})
"""Calls that hand a string to a shell, wherever they are imported from; exec* and spawn* of os count as well."""


def shells(tree: ast.AST) -> list[int]:
    """The lines of a module that call a shell: as syntax, because words in a string are only words."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            found.append(node.value.lineno)
        if isinstance(node, ast.Attribute | ast.Name):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            if name in SHELLS or re.fullmatch(r"(exec|spawn)(l|v)p?e?", name):
                found.append(node.lineno)
    return found


def test_no_shell_anywhere() -> None:
    package = Path(soc_tui.__file__).parent
    found = [
        f"{path.relative_to(package)}:{line}"
        for path in sorted(package.rglob("*.py"))
        for line in shells(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_the_search_for_shells_finds_them() -> None:
    bad = (
        "os.system(x)\nsubprocess.run(x, shell=True)\nfrom os import popen\npopen(x)\nos.execvp(x, y)\ny = 'os.system'"
    )
    assert sorted(shells(ast.parse(bad))) == [1, 2, 4, 5]


def test_every_set_is_dropped_in_both_directions() -> None:
    rules = {key[1:] for key in PIECES if key[0] == "rule"}
    assert rules == {
        (chain, f"{protocol} {side} @{name}")
        for protocol, name in (("ip", "blocked4"), ("ip6", "blocked6"))
        for chain, side in (("input", "saddr"), ("forward", "saddr"), ("forward", "daddr"), ("output", "daddr"))
    }


def test_missing_nft_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ResponseError) as caught:
        Nft(tmp_path / "nft").read()
    assert caught.value.message == "nft is not installed"
    assert "apt install nftables" in caught.value.remedy


def test_not_permitted_prints_the_exact_commands(fake_nft: Callable[[str], Path]) -> None:
    script = "add table inet soc_tui\n"
    with pytest.raises(ResponseError) as caught:
        Nft(fake_nft("Operation not permitted (you must be root)")).run(script)
    assert caught.value.remedy == f"run by hand as root:\n{by_hand(script)}"
    assert by_hand(script) == "nft -f - <<'EOF'\nadd table inet soc_tui\nEOF"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("Unable to initialize Netlink socket: Protocol not supported", "this kernel lacks nftables support"),
        ("Error: Could not process rule: Operation not supported", "this kernel lacks nftables support"),
        ("Error: syntax error, unexpected junk", "nft refused: Error: syntax error, unexpected junk"),
    ],
)
def test_other_refusals_are_named(fake_nft: Callable[[str], Path], said: str, message: str) -> None:
    with pytest.raises(ResponseError, match=re.escape(message)):
        Nft(fake_nft(said)).run("x\n")


def test_an_absent_table_is_no_error(fake_nft: Callable[[str], Path]) -> None:
    nft = Nft(fake_nft("Error: No such file or directory"))
    state = nft.read()
    assert (state.exists, state.missing) == (False, tuple(PIECES))
    assert nft.read_set("blocked4") == {}


def test_a_hanging_nft_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "nft"
    path.write_text("#!/bin/sh\nexec sleep 30\n")
    path.chmod(0o755)
    with pytest.raises(ResponseError, match=r"did not answer within 0\.2 s"):
        Nft(path, timeout=0.2).run("x\n")


def test_something_else_than_json_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "nft"
    path.write_text("#!/bin/sh\necho hello\n")
    path.chmod(0o755)
    with pytest.raises(ResponseError, match="something else than JSON"):
        Nft(path).read()


@pytest.mark.namespace
def test_the_whole_table_reads_back_as_written(namespace: Any) -> None:
    namespace.run("nft", "-f", "-", text="".join(line + "\n" for line in PIECES.values()))
    preview = namespace.call("preview", target="203.0.113.7")
    assert preview["notes"] == []
    assert preview["script"].count("\n") == 1  # nothing but the element is missing
