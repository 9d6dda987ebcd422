"""The only door to the packet filter: ``nft`` as an argument list with a script on standard input, never a shell.

Everything soc-tui does to nftables happens in one table of its own, ``inet soc_tui``. This module knows that table's
exact shape (:data:`PIECES`), runs scripts (one script is one atomic transaction, nft(8) "-f") and reads the kernel
back. It knows nothing of plans, guards or alerts.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soc_tui.core.errors import ResponseError

FAMILY, TABLE = "inet", "soc_tui"
SETS = {4: "blocked4", 6: "blocked6"}
MARK = "made by soc-tui"
"""The comment on our table and rules. Only what carries it is ever deleted."""

BINARIES = tuple(Path(p) for p in ("/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/run/current-system/sw/bin/nft"))
"""Where nft may be; ``PATH`` is not asked, because whoever sets it would choose what runs as root."""

NO_SUCH_OBJECT = "No such file or directory"
NOT_PERMITTED = "not permitted to use nftables (root or CAP_NET_ADMIN is needed)"
_OUTPUT_LIMIT = 64 * 1024 * 1024


def _rules() -> dict[tuple[str, str], str]:
    """Rule key (chain, match) -> nft text. Both directions: what is in goes no further, what went out is cut too."""
    sides = {"input": ("saddr",), "forward": ("saddr", "daddr"), "output": ("daddr",)}
    return {
        (chain, f"{protocol} {side} @{SETS[version]}"): f"{protocol} {side} @{SETS[version]} drop"
        for chain, fields in sides.items()
        for side in fields
        for version, protocol in ((4, "ip"), (6, "ip6"))
    }


RULES = _rules()
CHAINS = ("input", "forward", "output")
PRIORITY = -10
"""Ten before ``filter``, so that no other table's filter chain sees (counts, logs, rejects) a blocked packet."""

_AT = f"{FAMILY} {TABLE}"
PIECES: dict[tuple[str, ...], str] = {
    ("table",): f'add table {_AT} {{ comment "{MARK}"; }}',
    **{
        ("set", name): f"add set {_AT} {name} {{ type ipv{version}_addr; flags timeout; }}"
        for version, name in SETS.items()
    },
    **{
        ("chain", name): f"add chain {_AT} {name} {{ type filter hook {name} priority {PRIORITY}; policy accept; }}"
        for name in CHAINS
    },
    **{
        ("rule", chain, match): f'add rule {_AT} {chain} {text} comment "{MARK}"'
        for (chain, match), text in RULES.items()
    },
}
"""Our table, piece by piece, in the order in which nft can add them."""


@dataclass(frozen=True)
class Element:
    """One blocked address as the kernel holds it."""

    address: str
    expires: int | None
    """Whole seconds left; None for an element without a timeout (not made by us)."""
    comment: str


@dataclass(frozen=True)
class TableState:
    """What the kernel holds of our table at one moment."""

    exists: bool
    marked: bool = False
    """True when the table carries :data:`MARK`, that is, when soc-tui made it."""
    present: frozenset[tuple[str, ...]] = frozenset()
    """The keys of :data:`PIECES` that are there."""
    foreign: tuple[str, ...] = ()
    """What is in the table and was not put there by us, in words."""
    elements: Mapping[str, Element] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[tuple[str, ...], ...]:
        """The pieces that must be added before an address can be blocked, in order."""
        return tuple(key for key in PIECES if key not in self.present)


class Nft:
    """Runs nft.

    Args:
        binary: another nft than the first of :data:`BINARIES` that exists.
        timeout: seconds after which a run counts as failed.
    """

    def __init__(self, binary: Path | None = None, timeout: float = 10.0) -> None:
        self._binary = binary
        self._timeout = timeout

    @property
    def argv(self) -> tuple[str, ...]:
        """The argument list that runs a script from standard input."""
        return (str(self._find()), "-f", "-")

    def run(self, script: str) -> None:
        """Run a script as one transaction: all of it happens, or nothing.

        Raises:
            ResponseError: nft is missing, not permitted, not supported by the kernel, or refuses the script; the
                remedy names the command lines to run by hand.
        """
        self._execute(self.argv, script)

    def read(self) -> TableState:
        """Our table as it is in the kernel now.

        Raises:
            ResponseError: nft is missing, not permitted or not supported by the kernel.
        """
        try:
            # Text, because nft 1.0.6's JSON leaves a table's comment out; terse, because elements come with the JSON.
            text = self._execute((str(self._find()), "-t", "list", "table", FAMILY, TABLE))
            listing = self._json("list", "table", FAMILY, TABLE)
        except ResponseError as error:
            if NO_SUCH_OBJECT in error.message:
                return TableState(exists=False)
            raise
        return _state(listing, marked=f'\n\tcomment "{MARK}"\n' in text)

    def read_set(self, name: str) -> dict[str, Element]:
        """The elements of one of our sets by address; an absent set has none.

        Raises:
            ResponseError: as :meth:`read`.
        """
        try:
            listing = self._json("list", "set", FAMILY, TABLE, name)
        except ResponseError as error:
            if NO_SUCH_OBJECT in error.message:
                return {}
            raise
        return {e.address: e for item in listing if "set" in item for e in _elements(item["set"])}

    def _find(self) -> Path:
        for path in (self._binary,) if self._binary else BINARIES:
            if path.is_file() and os.access(path, os.X_OK):
                return path
        raise ResponseError(
            "nft is not installed", remedy="install the package nftables (apt install nftables, dnf install nftables)"
        )

    def _json(self, *words: str) -> list[dict[str, Any]]:
        output = self._execute((str(self._find()), "-j", *words))
        try:
            items = json.loads(output)["nftables"]
        except (ValueError, KeyError, TypeError) as error:
            raise ResponseError(
                f"nft answered with something else than JSON: {error}",
                remedy="check `nft --version`: 1.0 or newer with JSON is needed",
            ) from error
        return [item for item in items if isinstance(item, dict)]

    def _execute(self, argv: tuple[str, ...], script: str = "") -> str:
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        try:
            done = subprocess.run(
                argv, input=script.encode("ascii"), capture_output=True, timeout=self._timeout, check=False,
                env=environment, cwd="/",
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise ResponseError(
                f"nft did not answer within {self._timeout:g} s",
                remedy="look for a process that holds the ruleset, then try again",
            ) from error
        except OSError as error:
            raise ResponseError(f"nft cannot be run: {error}", remedy="check the package nftables") from error
        if done.returncode != 0:
            raise _explain(done.stderr.decode("utf-8", "backslashreplace"), argv, script)
        return done.stdout[:_OUTPUT_LIMIT].decode("utf-8", "backslashreplace")


def by_hand(script: str) -> str:
    """The command lines that a root shell runs to do what ``script`` does."""
    return f"nft -f - <<'EOF'\n{script}EOF"


def _explain(stderr: str, argv: tuple[str, ...], script: str) -> ResponseError:
    said = " ".join(stderr.split())[:500]
    hand = by_hand(script) if script else " ".join(("nft", *argv[1:]))
    if "Operation not permitted" in stderr or "Permission denied" in stderr:
        return ResponseError(NOT_PERMITTED, remedy=f"run by hand as root:\n{hand}")
    if "not supported" in stderr or "initialize Netlink" in stderr:
        return ResponseError(
            f"this kernel lacks nftables support: {said}",
            remedy="load the modules nf_tables and nft_set_hash (modprobe nf_tables), or block at another firewall",
        )
    return ResponseError(f"nft refused: {said}", remedy="nothing was changed: a script is one transaction")


def _elements(content: Mapping[str, Any]) -> list[Element]:
    found = []
    for raw in content.get("elem", ()):
        inner = raw.get("elem", raw) if isinstance(raw, dict) else {"val": raw}
        if isinstance(inner.get("val"), str):  # a prefix or range is an object, and never ours
            found.append(Element(inner["val"], inner.get("expires"), str(inner.get("comment", ""))))
    return found


def _rule_match(rule: Mapping[str, Any]) -> str:
    """``ip saddr @blocked4`` for a rule that does exactly what ours do; empty for any other rule."""
    expression = rule.get("expr")
    if not isinstance(expression, list) or len(expression) != 2 or expression[1] != {"drop": None}:
        return ""
    try:
        match = expression[0]["match"]
        payload = match["left"]["payload"]
        return f"{payload['protocol']} {payload['field']} {match['right']}" if match["op"] == "==" else ""
    except (KeyError, TypeError):
        return ""


def _state(listing: list[dict[str, Any]], *, marked: bool) -> TableState:
    present: set[tuple[str, ...]] = {("table",)}
    foreign: list[str] = []
    elements: dict[str, Element] = {}
    for item in listing:
        for kind, body in item.items():
            if kind in {"metainfo", "table"}:
                continue
            name = str(body.get("name", ""))
            key: tuple[str, ...] = (kind, name)
            ours = False
            if kind == "set":
                wanted = {f"ipv{version}_addr": set_name for version, set_name in SETS.items()}
                ours = wanted.get(str(body.get("type"))) == name and body.get("flags") == ["timeout"]
                if ours:
                    elements.update((e.address, e) for e in _elements(body))
            elif kind == "chain":
                ours = name in CHAINS and (body.get("type"), body.get("hook"), body.get("prio")) == (
                    "filter", name, PRIORITY)  # fmt: skip
            elif kind == "rule":
                name = str(body.get("chain"))
                key = ("rule", name, _rule_match(body))
                # A second copy of a rule of ours, or one without our mark, was added by somebody else.
                if key in PIECES and key not in present:
                    present.add(key)
                    ours = body.get("comment") == MARK
            if ours and key in PIECES:
                present.add(key)
            else:
                foreign.append(f"{kind} {name}")
    return TableState(True, marked, frozenset(present), tuple(foreign), elements)
