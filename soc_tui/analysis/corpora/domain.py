"""Labelled DNS names: generated domains by family, popular sites by list, tunnelled data, and what real sensors saw."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from soc_tui.acquisition.enrichment.domains import split_domain
from soc_tui.analysis.corpora import query
from soc_tui.analysis.encoding.domain import plain
from soc_tui.core.errors import SourceError

CLASSES = (
    "benign", "tunnel", "letters", "digest", "syllables", "words", "bazarbackdoor", "gameover", "matsnu",
    "monerodownloader", "ngioweb", "nymaim", "pushdo", "ramdo", "rovnix", "simda", "suppobox",
)  # fmt: skip
"""What a name can be. letters, digest, syllables, words: a generated domain by what it is made of (random letters;
hexadecimal, base32 or base36; pronounceable syllables; dictionary words); then families that a name alone betrays."""

_BIT = {name: 1 << place for place, name in enumerate(CLASSES)}
BENIGN, TUNNEL, LETTERS, DIGEST, SYLLABLES, WORDS = (1 << place for place in range(6))
ANY_GENERATED = (1 << len(CLASSES)) - 1 - BENIGN - TUNNEL

_KINDS = {
    # many families made of the same letters cannot be told apart by one name: they share a class
    "pronounceable": SYLLABLES, "digest": DIGEST, "letters": LETTERS, "dictionary": WORDS, "tail": WORDS | LETTERS,
    "bumblebee": DIGEST, "chinad": DIGEST, "corebot": DIGEST, "orchard": DIGEST, "qadars": DIGEST, "reconyc": DIGEST,
    "sharkbot": DIGEST, "verblecon": DIGEST, "shiotob": DIGEST | LETTERS, "sisron": DIGEST | LETTERS,
    "qsnatch": DIGEST | LETTERS, "symmi": SYLLABLES, "pitou": SYLLABLES, "vawtrak": SYLLABLES, "dmsniff": SYLLABLES,
    "kraken": SYLLABLES | LETTERS, "pykspa": SYLLABLES | LETTERS, "mydoom": LETTERS, "gozi": WORDS, "fosniw": WORDS,
    "banjori": WORDS | LETTERS, "charbot": WORDS | LETTERS, "newgoz": _BIT["gameover"], "new_goz": _BIT["gameover"],
    "zeus": _BIT["gameover"], "goz": LETTERS, "nymaim2": _BIT["nymaim"], "nymaim": LETTERS,
    "unnamed_javascript_dga": SYLLABLES | LETTERS, "others_dga": ANY_GENERATED,
}  # fmt: skip

Names = dict[str, list[str]]
"""Source or family -> distinct plain names, sorted."""


def bits_of(family: str) -> int:
    """The classes that a family's label permits."""
    return _KINDS.get(family) or _BIT.get(family) or LETTERS


def _column(path: Path, *names: str) -> list[tuple[str, ...]]:
    try:
        table = pq.read_table(path, columns=list(names))
    except OSError as error:
        raise SourceError(f"cannot be read: {error}", source=path, remedy="give --data the data folder") from error
    return list(zip(*(map(str, table[name].to_pylist()) for name in names), strict=True))


def generated(data: Path, source: str) -> Names:
    """The families of ``dga_SOURCE.parquet``; names without a suffix (bare labels of a generator) are left out."""
    families: dict[str, set[str]] = {}
    for name, family in _column(data / f"dns/dga_{source}.parquet", "domain", "family"):
        if "." in name:
            families.setdefault(family, set()).add(plain(name))
    return {family: sorted(names) for family, names in sorted(families.items())}


def popular(data: Path) -> dict[str, frozenset[str]]:
    """Name -> the lists of popular, academic and bank sites that hold it."""
    rows = _column(data / "dns/benign_domains.parquet", "domain", "lists")
    return {plain(name): frozenset(lists.split(",")) for name, lists in rows if plain(name)}


def exfiltration(data: Path) -> tuple[list[str], list[str]]:
    """DNSExfiltrator's queries, and the Cisco Umbrella names that were mixed with them."""
    rows = _column(data / "dns/dns_exfil_dnsexfiltrator.parquet", "domain", "label")
    sides = [sorted({plain(name) for name, label in rows if label == wanted}) for wanted in ("1", "0")]
    return sides[0], sides[1]


_ASKED = re.compile(r"\S+\.[a-z][a-z0-9-]*")
_OWN = re.compile(
    r"(?:^|\.)(?:_tcp|_udp|_msdcs|_sites)\.|\.(?:local|localhost|localdomain|lan|home|corp|internal|intranet|private"
    r"|workgroup|test|invalid|arpa)$"
)
"""Service records, and names that no public server answers (RFC 6761, 6762, 8375 and habits) or that are addresses."""


def worth_asking(name: str) -> bool:
    """Whether ``features/domain_names.sql`` passes a plain name on to the model: it has a dot and is not one's own."""
    return _ASKED.fullmatch(name) is not None and _OWN.search(name) is None


def asked(data: Path, pattern: str) -> list[str]:
    """Distinct names of the Zeek dns logs that match, as the model is asked about them (``features/domain_names.sql``).

    See :func:`worth_asking`.
    """
    names: set[str] = set()
    for path in sorted(data.glob(pattern)):
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8", "replace")
        place = -1
        for line in text.splitlines():
            if line.startswith("#fields"):
                fields = line.split("\t")[1:]
                place = fields.index("query") if "query" in fields else -1
            elif line.startswith("{"):
                names.add(str(json.loads(line).get("query") or ""))
            elif not line.startswith("#") and place >= 0:
                names.add((line.split("\t") + [""] * place)[place])
    return sorted(name for name in map(plain, names) if worth_asking(name))


def words(data: Path) -> list[str]:
    """Common English words of technical prose (ATT&CK, CWE, D3FEND), 3 to 12 letters, seen in several sentences."""
    count: dict[str, int] = {}
    for text in query.technical_prose(data):
        for word in set(re.findall(r"\b[a-z]{3,12}\b", text)):
            count[word] = count.get(word, 0) + 1
    return sorted(word for word, seen in count.items() if seen >= 3)


def capped(names: list[str], most: int, rng: np.random.Generator) -> list[str]:
    """At most ``most`` of them, in order."""
    if len(names) <= most:
        return names
    return [names[place] for place in np.sort(rng.permutation(len(names))[:most])]


def registered(names: list[str]) -> list[str]:
    """The distinct registered domains of names."""
    return sorted({cut for name in names if (cut := split_domain(name).registered_domain)})
