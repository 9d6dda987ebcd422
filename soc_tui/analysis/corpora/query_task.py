"""The query model's training: attack lists against real and ordinary values, and whole other sources to judge it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.corpora import attacks
from soc_tui.analysis.corpora import query as lists
from soc_tui.analysis.corpora.flow import allowed_classes
from soc_tui.analysis.corpora.ordinary import decorated, ordinary, sent
from soc_tui.analysis.corpora.sample import Sample, Task, join
from soc_tui.analysis.encoding import query

_LOGS = {
    "browsing": ("sensor/rita/valid_tsv/http.log.gz", ("uri", "referrer", "user_agent")),
    "honeypot": ("sensor/stratosphere-testing/007-*/http.log", ("uri", "user_agent")),
    "exposed": ("sensor/rita/missing_host/2024-04-*/http.*.log.gz", ("user_agent",)),
}

_ACCESS = "hostlogs/{}.gz"
_WINDOWS = "sensor/stratosphere-testing/0[01][18]-*/data/http.log.labeled"


def sample(values: lists.Labelled, origin: str, training: bool = False) -> Sample:
    """Labelled values as network input.

    Args:
        values: value -> permitted classes.
        origin: name of the source.
        training: every window becomes an example of its own; of an attack only the one with the most punctuation,
            because a long value's label speaks about one place in it and the padding around it is no attack.
    """
    texts = sorted(values)
    windows = query.encode(texts)
    allowed = allowed_classes(np.array([values[t] for t in texts], np.int64), len(lists.CLASSES))
    if not training:
        return Sample(windows.ids, windows.owner, allowed, np.full(len(texts), origin))
    marks = (~query._WORD[windows.ids] & (windows.ids > 0)).sum(1)
    order = np.lexsort((-marks, windows.owner))
    first = np.zeros(len(order), bool)
    first[order[np.unique(windows.owner[order], return_index=True)[1]]] = True
    kept = np.flatnonzero(first | allowed[windows.owner, 0])
    return Sample(windows.ids[kept], np.arange(len(kept)), allowed[windows.owner[kept]], np.full(len(kept), origin))


def _limited(values: lists.Labelled, most: int, rng: np.random.Generator) -> lists.Labelled:
    """At most ``most`` values for each label."""
    out: lists.Labelled = {}
    for bits in sorted(set(values.values())):
        texts = sorted(v for v, b in values.items() if b == bits)
        out.update({texts[i]: bits for i in rng.permutation(len(texts))[:most]})
    return out


def _varied(values: lists.Labelled, carriers: list[str], rng: np.random.Generator) -> lists.Labelled:
    """Each value once more as another client would send it: encoded, spaced, before or behind plain text."""
    out: lists.Labelled = {}
    for text, bits in values.items():
        if bits == lists.BENIGN:
            out[sent(decorated(lists.unquoted(text), rng) if rng.random() < 0.6 else lists.unquoted(text), rng)] = bits
            continue
        plain, how = lists.unquoted(text), rng.random()
        if how < 0.25:
            plain = carriers[int(rng.integers(len(carriers)))] + plain
        elif how < 0.4:
            plain = plain + carriers[int(rng.integers(len(carriers)))]
        elif how < 0.5:
            plain = plain.replace(" ", ("/**/", "\t", "\n", "  ", "+")[int(rng.integers(5))])
        out[sent(plain, rng)] = bits
    return out


def hide_characters(rows: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Rows with one character in fifty replaced by a letter of the row's own: no single character decides."""
    out = rows.copy()
    hit = (rng.random(rows.shape) < 0.02) & (rows > query._INVALID)
    out[hit] = rng.choice(rows[rows > query._INVALID], int(hit.sum()))
    return out


def training_sources(data: Path, rng: np.random.Generator) -> dict[str, lists.Labelled]:
    """Every source that the model may learn from, by name."""
    prose = _limited(lists.technical_prose(data), 6000, rng)
    terms = sorted({word.lower() for text in prose for word in re.findall(r"\b[A-Za-z]{3,14}\b", text)})
    sources = {
        "httpparams": lists.httpparams(data, "train"), "csic": _limited(lists.csic(data), 12000, rng),
        "kaggle_sqli": lists.kaggle_sqli(data), "kaggle_xss": lists.kaggle_xss(data),
        "payloads": _limited(lists.payloads(data), 4000, rng), "fwaf_bad": _limited(lists.fwaf_bad(data), 12000, rng),
        "fwaf_good": lists.fwaf_good(data), "websec": lists.websec(data)[0],
        "prose": prose,
        "ordinary": dict.fromkeys(ordinary(30000, rng, terms), lists.BENIGN), "made": attacks.made(24000, rng),
    }  # fmt: skip
    for name, (pattern, fields) in _LOGS.items():
        sources[name] = _limited(lists.zeek_uris(data, pattern, *fields), 12000, rng)
    return sources


FILES = {
    "train": (
        "web/httpparams.parquet", "web/csic2010.parquet", "web/kaggle_*.parquet", "web/websec_ext.parquet",
        "web/payloads_all_the_things.parquet", "web/fwaf_*queries*.txt.gz",
        "knowledge/attack_enterprise_objects.jsonl.gz", "knowledge/cwe.jsonl.gz", "knowledge/d3fend.jsonl.gz",
        *(pattern for pattern, _ in _LOGS.values()),
    ),
    "validation": ("web/fuzzdb_attack.parquet", _ACCESS.format("elastic_apache_access_combined.log"), _WINDOWS),
    "test": (
        "peer-suites/libinjection.jsonl.gz", "peer-suites/nemesida-waf-bypass.jsonl.gz",
        "peer-suites/crowdsec-hub-appsec.jsonl.gz", _ACCESS.format("slrbl_access.log.*"),
    ),
}  # fmt: skip
"""Role -> globs. httpparams holds a test part of its own; the sentences of websec_ext validate, its attacks train."""


def _file_rows(data: Path) -> dict[str, dict[str, int]]:
    """Role -> file -> rows (lines, for logs and lists)."""
    return {
        role: {
            str(path.relative_to(data)): lists.count_rows(path)
            for pattern in patterns for path in sorted(data.glob(pattern))
        }
        for role, patterns in FILES.items()
    }  # fmt: skip


def query_task(data: Path, seed: int, without: tuple[str, ...] = ()) -> Task:
    """Read the sources below ``data`` and lay out the training.

    Args:
        data: the data folder.
        seed: of sampling and variants.
        without: training sources to leave out, for leave-one-source-out figures; they become a test instead.

    Raises:
        SourceError: a source is missing.
    """
    rng = np.random.default_rng(seed)
    sources = training_sources(data, rng)
    carriers = [lists.unquoted(v)[:60] for v in ordinary(3000, rng)]
    parts = []
    for name, values in sources.items():
        if name not in without:
            parts.append(sample(values, name, training=True))
            parts.append(sample(_varied(values, carriers, rng), name, training=True))
    known = {text for values in sources.values() for text in values}
    held = {
        "fuzzdb": lists.fuzzdb(data), "sentences": lists.websec(data)[1],
        "apache": lists.access_log(data, "hostlogs/elastic_apache_access_combined.log.gz", answered=False),
        "windows": lists.zeek_uris(data, _WINDOWS, "uri", "referrer"),
    }  # fmt: skip
    validation = join(
        sample({text: bits for text, bits in values.items() if text not in known}, name)
        for name, values in held.items()
    )
    tests = {
        "libinjection": sample(lists.libinjection(data), "libinjection"),
        "waf-bypass": sample(lists.waf_bypass(data), "waf-bypass"),
        "crowdsec": sample(lists.crowdsec(data), "crowdsec"),
        "httpparams-lexical": sample(lists.httpparams(data, "test_lexical"), "httpparams-lexical"),
        "access-2021": sample(
            lists.access_log(data, "hostlogs/slrbl_access.log.2021-10-22.gz", answered=True), "access-2021"
        ),
        "access-2022": sample(
            lists.access_log(data, "hostlogs/slrbl_access.log.2022-12-22.gz", answered=True), "access-2022"
        ),
        **{name: sample(sources[name], name) for name in without},
    }
    return Task(
        name="query", classes=lists.CLASSES,
        architecture={"kind": "characters", "classes": len(lists.CLASSES), "vocabulary": query.VOCABULARY,
                      "embedding": 24, "patch": 4, "hidden": 48, "dropout": 0.2},
        train=join(parts), validation=validation, tests=tests, augment=hide_characters, files=_file_rows(data),
        split="by source: attacks of fuzzdb and websec and a real access log validate; peers' suites and another "
        "server's access logs test; httpparams-lexical shares the training source's benign origin (CSIC)",
        licence="Apache-2.0 (weights only; the data keep their own terms)", false_positives=0.003, epochs=7,
        notes=(
            "Judges one value without its application: SQL sent to a database console looks like an attack too, and "
            "whole SQL statements without a break-out (nobody agrees on their label) were in no training set.",
            "Requests for backup files, dot files or known login pages are no injection and score as ordinary paths.",
            "Values encoded as base64 or UTF-16 are not decoded.",
        ),
    )  # fmt: skip
