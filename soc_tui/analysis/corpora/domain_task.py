"""The domain model's training: families of generated names and made-up ones against popular and ordinary names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.corpora import domain as names
from soc_tui.analysis.corpora import domain_made as made
from soc_tui.analysis.corpora.flow import allowed_classes
from soc_tui.analysis.corpora.query import count_rows
from soc_tui.analysis.corpora.sample import Sample, Task, join
from soc_tui.analysis.encoding import domain

PER_FAMILY = 2500
"""Names of one family that train; families have between 1 and 119,236."""
TESTED_PER_FAMILY = 1000
SOURCES = ("baderj", "andrewaeva")
HELD = ("cryptolocker", "fobber", "goz", "gozi", "nymaim", "padcrypt", "qadars", "ranbyus", "symmi", "tufik", "vawtrak")
"""Whole families that validate."""
UNTAUGHT = ("charbot",)
"""Families whose names are real sites with two letters changed: to learn them is to learn that brands are risky."""
HELD_LIST = "opendns_random10k_2014"
"""The list whose own names validate: domains drawn at random from all that were asked."""

SOURCES_MADE = 4
"""Made-up names of one kind count as so many sources: they stand for as many real ones that are in no list."""
SEVERAL = "several lists"
HELD_NAMES = 2500
"""Of a benign list that validates: a list of popular names must not outweigh what a sensor saw."""

LOGS = {
    "validation": {"browsing": "sensor/rita/proxy_rolling/dns.*.gz"},
    "test": {
        "zed": "sensor/zed-sample-data/zeek-default/dns.log.gz",
        "apt29": "sensor/otrf-apt29/day*/individual_zeek_logs/*_dns.log",
        "zat": "sensor/zat/**/dns.log", "office": "sensor/rita/proxy/dns.log",
        "exposed": "sensor/rita/missing_host/*/dns.*.gz",
    },
}  # fmt: skip
"""Role -> capture -> its Zeek dns logs, presumed benign."""
SIMDA = "sensor/stratosphere-testing/005-zeek-scenario-malicious/dns.log"
DNSCAT = "sensor/rita/open_conns/open/dns.log"
_DNSCAT_DOMAIN = ".r-1x.com"


def sample(values: list[str], bits: int, origin: str) -> Sample:
    """Names of one label as network input; of those that we made ourselves the name may be shown as a known case."""
    allowed = allowed_classes(np.full(len(values), bits, np.int64), len(names.CLASSES))
    family = f"a name as the generator of {origin.partition('/')[2]} makes them" if bits != names.BENIGN else ""
    words = values if origin.startswith("made/") else [family if "/" in origin else ""] * len(values)
    shown = np.array(words, object)
    return Sample(domain.ids(values), np.arange(len(values)), allowed, np.full(len(values), origin), shown)


def hide_characters(rows: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Rows in which neither one character nor one top-level domain decides.

    One character in fifty outside the suffix is replaced by another of the same part, and every fourth row loses its
    suffix.
    """
    out = rows.copy()
    below, label = (out >= domain.BELOW) & (out < domain.REGISTERED), (out >= domain.REGISTERED) & (out < domain.SUFFIX)
    for part in (below, label):
        hit = part & (rng.random(out.shape) < 0.02)
        out[hit] = rng.choice(rows[part], int(hit.sum())) if part.any() else out[hit]
    blind = (rng.random(len(out)) < 0.25)[:, None] & (out >= domain.SUFFIX)
    out[blind] = domain.SUFFIX + domain.OTHER
    return out


@dataclass
class _Parts:
    """What a layout gathers before it becomes samples."""

    train: list[Sample] = field(default_factory=list)
    validation: list[Sample] = field(default_factory=list)
    left_out: list[Sample] = field(default_factory=list)


def _varied(values: list[str], material: made.Material, rng: np.random.Generator) -> list[str]:
    """Generated names once more: below another suffix, or with ``www.`` or a host in front."""
    out = []
    for name in values:
        _, suffix = domain.parts(name)
        offered = material.suffixes if rng.random() < 0.5 else made.CHEAP
        text = name if rng.random() < 0.5 else name[:suffix] + made.one(offered, rng)
        out += [text] if rng.random() < 0.85 else made.hosts([text], rng)
    return out


def _generated(data: Path, parts: _Parts, material: made.Material, without: frozenset[str], seed: int) -> None:
    """Lay out the families: to train, to validate, left out."""
    for source in SOURCES:
        for family, values in names.generated(data, source).items():
            rng = np.random.default_rng([seed, *source.encode(), *family.encode()])  # a fold changes no other family
            bits, origin = names.bits_of(family), f"{source}/{family}"
            if source in without or family in without:
                parts.left_out.append(sample(names.capped(values, TESTED_PER_FAMILY, rng), bits, origin))
            elif family in UNTAUGHT:
                continue
            elif family in HELD:
                parts.validation.append(sample(names.capped(values, TESTED_PER_FAMILY, rng), bits, origin))
            else:
                chosen = names.capped(values, PER_FAMILY, rng)
                parts.train.append(sample(chosen, bits, origin))
                parts.train.append(sample(_varied(chosen, material, rng), bits, origin))


def _popular(lists: dict[str, frozenset[str]], without: frozenset[str]) -> dict[str, list[str]]:
    """List -> its names; one in two lists counts for the first that trains, one of left-out lists only for those.

    What three lists hold is a list of its own: most questions are for the few names that everybody knows.
    """
    out: dict[str, list[str]] = {}
    for name, holders in sorted(lists.items()):
        kept = sorted(holders - without - {HELD_LIST})
        first = kept[0] if kept else min(holders)
        out.setdefault(SEVERAL if len(kept) >= 3 else first, []).append(name)
    return out


def domain_task(data: Path, seed: int, without: tuple[str, ...] = ()) -> Task:
    """Read the sources below ``data`` and lay out the training.

    Args:
        data: the data folder.
        seed: of sampling and generators.
        without: what to leave out for leave-one-source-out figures: ``baderj``, ``andrewaeva``, a family, or a list of
            benign names. It becomes the test ``left-out``, with nothing of it in training or validation.

    Raises:
        SourceError: a source is missing.
    """
    rng = np.random.default_rng(seed)
    gone = frozenset(without)
    by_list = _popular(names.popular(data), gone)
    lists = {key: values for key, values in by_list.items() if key not in gone | {HELD_LIST}}
    known = {name for values in lists.values() for name in values}
    sites = names.registered(sorted(known))
    material = made.Material(names.words(data), sites, [site.partition(".")[2] for site in sites])
    parts = _Parts()
    _generated(data, parts, material, gone, seed)
    for key, values in lists.items():
        parts.train.append(sample(values, names.BENIGN, key))
        known_hosts = made.hosts(names.capped(values, 20_000, rng), rng)
        parts.train.append(sample(known_hosts, names.BENIGN, f"{key}/hosts"))
    for kind in made.GENERATORS:
        for part in range(SOURCES_MADE):
            values = made.generated(kind, 12_000 // SOURCES_MADE, material, rng)
            parts.train.append(sample(values, names.bits_of(kind), f"made/{kind}-{part}"))
    for part in range(SOURCES_MADE):
        values = made.tunnels(12_000 // SOURCES_MADE, material, rng)
        parts.train.append(sample(values, names.TUNNEL, f"made/tunnel-{part}"))
        values = made.look_alikes(40_000 // SOURCES_MADE, material, rng)
        parts.train.append(sample(values, names.BENIGN, f"made/benign-{part}"))
    tunnelled, umbrella = names.exfiltration(data)
    held = {
        HELD_LIST: by_list.get(HELD_LIST, []), "umbrella": umbrella,
        **{name: names.asked(data, pattern) for name, pattern in LOGS["validation"].items()},
    }  # fmt: skip
    if HELD_LIST in gone:
        held.pop(HELD_LIST)
    out_names = {name for key in gone for name in by_list.get(key, [])}
    for key, values in held.items():
        unseen = [name for name in values if name not in known and name not in out_names]
        parts.validation.append(sample(names.capped(unseen, HELD_NAMES, rng), names.BENIGN, key))
    parts.validation.append(sample(names.capped(tunnelled, TESTED_PER_FAMILY, rng), names.TUNNEL, "dnsexfiltrator"))
    for key in sorted(gone & by_list.keys()):
        parts.left_out.append(sample(names.capped(by_list[key], 20_000, rng), names.BENIGN, key))
    tests = {"left-out": join(parts.left_out)} if gone else _tests(data)
    return Task(
        name="domain", classes=names.CLASSES,
        architecture={"kind": "characters", "classes": len(names.CLASSES), "vocabulary": domain.VOCABULARY,
                      "embedding": 24, "patch": 2, "hidden": 48, "dropout": 0.2, "max_pool": True, "wide": 16},
        train=join(parts.train), validation=join(parts.validation), tests=tests, augment=hide_characters,
        files=_files(data),
        split="by family, list and capture: eleven whole families, DNSExfiltrator, Umbrella names, a list of random "
        "domains and one sensor's log validate; other sensors' logs test",
        licence="Apache-2.0 (weights only; the data keep their own terms)", false_positives=0.0005, epochs=6,
        notes=(
            "Half of the generated names, all tunnels and the benign names of clouds and networks in training are by "
            "our own generators (corpora/domain_made.py).",
            "Judges one name alone: two dictionary words or one short pronounceable word may be a brand or a "
            "generator; how many such names a machine asks for, and how many do not exist, is the detector's to weigh.",
            "A family's name is a likeness: a new generator that works alike bears the name of the old one.",
        ),
    )  # fmt: skip


def _tests(data: Path) -> dict[str, Sample]:
    """Captures that neither train nor validate: benign ones, and one tunnel and one family's names among them."""
    tests = {name: sample(names.asked(data, pattern), names.BENIGN, name) for name, pattern in LOGS["test"].items()}
    asked = names.asked(data, DNSCAT)
    tests["dnscat"] = join([
        sample([n for n in asked if n.endswith(_DNSCAT_DOMAIN)], names.TUNNEL, "dnscat"),
        sample([n for n in asked if not n.endswith(_DNSCAT_DOMAIN)], names.BENIGN, "dnscat"),
    ])  # fmt: skip
    return tests


def _files(data: Path) -> dict[str, dict[str, int]]:
    """Role -> file -> rows (lines, for logs)."""
    patterns = {
        "train": ["dns/dga_*.parquet", "dns/benign_domains.parquet", "knowledge/attack_enterprise_objects.jsonl.gz",
                  "knowledge/cwe.jsonl.gz", "knowledge/d3fend.jsonl.gz"],
        "validation": ["dns/dns_exfil_dnsexfiltrator.parquet", *LOGS["validation"].values()],
        "test": [*LOGS["test"].values(), DNSCAT],
    }  # fmt: skip
    return {
        role: {
            str(path.relative_to(data)): count_rows(path)
            for pattern in found for path in sorted(data.glob(pattern))
        }
        for role, found in patterns.items()
    }  # fmt: skip


FOLDS: dict[str, tuple[str, ...]] = {
    "baderj": ("baderj", "cloudflare-top100k", "tranco10k", "majestic_million"),
    "andrewaeva": ("andrewaeva", "zer0h_top100k_2016", "opendns_top10k_2014", "opendns_random10k_2014"),
    "families-1": ("conficker", "matsnu", "simda", "suppobox", "newgoz", "new_goz", "zeus", "kraken", "bazarbackdoor",
                   "university_domains", "bank-website"),
    "families-2": ("rovnix", "ramdo", "pushdo", "pykspa", "monerodownloader", "necurs", "banjori", "qsnatch",
                   "cisco_top20k"),
    "families-3": ("ngioweb", "nymaim2", "tinba", "zloader", "qakbot", "shiotob", "chinad", "bumblebee", "murofet",
                   "cloudflare-top100k"),
}  # fmt: skip
"""Leave-one-source-out: fold -> what it leaves out, a source or families of generated names with lists of benign."""


def folds(data: Path, seed: int) -> Iterator[tuple[str, Callable[[], Task]]]:
    """The folds for benchmarks/loso.py."""

    def without(gone: tuple[str, ...]) -> Callable[[], Task]:
        return lambda: domain_task(data, seed, gone)

    for name, gone in FOLDS.items():
        yield name, without(gone)
