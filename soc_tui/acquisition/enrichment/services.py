"""Service names by port and protocol: a subset of IANA's registry that ships, and the system's own list beneath it.

Source of ``services.tsv``: https://www.iana.org/assignments/service-names-port-numbers (RFC 6335), names of what is
met in networks, with a few unregistered ones in common use (marked in the file). No network is asked.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

LOCAL = Path("/etc/services")
_MAX_BYTES = 4 * 1024 * 1024

Services = dict[tuple[int, str], str]
"""(port, protocol) -> name."""


def load_services(local: Path = LOCAL) -> Services:
    """Every known name. What ships wins, so that a name means the same on every machine."""
    return {**_local(local), **shipped()}


@cache
def shipped() -> Services:
    """The bundled names."""
    text = files("soc_tui.acquisition.enrichment").joinpath("services.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {(int(port), protocol): name for name, port, protocols in rows for protocol in protocols.split(",")}


def _local(path: Path) -> Services:
    """``/etc/services`` (services(5)): name, port/protocol, aliases. Lines of another form are skipped."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return {}
    found: Services = {}
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if len(words) < 2:
            continue
        port, slash, protocol = words[1].partition("/")
        if slash and port.isascii() and port.isdigit() and int(port[:6]) <= 65535 and words[0].isprintable():
            found.setdefault((int(port), protocol.lower()), words[0].lower())
    return found
