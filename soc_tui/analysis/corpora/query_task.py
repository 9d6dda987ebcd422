"""The query model's training: attack lists against real and ordinary values, and whole other sources to judge it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.corpora import attacks, disguise
from soc_tui.analysis.corpora import query as lists
from soc_tui.analysis.corpora.flow import allowed_classes
from soc_tui.analysis.corpora.ordinary import decorated, ordinary
from soc_tui.analysis.corpora.sample import Sample, Task, join
from soc_tui.analysis.encoding import query

_ZEEK = ("uri", "referrer", "user_agent")
_LOGS = {
    "browsing": ("sensor/rita/valid_tsv/http.log.gz", _ZEEK),
    "honeypot": ("sensor/stratosphere-testing/007-*/http.log", ("uri", "user_agent")),
    "exposed": ("sensor/rita/missing_host/2024-04-*/http.*.log.gz", ("user_agent",)),
}
_HELD_LOGS = {
    "proxy": "sensor/rita/proxy*/http*.log*", "zat": "sensor/zat/json/http.log",
    "emulation": "sensor/otrf-apt29/*/individual_zeek_logs/*http.log",
}  # fmt: skip
_ACCESS = "hostlogs/{}.gz"
_APACHE = _ACCESS.format("elastic_apache_access_combined.log")
_SERVERS = {"access-2021": "slrbl_access.log.2021-10-22", "access-2022": "slrbl_access.log.2022-12-22"}
_WINDOWS = "sensor/stratosphere-testing/0[01][18]-*/data/http.log.labeled"

GROUPS: dict[str, tuple[str, ...]] = {
    "httpparams": ("httpparams", "csic"), "kaggle_sqli": ("kaggle_sqli",), "kaggle_xss": ("kaggle_xss",),
    "websec": ("websec",), "fwaf": ("fwaf_bad", "fwaf_good"), "payloads": ("payloads",), "fuzzdb": ("fuzzdb",),
    "libinjection": ("libinjection",), "waf-bypass": ("waf-bypass",), "crowdsec": ("crowdsec",),
}  # fmt: skip
"""Source that can be left out -> its parts. httpparams takes its benign values from csic, so they go together."""


SHOWN = ("made", "ordinary")
"""Sources whose values may be shown as known cases: they were made by our own rules."""


class Part(NamedTuple):
    """Training examples of one source."""

    origin: str
    sample: Sample
    keys: NDArray[Any]
    """(examples,) str: ``lists.known_by`` of the value that each was made from."""


def sample(values: lists.Labelled, origin: str) -> Sample:
    """Labelled values, value -> permitted classes, as one example each."""
    texts = sorted(values)
    windows = query.encode(texts)
    return Sample(windows.rows, windows.owner, _allowed(texts, values), np.full(len(texts), origin))


def training_part(values: lists.Labelled, origin: str, made_of: Mapping[str, str]) -> Part:
    """Labelled values for learning: every window is an example of its own.

    Of an attack only the window with the most punctuation is taken, because a long value's label speaks about one place
    in it and the padding around it is no attack.

    Args:
        values: value -> permitted classes.
        origin: name of the source.
        made_of: variant -> the value it was made from; others are their own.
    """
    texts = sorted(values)
    windows = query.encode(texts)
    allowed = _allowed(texts, values)
    order = np.lexsort((-query.punctuation(windows.rows), windows.owner))
    first = np.zeros(len(order), bool)
    first[order[np.unique(windows.owner[order], return_index=True)[1]]] = True
    kept = np.flatnonzero(first | allowed[windows.owner, 0])
    owner = windows.owner[kept]
    shown = np.array([t[:120] if origin in SHOWN and t not in made_of else "" for t in texts], object)[owner]
    keys = np.array([lists.known_by(made_of.get(t, t)) for t in texts], object)[owner]
    found = Sample(windows.rows[kept], np.arange(len(kept)), allowed[owner], np.full(len(kept), origin), shown)
    return Part(origin, found, keys)


def _allowed(texts: list[str], values: lists.Labelled) -> NDArray[np.bool_]:
    bits = np.array([lists.narrowed(t, values[t]) for t in texts], np.int64)
    return allowed_classes(bits, len(lists.CLASSES))


def _limited(values: lists.Labelled, most: int, rng: np.random.Generator) -> lists.Labelled:
    """At most ``most`` values for each label."""
    out: lists.Labelled = {}
    for bits in sorted(set(values.values())):
        texts = sorted(v for v, b in values.items() if b == bits)
        out.update({texts[i]: bits for i in rng.permutation(len(texts))[:most]})
    return out


def varied(values: lists.Labelled, carriers: list[str], rng: np.random.Generator) -> dict[str, str]:
    """Each value once more as another client, or another attacker, would send it: variant -> value."""
    out: dict[str, str] = {}
    for text, bits in values.items():
        plain = lists.unquoted(text)
        if bits == lists.BENIGN:
            out[disguise.sent(decorated(plain, rng) if rng.random() < 0.5 else plain, rng)] = text
        elif rng.random() < 0.05:
            out[disguise.attack_only(plain, rng)] = text
        else:
            out[disguise.disguised(plain, carriers, rng)] = text
    return out


def hide_characters(rows: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Rows in which no single character and no number decides.

    One character in fifty becomes one of another row, and every third row gets other digits.
    """
    out = rows.copy()
    digits = (out >= query.ZERO) & (out < query.ZERO + 10) & (rng.random(len(out)) < 0.3)[:, None]
    out[digits] = rng.integers(query.ZERO, query.ZERO + 10, int(digits.sum()), dtype=out.dtype)
    hit = (rng.random(rows.shape, np.float32) < 0.02) & (rows > query.INVALID)
    out[hit] = rng.choice(rows[rows > query.INVALID], int(hit.sum()))
    return out


def labelled_sources(data: Path, rng: np.random.Generator) -> dict[str, lists.Labelled]:
    """Every labelled source by the name of its part (:data:`GROUPS`), the large ones limited."""
    return {
        "httpparams": _limited(lists.httpparams(data, "train"), 6000, rng),
        "csic": _limited(lists.csic(data), 6000, rng),
        "kaggle_sqli": _limited(lists.kaggle_sqli(data), 8000, rng),
        "kaggle_xss": _limited(lists.kaggle_xss(data), 5000, rng),
        "payloads": _limited(lists.payloads(data), 4000, rng), "fwaf_bad": _limited(lists.fwaf_bad(data), 12000, rng),
        "fwaf_good": lists.fwaf_good(data), "websec": lists.websec(data)[0], "fuzzdb": lists.fuzzdb(data),
        "libinjection": {v: bits for v, bits in lists.libinjection(data).items() if bits != lists.BENIGN},
        "waf-bypass": lists.waf_bypass(data), "crowdsec": lists.crowdsec(data),
    }  # fmt: skip


def background(data: Path, rng: np.random.Generator) -> dict[str, lists.Labelled]:
    """What every training has beside the labelled sources: prose, logs, real traffic, and values made by rule."""
    prose = _limited(lists.technical_prose(data), 5000, rng)
    terms = sorted({word.lower() for text in prose for word in re.findall(r"\b[A-Za-z]{3,14}\b", text)})
    made: dict[str, lists.Labelled] = {
        "prose": prose, "messages": _limited(lists.log_messages(data), 4000, rng),
        "markup": lists.markup(rng, 6000),
        "ordinary": dict.fromkeys(ordinary(50000, rng, terms), lists.BENIGN), "made": attacks.made(50000, rng, terms),
    }  # fmt: skip
    for name, (pattern, fields) in _LOGS.items():
        made[name] = _limited(lists.zeek_uris(data, pattern, *fields), 8000, rng)
    return made


def unseen_benign(data: Path) -> dict[str, lists.Labelled]:
    """Benign values that no training and no validation holds: shop searches, forum prose, other servers' logs."""
    shop = {v: bits for v, bits in lists.libinjection(data).items() if bits == lists.BENIGN}
    forum = {v: bits for v, bits in lists.httpparams(data, "test_lexical").items() if bits == lists.BENIGN}
    logs = {
        name: lists.access_log(data, _ACCESS.format(file), answered=True) for name, file in _SERVERS.items()
    } | {name: lists.zeek_uris(data, pattern, *_ZEEK) for name, pattern in _HELD_LOGS.items()}  # fmt: skip
    return {"shop": shop, "forum": forum, **logs}


FILES = {
    "train": (
        "web/httpparams.parquet", "web/csic2010.parquet", "web/kaggle_*.parquet", "web/websec_ext.parquet",
        "web/payloads_all_the_things.parquet", "web/fwaf_*queries*.txt.gz", "web/fuzzdb_attack.parquet",
        "peer-suites/libinjection.jsonl.gz", "hostlogs/loghub_*_2k.log.gz",
        "knowledge/attack_enterprise_objects.jsonl.gz", "knowledge/cwe.jsonl.gz", "knowledge/d3fend.jsonl.gz",
        *(pattern for pattern, _ in _LOGS.values()),
    ),
    "validation": ("peer-suites/nemesida-waf-bypass.jsonl.gz", _APACHE, _WINDOWS),
    "test": (
        "peer-suites/crowdsec-hub-appsec.jsonl.gz", *(_ACCESS.format(f) for f in _SERVERS.values()),
        *_HELD_LOGS.values(),
    ),
}  # fmt: skip
"""Role -> globs. httpparams and libinjection hold test parts of their own; the sentences of websec_ext validate."""


def _file_rows(data: Path) -> dict[str, dict[str, int]]:
    """Role -> file -> rows (lines, for logs and lists)."""
    return {
        role: {
            str(path.relative_to(data)): lists.count_rows(path)
            for pattern in patterns for path in sorted(data.glob(pattern))
        }
        for role, patterns in FILES.items()
    }  # fmt: skip


class _Material(NamedTuple):
    """What every layout of a data folder is made from."""

    sources: dict[str, lists.Labelled]
    parts: list[Part]


@lru_cache(maxsize=1)
def _material(data: Path, seed: int) -> _Material:
    """Read, vary and encode everything once; each fold of a leave-one-source-out run takes its share."""
    rng = np.random.default_rng(seed)
    sources = labelled_sources(data, rng)
    carriers = [lists.unquoted(v) for v in ordinary(4000, rng)]
    parts = []
    for name, values in (sources | background(data, rng)).items():
        made_of = varied(values, carriers, rng)
        parts.append(training_part(values, name, {}))
        parts.append(training_part({v: values[text] for v, text in made_of.items()}, name, made_of))
    return _Material(sources, parts)


def query_task(data: Path, seed: int, without: str = "") -> Task:
    """Read the sources below ``data`` and lay out the training.

    Args:
        data: the data folder.
        seed: of sampling and variants.
        without: a source (:data:`GROUPS`) of which nothing may be seen; it is the test. Values of other sources that
            differ from one of its own by encoding, case or outer blanks alone are left out as well.

    Raises:
        SourceError: a source is missing.
    """
    sources, parts = _material(data, seed)
    attacks_held = "fuzzdb" if without == "waf-bypass" else "waf-bypass"
    apart = {name: sources[name] for name in (*GROUPS.get(without, ()), attacks_held, "crowdsec")}
    validation = {
        attacks_held: {v: bits for v, bits in apart[attacks_held].items() if bits != lists.BENIGN},
        "sentences": {} if without == "websec" else lists.websec(data)[1],
        "apache": lists.access_log(data, _APACHE, answered=False),
        "windows": lists.zeek_uris(data, _WINDOWS, "uri", "referrer", "user_agent"),
    }  # fmt: skip
    tests = _tests(data, without, apart)
    unseen = {lists.known_by(v) for held in tests.values() for v in held} if without else set()
    aside = set(apart) - ({"crowdsec"} if without not in {"", "crowdsec"} else set())
    learned = [part for part in parts if part.origin not in aside]
    known = {key for part in learned for key in part.keys}
    train = [part.sample.where(np.array([key not in unseen for key in part.keys], bool)) for part in learned]
    return Task(
        name="query", classes=lists.CLASSES,
        architecture={"kind": "characters", "classes": len(lists.CLASSES), "vocabulary": query.VOCABULARY,
                      "embedding": 24, "patch": 4, "hidden": 48, "dropout": 0.2},
        train=join(train),
        validation=join(
            sample({v: b for v, b in values.items() if lists.known_by(v) not in known}, name)
            for name, values in validation.items()
        ),
        tests={name: sample(values, name) for name, values in tests.items()},
        augment=hide_characters, files={} if without else _file_rows(data),
        split="by source: waf-bypass, the sentences of websec_ext and a real access log validate; crowdsec, another "
        "server's access logs, other sensors' logs, forum prose and shop searches test",
        licence="Apache-2.0 (weights only; the data keep their own terms)", false_positives=0.001, epochs=6,
        rows_per_epoch=120_000,
        notes=(
            "Judges one value without its application: SQL sent to a database console or code sent to an editor looks "
            "like an attack too.",
            "Requests for backup files, dot files or known login pages are no injection and score as ordinary paths.",
            "Undone before judging: percent (four rounds), %u, HTML references, JavaScript escapes, UTF-7, overlong "
            "UTF-8, base64. Not undone: compression, encryption, other alphabets such as ROT13.",
        ),
    )  # fmt: skip


def _tests(data: Path, without: str, apart: dict[str, lists.Labelled]) -> dict[str, lists.Labelled]:
    """What is only looked at: the source left out with benign values, or the shipped model's held-out sets."""
    unseen = unseen_benign(data)
    lexical = lists.httpparams(data, "test_lexical")
    if not without:
        return {
            "crowdsec": apart["crowdsec"], "httpparams-test": lists.httpparams(data, "test"),
            "httpparams-lexical": lexical, **{name: values for name, values in unseen.items() if name != "forum"},
        }  # fmt: skip
    held: lists.Labelled = {v: bits for name in GROUPS[without] for v, bits in apart[name].items()}
    pool = {v: bits for values in unseen.values() for v, bits in values.items()}
    own = {"websec": lists.websec(data)[1], "libinjection": unseen["shop"]}.get(without, {})
    found = {without: held | own}
    if without == "httpparams":
        return {**found, "lexical": lexical}
    if sum(bits == lists.BENIGN for bits in found[without].values()) < 100:
        found[without] = found[without] | pool
    else:
        found[f"{without} attacks, unseen benign"] = {v: b for v, b in held.items() if b != lists.BENIGN} | pool
    return found


def folds(data: Path, seed: int) -> Iterator[tuple[str, Callable[[], Task]]]:
    """Each source of :data:`GROUPS` left out in turn, for benchmarks/loso.py; each is read when it is asked for."""
    for name in GROUPS:
        yield name, partial(query_task, data, seed, name)
