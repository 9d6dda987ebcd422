"""A walk through the console in a real terminal: find, explain, preview, block, undo an SSH brute-force attacker.

tmux drives the product inside a network namespace of its own, so the block lands in a real kernel that is nobody's. The
screens are kept as text in tests/golden; ``SOC_TUI_UPDATE_GOLDEN=1`` writes them anew.
"""

import os
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Product

GOLDEN = ROOT / "tests" / "golden"
ATTACKER = "24.151.103.17"
FOLDER = Path("/tmp/soc-tui-walk")  # a fixed place, because paths are on the screens


class Terminal:
    """One tmux session with the console, in a namespace."""

    def __init__(self, namespace: str, product: Product, width: int, height: int) -> None:
        self.before = ""
        self.socket = f"soc-tui-{uuid.uuid4().hex[:8]}"
        self.namespace = namespace
        environment = [
            f"{key}={value}" for key, value in {**product.env, "LANG": "C.UTF-8", "TERM": "xterm-256color"}.items()
        ]
        inside = ["ip", "netns", "exec", namespace, "env", "-i", *environment, *product.command()]
        self._tmux("-f", "/dev/null", "-u", "new-session", "-d", "-x", str(width), "-y", str(height), *inside)

    def _tmux(self, *arguments: str) -> str:
        run = subprocess.run(["tmux", "-L", self.socket, *arguments], capture_output=True, text=True, check=True)
        return run.stdout

    def keys(self, *keys: str) -> None:
        self.before = self.screen()
        for key in keys:
            self._tmux("send-keys", key)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def wait(self, *texts: str, seconds: float = 60.0) -> str:
        """The screen once it has answered the last keys, shows every text and has stopped changing."""
        deadline = time.monotonic() + seconds
        seen: list[str] = []
        while True:
            now = self.screen()
            seen = [*seen[-2:], now]
            if now != self.before and all(text in now for text in texts) and seen == [now] * 3:
                return now
            assert time.monotonic() < deadline, f"{texts!r} did not appear:\n{now}"
            time.sleep(0.25)

    def nft(self, *arguments: str) -> str:
        run = subprocess.run(
            ["ip", "netns", "exec", self.namespace, "nft", *arguments], capture_output=True, text=True, check=True
        )
        return run.stdout

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def namespace() -> Iterator[str]:
    for tool in ("tmux", "ip", "nft"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    if os.geteuid() != 0:
        pytest.skip("needs root to make a network namespace")
    name = f"soctui-{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"cannot make a network namespace here: {made.stderr.strip()}")
    if subprocess.run(
        ["ip", "netns", "exec", name, "nft", "list", "ruleset"], capture_output=True, check=False
    ).returncode:
        subprocess.run(["ip", "netns", "del", name], check=False)
        pytest.skip("nftables does not work in a namespace here")
    subprocess.run(["ip", "netns", "exec", name, "ip", "link", "set", "lo", "up"], check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=False)


@pytest.fixture
def place() -> Iterator[Product]:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    log = FOLDER / "auth.log.gz"
    shutil.copy(ROOT / "sample_data" / "host" / "auth.log.gz", log)
    os.utime(log, (1_777_000_000, 1_777_000_000))  # syslog lines have no year; the file's time gives it
    product = Product(FOLDER / "w")
    product.run("ingest", str(log))
    yield product
    shutil.rmtree(FOLDER, ignore_errors=True)


def golden(name: str, terminal: Terminal, *texts: str) -> str:
    """The screen that shows every text, once it is the kept one; what depends on "now" is masked in both.

    A busy machine paints a screen in several strokes with rests between, so a screen that stands still may still be
    on its way: it gets some seconds to become the kept one, and is compared whatever it is then.
    """
    file = GOLDEN / f"{name}.txt"
    screen = terminal.wait(*texts)
    if os.environ.get("SOC_TUI_UPDATE_GOLDEN"):
        file.write_text(_masked(screen), encoding="utf-8")
    kept, deadline = file.read_text(encoding="utf-8"), time.monotonic() + 20.0
    while _masked(screen) != kept and time.monotonic() < deadline:
        time.sleep(0.25)
        screen = terminal.screen()
    assert _masked(screen) == kept
    return screen


def _masked(screen: str) -> str:
    masked = re.sub(r"20\d\d-\d\d-\d\d[T ][\d:.]*(?:…|Z)?", lambda found: _mask(found[0]), screen)
    return "\n".join(line.rstrip() for line in masked.rstrip("\n").split("\n")) + "\n"


def _mask(stamp: str) -> str:
    """Times of the log stay; times of today become dots of the same length."""
    return stamp if stamp.startswith("2026-03") or stamp.startswith("2026-04") else "·" * len(stamp)


@pytest.mark.tmux
@pytest.mark.namespace
@pytest.mark.parametrize(("width", "height"), [(160, 45), (80, 24)])
def test_find_explain_preview_block_undo(place: Product, namespace: str, width: int, height: int) -> None:
    terminal = Terminal(namespace, place, width, height)
    size = f"{width}x{height}"
    try:
        before = terminal.nft("list", "ruleset")
        terminal.wait("connected" if width > 100 else "A1")
        terminal.keys("/")
        terminal.wait("free text")  # the bar is open, with its example
        terminal.keys(f"detector:ssh-brute-force src:{ATTACKER}", "Enter")
        shown = ("K-0001", "Failed password", "SSH login after failures") if width > 100 else ("T1110.001",)
        found = golden(f"walk-{size}-1-found", terminal, "1 of 1", ATTACKER, *shown)
        if width < 100:
            for number, key, text in ((2, "2", "Failed password"), (3, "3", "K-0001"), (4, "4", "elastic_user")):
                terminal.keys(key, "z")  # on a small screen a pane is read zoomed
                golden(f"walk-{size}-{number}-pane", terminal, text)
                terminal.keys("z")
                terminal.wait("1 Alerts")
        else:
            for text in ("failures", "Failed password", "K-0001", "SSH password guessing", "SSH login after failures"):
                assert text in found
        terminal.keys("r")
        golden(f"walk-{size}-5-preview", terminal, "block-ip", "Confirm")
        assert terminal.nft("list", "ruleset") == before, "a preview changes nothing"
        terminal.keys("y")
        golden(f"walk-{size}-6-applied", terminal, "verified")
        assert ATTACKER in terminal.nft("list", "set", "inet", "soc_tui", "blocked4")
        terminal.keys("Escape")
        terminal.wait("Repair")
        terminal.keys("u")
        terminal.wait("Take back")
        terminal.keys("y")
        golden(f"walk-{size}-7-undone", terminal, "no longer blocked")
        assert terminal.nft("list", "ruleset") == before, "undo is byte for byte"
        terminal.keys("Escape", "q")
    finally:
        terminal.close()
    assert [(row["state"], row["target"]) for row in place.json("actions")] == [("undone", ATTACKER)]
    assert place.json("protect", "audit")["ok"] is True
