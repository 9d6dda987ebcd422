"""The data of the experiments, as every method gets them: numbers, classes and attack types.

NSL-KDD (Tavallaee et al. 2009) comes with its official train and test parts. Of UNSW-NB15 (Moustafa & Slay 2015) the
82,332-row part is at hand: rows that repeat another in all features and class are dropped first, then it is split 70/30
by a seed, each class alike. Whatever is learnt of the columns (the categories that exist) is learnt of training rows.

Zeek captures are split by capture, for training, validation and test alike; their columns are the numbers that the
shipped flow model reads, window context included, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from soc_tui.analysis.corpora import flow as captures
from soc_tui.analysis.corpora import tables as readers
from soc_tui.analysis.corpora.flow_views import plain
from soc_tui.analysis.encoding import flow
from soc_tui.core.errors import SourceError, UsageError

NAMES = ("nsl-kdd", "unsw-nb15", "zeek")
TEST_SHARE = 0.3
"""Of UNSW-NB15; NSL-KDD has its own test rows."""
UNSW_TRAIN_SEED = 7
"""The split is one and the same for every seed of the methods, so that their spread is theirs alone."""

NSL_TESTS = {"KDDTest+": "flows/NSL-KDD/KDDTest+.txt.gz", "KDDTest-21": "flows/NSL-KDD/KDDTest-21.txt.gz"}
NSL_CLASSES = ("normal", "dos", "probe", "r2l", "u2r")
_NSL_TYPES = {
    "dos": "apache2 back land mailbomb neptune pod processtable smurf teardrop udpstorm worm",
    "probe": "ipsweep mscan nmap portsweep saint satan",
    "r2l": "ftp_write guess_passwd imap multihop named phf sendmail snmpgetattack snmpguess spy warezclient "
    "warezmaster xlock xsnoop httptunnel",
    "u2r": "buffer_overflow loadmodule perl ps rootkit sqlattack xterm",
}  # the classes of the contest (KDD Cup 1999) and, for the types added to its test set, of Tavallaee et al.
_NSL_CLASS = {kind: NSL_CLASSES.index(name) for name, kinds in _NSL_TYPES.items() for kind in kinds.split()}
UNSW_CLASSES = (
    "Normal", "Generic", "Exploits", "Fuzzers", "DoS", "Reconnaissance", "Analysis", "Backdoor", "Shellcode", "Worms",
)  # fmt: skip

ZEEK_CLASSES = ("benign", "attack")
"""What the labels of all captures know; a kind of attack is named by some only."""

NSL_GROUPS: dict[str, str] = {
    "connection": "duration protocol_type flag land wrong_fragment urgent",
    "service": "service",
    "volume": "src_bytes dst_bytes",
    "login": "hot num_failed_logins logged_in num_compromised root_shell su_attempted is_guest_login is_host_login",
    "host": "num_root num_file_creations num_shells num_access_files num_outbound_cmds",
    "window": "count srv_count same_srv_rate diff_srv_rate srv_diff_host_rate",
    "window errors": "serror_rate srv_serror_rate rerror_rate srv_rerror_rate",
    "target": "dst_host_count dst_host_srv_count dst_host_same_srv_rate dst_host_diff_srv_rate "
    "dst_host_same_src_port_rate dst_host_srv_diff_host_rate",
    "target errors": "dst_host_serror_rate dst_host_srv_serror_rate dst_host_rerror_rate dst_host_srv_rerror_rate",
}
"""Token -> the columns it is made of, in the order the network reads them."""
UNSW_GROUPS: dict[str, str] = {
    "connection": "dur proto service state",
    "volume": "spkts dpkts sbytes dbytes smean dmean",
    "rate": "rate sload dload",
    "loss": "sloss dloss",
    "lifetime": "sttl dttl ct_state_ttl",
    "timing": "sinpkt dinpkt sjit djit",
    "handshake": "swin dwin stcpb dtcpb tcprtt synack ackdat",
    "content": "trans_depth response_body_len ct_flw_http_mthd is_ftp_login ct_ftp_cmd is_sm_ips_ports",
    "window": "ct_srv_src ct_dst_ltm ct_src_dport_ltm ct_dst_sport_ltm ct_dst_src_ltm ct_src_ltm ct_srv_dst",
}
ZEEK_TRAIN = ("001", "002", "003", "008", "exposed-1", "proxy-rolling", "domain-1")
ZEEK_VALIDATION = ("exposed-2", "proxy", "open-conns")
ZEEK_TESTS = {
    "011, same laboratory": ("011",),
    "exposed-3 and domain-2, another day": ("exposed-3", "domain-2"),
    "zeroaccess and zat, networks never seen": ("zeroaccess", "zat"),
}
"""Test -> its captures (``corpora.flow.CAPTURES``); none of them is learnt from or fixes a threshold."""
ZEEK_MOST = 4000
"""Training and validation rows of either side of a capture: no large capture speaks for all."""
_NSL_COLUMNS = [
    "duration", "protocol_type", "service", "flag", "src_bytes", "dst_bytes", "land", "wrong_fragment", "urgent",
    "hot", "num_failed_logins", "logged_in", "num_compromised", "root_shell", "su_attempted", "num_root",
    "num_file_creations", "num_shells", "num_access_files", "num_outbound_cmds", "is_host_login", "is_guest_login",
    "count", "srv_count", "serror_rate", "srv_serror_rate", "rerror_rate", "srv_rerror_rate", "same_srv_rate",
    "diff_srv_rate", "srv_diff_host_rate", "dst_host_count", "dst_host_srv_count", "dst_host_same_srv_rate",
    "dst_host_diff_srv_rate", "dst_host_same_src_port_rate", "dst_host_srv_diff_host_rate", "dst_host_serror_rate",
    "dst_host_srv_serror_rate", "dst_host_rerror_rate", "dst_host_srv_rerror_rate", "attack", "difficulty",
]  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of the table within the rows: a number has one place, a category one place for each known value."""

    name: str
    group: str
    start: int
    values: tuple[str, ...] = ()
    """The values seen in training, sorted; empty for a number."""

    @property
    def width(self) -> int:
        """Places in a row."""
        return max(1, len(self.values))


@dataclass(frozen=True)
class Part:
    """Rows with their labels."""

    rows: NDArray[np.float32]
    """(n, F): numbers as they are, categories as one-hot; a value never seen in training is all zeros."""
    labels: NDArray[np.int64]
    """(n,): place in the data set's classes; 0 is benign."""
    kinds: NDArray[np.str_]
    """(n,): the attack type (NSL-KDD) or class (UNSW-NB15) by its name in the table."""

    @property
    def risky(self) -> NDArray[np.bool_]:
        """(n,): True where it is an attack."""
        return np.asarray(self.labels != 0, np.bool_)

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> Part:
        """The rows at ``places``."""
        return Part(self.rows[places], self.labels[places], self.kinds[places])

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class DataSet:
    """One table, split."""

    name: str
    classes: tuple[str, ...]
    columns: tuple[Column, ...]
    train: Part
    tests: dict[str, Part]
    files: tuple[str, ...]
    """Data files below the data folder."""
    split: str
    """How train and test were told apart, in words."""
    validation: Part | None = None
    """Validation rows of their own (other captures); None: a part of the training rows."""


def load(name: str, data: Path, seed: int = UNSW_TRAIN_SEED) -> DataSet:
    """Read one of :data:`NAMES`.

    Args:
        name: ``nsl-kdd``, ``unsw-nb15`` or ``zeek``.
        data: the data folder.
        seed: of UNSW-NB15's split, and of the rows taken from large Zeek captures.

    Raises:
        UsageError: no such data set.
        SourceError: a file is missing or is no such table.
    """
    if name == "nsl-kdd":
        return _nsl(data)
    if name == "unsw-nb15":
        return _unsw(data, seed)
    if name == "zeek":
        return _zeek(data, seed)
    raise UsageError(f"there is no data set {name!r}", remedy=f"name one of {', '.join(NAMES)}")


def columns_of(table: pa.Table, groups: dict[str, str]) -> tuple[Column, ...]:
    """The columns of the rows, categories fitted on ``table``: training rows only."""
    out: list[Column] = []
    start = 0
    for group, names in groups.items():
        for name in names.split():
            text = pa.types.is_string(table.schema.field(name).type)
            values = tuple(sorted({str(v) for v in pc.unique(table[name]).to_pylist()})) if text else ()
            out.append(Column(name, group, start, values))
            start += out[-1].width
    return tuple(out)


def rows_of(table: pa.Table, columns: Sequence[Column]) -> NDArray[np.float32]:
    """The table as finite numbers (n, F); what is no finite number counts as 0."""
    out = np.zeros((table.num_rows, sum(c.width for c in columns)), np.float32)
    for column in columns:
        if column.values:
            place = pc.fill_null(pc.index_in(table[column.name], pa.array(column.values)), -1).to_numpy()
            known = np.flatnonzero(place >= 0)
            out[known, column.start + place[known]] = 1
        else:
            number = table[column.name].cast(pa.float64()).to_numpy()
            out[:, column.start] = np.nan_to_num(number, nan=0.0, posinf=0.0, neginf=0.0)
    return out


def _read(path: Path, names: list[str] | None) -> pa.Table:
    try:
        return readers.read(path, names)
    except (OSError, pa.ArrowInvalid, EOFError) as error:
        raise SourceError(
            f"cannot be read as a table: {str(error).splitlines()[0]}", source=path,
            remedy="give the folder that holds flows/NSL-KDD and flows/UNSW-NB15-82k with --data",
        ) from error  # fmt: skip


def _nsl(data: Path) -> DataSet:
    train = _read(data / readers.NSL, _NSL_COLUMNS)
    columns = columns_of(train, NSL_GROUPS)

    def part(table: pa.Table) -> Part:
        kinds = np.array(table["attack"].to_pylist())
        unknown = set(kinds) - set(_NSL_CLASS) - {"normal"}
        if unknown:
            raise SourceError(
                f"unknown attack types: {sorted(unknown)[:3]}", source=data, remedy="give NSL-KDD's files"
            )
        labels = np.array([_NSL_CLASS.get(str(kind), 0) for kind in kinds], np.int64)
        return Part(rows_of(table, columns), labels, kinds)

    tests = {name: part(_read(data / file, _NSL_COLUMNS)) for name, file in NSL_TESTS.items()}
    files = (readers.NSL, *NSL_TESTS.values())
    return DataSet("nsl-kdd", NSL_CLASSES, columns, part(train), tests, files, "official: KDDTrain+ against KDDTest+")


def _unsw(data: Path, seed: int) -> DataSet:
    table = _read(data / readers.UNSW, None)
    features = " ".join(UNSW_GROUPS.values()).split()
    table = table.select([*features, "attack_cat"])
    kept = table.append_column("place", pa.array(np.arange(table.num_rows))).group_by(table.column_names)
    first = np.sort(kept.aggregate([("place", "min")])["place_min"].to_numpy())  # the first of equal rows stays
    table = table.take(first)
    kinds = np.array(table["attack_cat"].to_pylist())
    held = stratified(kinds, TEST_SHARE, seed)
    columns = columns_of(table.filter(pa.array(~held)), UNSW_GROUPS)
    labels = np.array([UNSW_CLASSES.index(str(kind)) for kind in kinds], np.int64)
    whole = Part(rows_of(table, columns), labels, kinds)
    split = f"{len(kinds)} of 82,332 rows after removal of duplicates, stratified 70/30, seed {seed}"
    return DataSet("unsw-nb15", UNSW_CLASSES, columns, whole.take(~held), {"test 30%": whole.take(held)},
                   (readers.UNSW,), split)  # fmt: skip


def _zeek(data: Path, seed: int) -> DataSet:
    rng = np.random.default_rng(seed)
    files: dict[str, int] = {}
    slots = [(group, slot) for group, named in flow.GROUPS.items() for slot in named]
    columns = tuple(Column(f"{field} ({made})", group, start) for start, (group, (field, made)) in enumerate(slots))
    places = [flow.PLACES[slot] for _, slot in slots]

    def part(names: Sequence[str], most: int | None = None) -> Part:
        flows = captures.join(captures.seen(capture, plain, rng, most) for capture in captures.read(data, names))
        files.update(flows.files)
        one = flows.allowed.sum(1) == 1  # "an attack" without its kind allows every risk class
        kinds = np.where(one, np.array(captures.CLASSES)[flows.allowed.argmax(1)], ZEEK_CLASSES[1])
        rows = flows.features.reshape(len(kinds), -1)[:, places]
        return Part(rows, (~flows.allowed[:, 0]).astype(np.int64), kinds)

    train, held = part(ZEEK_TRAIN, ZEEK_MOST), part(ZEEK_VALIDATION, ZEEK_MOST)
    tests = {name: part(names) for name, names in ZEEK_TESTS.items()}
    split = (
        f"by capture: train {', '.join(ZEEK_TRAIN)} ({len(train):,} rows, at most {ZEEK_MOST:,} of either side of a "
        f"capture); validation {', '.join(ZEEK_VALIDATION)} ({len(held):,} rows); "
        f"test {'; '.join(f'{name} ({len(test):,} rows)' for name, test in tests.items())}"
    )
    return DataSet("zeek", ZEEK_CLASSES, columns, train, tests, tuple(files), split, held)


def stratified(kinds: NDArray[np.str_], share: float, seed: int) -> NDArray[np.bool_]:
    """A seeded ``share`` of the rows of each kind, as a mask (n,): rounded, but never all of a kind."""
    rng = np.random.default_rng(seed)
    held = np.zeros(len(kinds), bool)
    for kind in np.unique(kinds):
        places = rng.permutation(np.flatnonzero(kinds == kind))
        held[places[: min(round(share * len(places)), len(places) - 1)]] = True
    return held
