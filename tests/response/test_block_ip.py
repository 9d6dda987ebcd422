"""block-ip against real nftables, inside namespaces that the tests make."""

from __future__ import annotations

import random
import select
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.errors import ResponseError
from soc_tui.response.actions import ActionContext
from soc_tui.response.block_ip import BlockIp
from soc_tui.response.guards import GuardContext
from soc_tui.response.nft import Nft

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FOREIGN = """\
table ip filter {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 2222 drop
	}
}
"""
SCRIPT = """\
add table inet soc_tui { comment "made by soc-tui"; }
add set inet soc_tui blocked4 { type ipv4_addr; flags timeout; }
add set inet soc_tui blocked6 { type ipv6_addr; flags timeout; }
add chain inet soc_tui input { type filter hook input priority -10; policy accept; }
add chain inet soc_tui forward { type filter hook forward priority -10; policy accept; }
add chain inet soc_tui output { type filter hook output priority -10; policy accept; }
add rule inet soc_tui input ip saddr @blocked4 drop comment "made by soc-tui"
add rule inet soc_tui input ip6 saddr @blocked6 drop comment "made by soc-tui"
add rule inet soc_tui forward ip saddr @blocked4 drop comment "made by soc-tui"
add rule inet soc_tui forward ip6 saddr @blocked6 drop comment "made by soc-tui"
add rule inet soc_tui forward ip daddr @blocked4 drop comment "made by soc-tui"
add rule inet soc_tui forward ip6 daddr @blocked6 drop comment "made by soc-tui"
add rule inet soc_tui output ip daddr @blocked4 drop comment "made by soc-tui"
add rule inet soc_tui output ip6 daddr @blocked6 drop comment "made by soc-tui"
add element inet soc_tui blocked4 { 203.0.113.7 timeout 3600s comment "soc-tui A12 2026-01-02T03:04:05Z" }
"""


def block(namespace: Any, target: str, **arguments: Any) -> dict[str, Any]:
    preview = namespace.call("preview", target=target, **arguments)
    return namespace.call("apply", preview=preview, **arguments)


def preview_here(nft: Path, target: str = "203.0.113.7", **params: Any) -> Any:
    context = ActionContext(GuardContext(), NOW, "A12", ("ssh to web1, 3 sessions",))
    return BlockIp(Nft(nft)).preview(target, params, context)


def test_the_preview_is_the_exact_script(fake_nft: Callable[[str], Path]) -> None:
    nft = fake_nft("Error: No such file or directory")
    preview = preview_here(nft)
    assert preview.script == SCRIPT
    assert preview.argv == (str(nft), "-f", "-")
    assert preview.allowed
    assert preview.expires == datetime(2026, 1, 2, 4, 4, 5, tzinfo=UTC)
    assert preview.undo == {
        "action": "block-ip",
        "target": "203.0.113.7",
        "set": "blocked4",
        "tag": "soc-tui A12 2026-01-02T03:04:05Z",
        "expires": "2026-01-02T04:04:05Z",
    }
    text = preview.as_text()
    assert SCRIPT in text
    assert "ssh to web1, 3 sessions" in text
    assert "ends by itself at 2026-01-02T04:04:05Z" in text


def test_a_hostile_subject_never_reaches_the_script(fake_nft: Callable[[str], Path]) -> None:
    context = ActionContext(GuardContext(), NOW, 'A1" }\nflush ruleset')
    preview = BlockIp(Nft(fake_nft("No such file or directory"))).preview("203.0.113.7", {}, context)
    assert "flush" not in preview.script
    assert preview.undo["tag"] == "soc-tui 2026-01-02T03:04:05Z"


@pytest.mark.parametrize("minutes", [0, -1, True, "60", float("nan"), float("inf"), 30 * 24 * 60 + 1, None])
def test_minutes_are_checked(fake_nft: Callable[[str], Path], minutes: Any) -> None:
    with pytest.raises(ResponseError, match="minutes must be"):
        preview_here(fake_nft("No such file or directory"), minutes=minutes)


def test_unknown_parameters_are_errors(fake_nft: Callable[[str], Path]) -> None:
    with pytest.raises(ResponseError, match="no parameter 'hours'"):
        preview_here(fake_nft("No such file or directory"), hours=1)


def test_a_refused_target_has_nothing_to_run(fake_nft: Callable[[str], Path]) -> None:
    preview = preview_here(fake_nft("No such file or directory"), "127.0.0.1")
    assert [r.code for r in preview.refusals] == ["loopback"]
    assert (preview.script, preview.undo, preview.expires) == ("", {}, None)
    assert "REFUSED 127.0.0.1 is loopback" in preview.as_text()


@pytest.mark.parametrize(
    "undo",
    [
        {"action": "block-ip"},
        {"action": "block-ip", "target": "203.0.113.7; flush", "set": "blocked4", "tag": "x", "expires": ""},
        {"action": "block-ip", "target": "203.0.113.7", "set": "blocked6", "tag": "soc-tui 2026-01-02T03:04:05Z",
         "expires": "2026-01-02T04:04:05Z"},
        {"action": "block-ip", "target": "203.0.113.7", "set": "blocked4", "tag": 'soc-tui" }', "expires": "2026-01-02"},
    ],
)  # fmt: skip
def test_a_damaged_undo_record_is_refused(undo: dict[str, str], fake_nft: Callable[[str], Path]) -> None:
    with pytest.raises(ResponseError, match="undo record"):
        BlockIp(Nft(fake_nft("never run"))).undo(undo, NOW)


@pytest.mark.namespace
def test_apply_and_undo_leave_the_ruleset_byte_for_byte(namespace: Any) -> None:
    namespace.run("nft", "-f", "-", text=FOREIGN)
    before = namespace.ruleset()
    preview = namespace.call("preview", target="203.0.113.7", subject="A12")
    assert namespace.ruleset() == before
    result = namespace.call("apply", preview=preview)
    assert (result["state"], result["changed"]) == ("applied", True)
    assert result["detail"]["script"] == preview["script"]
    assert result["undo"]["tag"] == preview["undo"]["tag"]
    assert 3590 <= result["detail"]["element"]["expires"] <= 3600
    assert before in namespace.ruleset()
    assert "203.0.113.7" in namespace.run("nft", "list", "set", "inet", "soc_tui", "blocked4")
    assert namespace.call("verify", undo=result["undo"])["state"] == "applied"
    undone = namespace.call("undo", undo=result["undo"])
    assert (undone["state"], undone["changed"]) == ("undone", True)
    assert namespace.ruleset() == before
    again = namespace.call("undo", undo=result["undo"])
    assert (again["state"], again["changed"]) == ("gone", False)
    assert namespace.ruleset() == before


@pytest.mark.namespace
def test_blocking_twice_changes_nothing(namespace: Any) -> None:
    first = block(namespace, "::ffff:203.0.113.7")
    assert first["target"] == "203.0.113.7"
    second = block(namespace, "203.0.113.7", minutes=600)
    assert (second["state"], second["changed"], second["undo"]) == ("unchanged", False, {})
    assert "already blocked, 3" in second["text"]
    assert namespace.call("undo", undo=second["undo"])["changed"] is False
    assert namespace.call("verify", undo=first["undo"])["state"] == "applied"
    namespace.call("undo", undo=first["undo"])
    assert namespace.ruleset() == b""


@pytest.mark.namespace
def test_the_kernel_ends_the_block_by_itself(namespace: Any) -> None:
    result = block(namespace, "2001:db8::7", minutes=1 / 60)
    assert result["state"] == "applied"
    deadline = time.monotonic() + 20
    while "2001:db8::7" in namespace.run("nft", "list", "set", "inet", "soc_tui", "blocked6"):
        assert time.monotonic() < deadline, "the element outlived its timeout"
        select.select([], [], [], 0.05)
    later = result["expires"]
    assert namespace.call("verify", undo=result["undo"], now=later)["state"] == "expired"
    undone = namespace.call("undo", undo=result["undo"], now=later)
    assert (undone["state"], undone["changed"]) == ("expired", True)  # the empty table went
    assert "expired by itself" in undone["text"]
    assert namespace.ruleset() == b""


@pytest.mark.namespace
def test_tidy_removes_only_our_own_empty_table(namespace: Any) -> None:
    assert namespace.call("tidy") == {"removed": False}
    result = block(namespace, "203.0.113.7")
    assert namespace.call("tidy") == {"removed": False}
    namespace.run("nft", "flush", "set", "inet", "soc_tui", "blocked4")
    assert namespace.call("tidy") == {"removed": True}
    assert namespace.ruleset() == b""
    assert namespace.call("verify", undo=result["undo"])["state"] == "gone"


@pytest.mark.namespace
def test_random_interleavings_end_where_they_began(namespace: Any) -> None:
    """Every order of blocks and undos over IPv4 and IPv6 targets ends byte-identical to the start."""
    namespace.run("nft", "-f", "-", text=FOREIGN)
    before = namespace.ruleset()
    targets = ["203.0.113.7", "203.0.113.8", "198.51.100.1", "2001:db8::7", "2001:db8::8", "::ffff:198.51.100.2"]
    for seed in range(12):
        chance = random.Random(seed)
        undos: list[dict[str, Any]] = []
        blocked: set[str] = set()
        for number in range(chance.randint(2, 10)):
            if undos and chance.random() < 0.45:
                undo = undos.pop(chance.randrange(len(undos)))
                namespace.call("undo", undo=undo)
                blocked.discard(undo.get("target", ""))
            else:
                target = chance.choice(targets)
                result = block(namespace, target, subject=f"A{number}")
                expected = "unchanged" if result["target"] in blocked else "applied"
                assert result["state"] == expected, (seed, number, result)
                blocked.add(result["target"])
                undos.append(result["undo"])
            held = namespace.ruleset()
            assert all((address + " timeout").encode() in held for address in blocked)
            assert (b"soc_tui" in held) == bool(blocked)
        chance.shuffle(undos)
        for undo in undos:
            namespace.call("undo", undo=undo)
        assert namespace.ruleset() == before, seed


@pytest.mark.namespace
def test_foreign_rules_in_our_table_are_never_deleted(namespace: Any) -> None:
    result = block(namespace, "203.0.113.7")
    namespace.run("nft", "add", "rule", "inet", "soc_tui", "input", "tcp", "dport", "23", "drop")
    undone = namespace.call("undo", undo=result["undo"])
    assert "table inet soc_tui stays" in undone["text"]
    after = namespace.ruleset().decode()
    assert "tcp dport 23 drop" in after
    assert "203.0.113.7" not in after
    notes = namespace.call("preview", target="203.0.113.9")["notes"]
    assert notes == ["table inet soc_tui holds what is not soc-tui's: rule input"]


@pytest.mark.namespace
def test_a_table_that_was_there_before_stays_as_it_was(namespace: Any) -> None:
    result = block(namespace, "203.0.113.7")
    own = namespace.ruleset().decode()
    namespace.call("undo", undo=result["undo"])
    lines = [x.split(" comment ")[0] for x in own.splitlines() if "elements" not in x and not x.startswith("\tcomment")]
    namespace.run("nft", "-f", "-", text="\n".join(lines) + "\n")
    before = namespace.ruleset()
    preview = namespace.call("preview", target="203.0.113.7")
    assert preview["script"].startswith("add element ")  # nothing but the element is needed
    undo = namespace.call("apply", preview=preview)["undo"]
    other = block(namespace, "2001:db8::1")["undo"]
    assert namespace.call("undo", undo=undo)["state"] == "undone"
    assert namespace.call("undo", undo=other)["state"] == "undone"
    assert namespace.ruleset() == before


@pytest.mark.namespace
def test_a_foreign_table_of_our_name_is_not_written_to(namespace: Any) -> None:
    namespace.run("nft", "add", "table", "inet", "soc_tui")
    before = namespace.ruleset()
    answer = namespace.call("preview", target="203.0.113.7")
    assert answer["allowed"] is False
    assert [refusal["code"] for refusal in answer["refusals"]] == ["foreign-table"]
    assert "did not make" in answer["refusals"][0]["message"]
    assert "did not make" in namespace.call("apply", preview=answer)["message"]
    assert namespace.ruleset() == before


@pytest.mark.namespace
def test_flushed_rules_are_noticed_and_put_back(namespace: Any) -> None:
    first = block(namespace, "203.0.113.7")
    namespace.run("nft", "flush", "table", "inet", "soc_tui")
    found = namespace.call("verify", undo=first["undo"])
    assert "rules are missing" in found["text"]
    assert len(found["detail"]["missing"]) == 8
    second = block(namespace, "203.0.113.8")
    assert second["state"] == "applied"
    assert namespace.call("verify", undo=first["undo"])["state"] == "applied"
    namespace.call("undo", undo=first["undo"])
    namespace.call("undo", undo=second["undo"])
    assert namespace.ruleset() == b""


@pytest.mark.namespace
def test_an_element_without_rules_does_not_count_as_blocked(namespace: Any) -> None:
    first = block(namespace, "203.0.113.7", subject="A1")
    namespace.run("nft", "flush", "chain", "inet", "soc_tui", "input")
    second = block(namespace, "203.0.113.7", subject="A2")
    assert (second["state"], second["changed"]) == ("applied", True)
    assert namespace.call("verify", undo=second["undo"])["state"] == "applied"
    assert namespace.call("undo", undo=first["undo"])["changed"] is False
    assert namespace.call("undo", undo=second["undo"])["state"] == "undone"
    assert namespace.ruleset() == b""


@pytest.mark.namespace
def test_a_firewall_that_changed_since_the_preview_is_not_touched(namespace: Any) -> None:
    stale = namespace.call("preview", target="203.0.113.7")
    block(namespace, "203.0.113.8")
    before = namespace.run("nft", "-s", "list", "set", "inet", "soc_tui", "blocked6")
    answer = namespace.call("apply", preview=stale)
    assert answer["message"] == "the firewall changed since the preview, nothing was done"
    forged = namespace.call("preview", target="2001:db8::9")
    forged["script"] += "flush ruleset\n"
    assert namespace.call("apply", preview=forged)["error"] == "ResponseError"
    assert namespace.run("nft", "-s", "list", "set", "inet", "soc_tui", "blocked6") == before


@pytest.mark.namespace
def test_undo_spares_a_later_block_of_the_same_address(namespace: Any) -> None:
    first = block(namespace, "203.0.113.7", subject="A1")
    namespace.run("nft", "flush", "set", "inet", "soc_tui", "blocked4")
    second = block(namespace, "203.0.113.7", subject="A2")
    undone = namespace.call("undo", undo=first["undo"])
    assert (undone["state"], undone["changed"]) == ("gone", False)
    assert "another block of it stays: soc-tui A2" in undone["text"]
    assert namespace.call("verify", undo=second["undo"])["state"] == "applied"


@pytest.mark.namespace
def test_a_crash_between_writing_the_undo_and_applying_is_settled(namespace: Any) -> None:
    preview = namespace.call("preview", target="203.0.113.7")
    assert namespace.call("verify", undo=preview["undo"])["state"] == "gone"  # it died before
    namespace.call("apply", preview=preview)  # it died right after: only the preview's undo was kept
    assert namespace.call("verify", undo=preview["undo"])["state"] == "applied"
    assert namespace.call("undo", undo=preview["undo"])["state"] == "undone"
    assert namespace.ruleset() == b""


@pytest.mark.namespace
def test_the_attacker_is_cut_and_the_analyst_stays(make_namespace: Callable[[], Any]) -> None:
    """Attacker and analyst speak to the victim over TCP; only the attacker is cut, and undo lets it back in."""
    victim, attacker, analyst = make_namespace(), make_namespace(), make_namespace()
    for number, peer in ((1, attacker), (2, analyst)):
        victim.run("ip", "link", "add", f"v{number}", "type", "veth", "peer", "name", "eth0", "netns", peer.name)
        for side, device, host in ((victim, f"v{number}", 1), (peer, "eth0", 2)):
            side.run("ip", "addr", "add", f"10.77.{number}.{host}/24", "dev", device)
            side.run("ip", "link", "set", device, "up")
    before = victim.ruleset()
    server = victim.popen(sys.executable, "-c", SERVER)
    assert server.stdout is not None
    assert server.stdout.readline() == "listening\n"
    clients = ((attacker, "10.77.1.1"), (analyst, "10.77.2.1"))
    peers = [client.popen(sys.executable, "-c", CLIENT, address) for client, address in clients]
    try:
        assert [ask(p, "new") for p in peers] == ["yes", "yes"]
        assert [ask(p, "kept") for p in peers] == ["yes", "yes"]
        assert ask_responder(victim, "10.77.2.2") == ["ssh-peer"]
        assert ask_responder(victim, "10.77.1.1") == ["own-address"]
        result = block(victim, "10.77.1.2", ssh=ANALYST)
        assert result["state"] == "applied"
        assert [ask(p, "new") for p in peers] == ["no", "yes"]
        assert [ask(p, "kept") for p in peers] == ["no", "yes"]  # what was open before dies as well
        assert victim.call("undo", undo=result["undo"], ssh=ANALYST)["state"] == "undone"
        assert [ask(p, "new") for p in peers] == ["yes", "yes"]
        assert victim.ruleset() == before
    finally:
        for process in (*peers, server):
            process.kill()
            process.communicate(timeout=20)


ANALYST = "10.77.2.2 50000 10.77.2.1 22"
SERVER = """
import socket, threading
listener = socket.create_server(("", 8022), backlog=16)
print("listening", flush=True)
def echo(peer):
    while data := peer.recv(16):
        peer.sendall(data)
while True:
    threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()
"""
CLIENT = """
import socket, sys
kept = None
def ping(peer):
    peer.settimeout(1)
    peer.sendall(b"x")
    return peer.recv(1) == b"x"
for line in sys.stdin:
    try:
        if line == "new\\n":
            peer = socket.create_connection((sys.argv[1], 8022), timeout=1)
            kept, good = kept or peer, ping(peer)
        else:
            good = ping(kept)
    except OSError:
        good = False
    print("yes" if good else "no", flush=True)
"""


def ask(process: Any, what: str) -> str:
    process.stdin.write(what + "\n")
    process.stdin.flush()
    return str(process.stdout.readline().strip())


def ask_responder(namespace: Any, target: str) -> list[str]:
    return [r["code"] for r in namespace.call("preview", target=target, ssh=ANALYST)["refusals"]]


def test_an_nft_that_dies_after_its_work_leaves_nothing_behind(tmp_path: Path) -> None:
    """nft commits, then fails to answer: the block is taken back before the error is reported."""
    log, done = tmp_path / "log", tmp_path / "done"
    listing = (
        '{"nftables": [{"table": {"family": "inet", "name": "soc_tui"}}, {"set": {"name": "blocked4", "type": "ipv4_addr",'
        ' "flags": ["timeout"], "elem": [{"elem": {"val": "203.0.113.7", "expires": 9, "comment": '
        '"soc-tui A12 2026-01-02T03:04:05Z"}}]}}]}'
    )
    nft = tmp_path / "nft"
    nft.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = -f ]; then cat >> {log}; [ -e {done} ] && exit 0; touch {done}; echo "lost" >&2; exit 1; fi\n'
        f'[ -e {done} ] || {{ echo "No such file or directory" >&2; exit 1; }}\n'
        f"[ \"$1\" = -t ] && printf 'table inet soc_tui {{\\n\\tcomment \"made by soc-tui\"\\n}}\\n' || echo '{listing}'\n"
    )
    nft.chmod(0o755)
    context = ActionContext(GuardContext(), NOW, "A12")
    action = BlockIp(Nft(nft))
    preview = action.preview("203.0.113.7", {}, context)
    with pytest.raises(ResponseError, match="nft refused: lost"):
        action.apply(preview, context)
    undone = "delete element inet soc_tui blocked4 { 203.0.113.7 }\ndelete table inet soc_tui\n"
    assert log.read_text() == SCRIPT + undone
