"""The runner: no shell anywhere, and errors that say what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import soc_tui
from soc_tui.core.errors import ResponseError
from soc_tui.response.nft import PIECES, Nft, by_hand

SHELLS = re.compile(
    r"shell\s*=\s*True|os\.system|\bpopen\s*\(|getoutput\s*\(|create_subprocess_shell|os\.exec|os\.spawn"
)


def test_no_shell_anywhere() -> None:
    package = Path(soc_tui.__file__).parent
    found = [
        f"{path.relative_to(package)}:{number}"
        for path in sorted(package.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if SHELLS.search(line)
    ]
    assert found == []


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
