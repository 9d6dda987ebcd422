"""The session model's training: made-up behaviour and the earlier part of two real logs; the rest of them judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soc_tui.analysis.corpora import session as logs
from soc_tui.analysis.corpora import session_made as made
from soc_tui.analysis.corpora.flow import allowed_classes
from soc_tui.analysis.corpora.query import count_rows
from soc_tui.analysis.corpora.sample import Sample, Task, join
from soc_tui.analysis.encoding import session

MADE = {"benign": 4000, "brute": 1000, "spray": 1000, "scan": 1200, "takeover": 1000}
"""Made-up sessions that train."""
HELD = 120
"""Made-up sessions of each class that validate, ten times as many benign ones."""
EARLY = 0.6
"""The share of a log's time that trains."""

SPLIT_LOGS = {"auth": "hostlogs/elastic_auth.log.gz", "apache": "hostlogs/elastic_apache_access_combined.log.gz"}
"""The earlier part trains, the later part validates."""
HELD_LOGS = {"linux": "hostlogs/loghub_Linux_2k.log.gz"}
"""They only validate."""
TEST_LOGS = {
    "openssh": "hostlogs/loghub_OpenSSH_2k.log.gz",
    "access-2021": "hostlogs/slrbl_access.log.2021-10-22.gz", "access-2022": "hostlogs/slrbl_access.log.2022-12-22.gz",
}  # fmt: skip
ALERTS = "hostlogs/ait_ads_alerts.parquet"

_BLIND = {
    "users": ("user new", "user often tried by attackers", "users so far", "failures of this user so far",
              "success of a user that failed"),
    "paths": ("path new", "paths so far", "path static", "path login", "path robots.txt", "missing paths so far"),
    "targets": ("target new", "targets so far"),
    "clients": ("referrer",), "pauses": ("pause",), "repeats": ("repeat",),
}  # fmt: skip
"""What a sensor may not know: the same session without it is the same session."""


def sample(sessions: Sequence[logs.Session], bits: Sequence[int], origin: str, training: bool = False) -> Sample:
    """Sessions as network input.

    Args:
        sessions: events in order of time.
        bits: the classes each permits.
        origin: name of the source.
        training: every window becomes an example of its own; of a takeover only the last one.
    """
    encoded = session.ENCODING.encode(session.table(sessions))
    allowed = allowed_classes(np.array(bits, np.int64), len(logs.CLASSES))
    kind = origin.partition("/")[2]
    told = [_told(kind, item) if kind else "" for item in sessions]
    words = np.array(told, object)
    if not training:
        return Sample(encoded.rows, encoded.owner, allowed, np.full(len(sessions), origin), words)
    risky = ~allowed[:, 0]
    last = np.r_[encoded.owner[1:] != encoded.owner[:-1], True] if len(encoded.owner) else np.zeros(0, bool)
    # only the end of a takeover shows that it is one: its earlier windows are left out
    kept = np.flatnonzero(~(risky & (np.array(bits) == logs.TAKEOVER))[encoded.owner] | last)
    owner = encoded.owner[kept]
    return Sample(encoded.rows[kept], np.arange(len(kept)), allowed[owner], np.full(len(kept), origin), words[owner])


def _told(kind: str, item: logs.Session) -> str:
    """A made-up session in words."""
    seconds = float(str(item[-1]["time"])) - float(str(item[0]["time"]))
    return f"made-up {kind} session: {len(item)} {item[0]['kind']} events in {seconds:.0f} s"


def forget(rows: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Rows of which some lack what some sensors do not know."""
    out = rows.copy()
    at = {name: place for place, name in enumerate(session.FIELDS)}
    for what, fields in _BLIND.items():
        hit = np.flatnonzero(rng.random(len(out)) < 0.12)
        places = [at[name] for name in fields]
        out[np.ix_(hit, np.arange(session.EVENTS), np.array(places))] = 0
        if what == "users":
            out[hit, :, at["user missing"]] = out[hit, :, at["present"]]
    return out


def _halves(data: Path, name: str) -> tuple[list[logs.Session], list[logs.Session]]:
    """The sessions of a log that began in its earlier part of time, and the later ones."""
    found = logs.sessions(logs.events_of(logs.read_log(data / SPLIT_LOGS[name])))
    times = [logs.began(item).timestamp() for item in found]
    cut = min(times) + EARLY * (max(times) - min(times))
    return (
        [item for item, time in zip(found, times, strict=True) if time < cut],
        [item for item, time in zip(found, times, strict=True) if time >= cut],
    )


def _whole(path: Path, name: str) -> Sample:
    """The sessions of a log that the rules decide."""
    return sample(*logs.labelled(logs.sessions(logs.events_of(logs.read_log(path)))), name)


def _made(counts: dict[str, int], rng: np.random.Generator, training: bool) -> list[Sample]:
    parts = []
    for place, (kind, count) in enumerate(counts.items()):
        found = made.made(kind, count, rng)
        parts.append(sample(found, [1 << place] * count, f"made/{kind}", training))
    return parts


def session_task(data: Path, seed: int, without: tuple[str, ...] = ()) -> Task:
    """Read the logs below ``data``, make the rest, and lay out the training.

    Args:
        data: the data folder.
        seed: of the generators.
        without: ``auth`` or ``apache``: neither its earlier nor its later part is used; the whole log is the test
            ``left-out``.

    Raises:
        SourceError: a log is missing.
    """
    rng = np.random.default_rng(seed)
    train = _made(MADE, rng, True)
    held = {kind: HELD * (10 if kind == "benign" else 1) for kind in MADE}
    validation = _made(held, np.random.default_rng([seed, 1]), False)
    tests: dict[str, Sample] = {}
    for name in SPLIT_LOGS:
        early, late = _halves(data, name)
        if name in without:
            tests["left-out"] = sample(*logs.labelled(early + late), name)
            continue
        train.append(sample(*logs.labelled(early), name, True))
        validation.append(sample(*logs.labelled(late), name))
    for name, file in HELD_LOGS.items():
        validation.append(_whole(data / file, name))
    if not without:
        tests = {name: _whole(data / file, name) for name, file in TEST_LOGS.items()}
        tests["ait"] = sample(*logs.ait_sessions(data), "ait")
    return Task(
        name="session", classes=logs.CLASSES,
        architecture={"kind": "groups", "classes": len(logs.CLASSES), "tokens": session.EVENTS,
                      "width": session.WIDTH, "shared": True, "hidden": 32, "dropout": 0.2},
        train=join(train), validation=join(validation), tests=tests, augment=forget, files=_files(data),
        split="by time and log: the first six tenths of two real logs train with made-up sessions; their later parts, "
        "a third log and other made-up sessions validate; other machines' logs and AIT's alert sequences test",
        licence="Apache-2.0 (weights only; the data keep their own terms)", false_positives=0.003, epochs=6,
        notes=(
            "Most training sessions are by our own generator (corpora/session_made.py): labelled sequences are rare.",
            "Real logs are labelled by rules (corpora/session.py) that leave doubtful sessions out, so figures on them "
            "say how well the network agrees with those rules.",
            "Judges one source: an attack spread over many sources, or slower than one event in half an hour, is not "
            "seen as one.",
        ),
    )  # fmt: skip


def _files(data: Path) -> dict[str, dict[str, int]]:
    """Role -> file -> rows. The logs that are split by time stand under ``train``."""
    roles = {"train": SPLIT_LOGS.values(), "validation": HELD_LOGS.values(), "test": [*TEST_LOGS.values(), ALERTS]}
    return {role: {file: count_rows(data / file) for file in files} for role, files in roles.items()}


def folds(data: Path, seed: int) -> Iterator[tuple[str, Callable[[], Task]]]:
    """The folds for benchmarks/loso.py: each real log in turn."""

    def without(gone: str) -> Callable[[], Task]:
        return lambda: session_task(data, seed, (gone,))

    for name in SPLIT_LOGS:
        yield name, without(name)
