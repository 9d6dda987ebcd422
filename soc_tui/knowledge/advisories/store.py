"""The advisories and the catalogue of exploited vulnerabilities in the workspace: written whole, read by package."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from soc_tui.core.errors import KnowledgeError
from soc_tui.knowledge.advisories.normalising import SCHEMA, UnusableError, package_name, rows
from soc_tui.knowledge.advisories.reading import Damage, Documents

_CHUNK = 20_000
_GROUP = 4096  # rows; a look-up reads whole groups
_KEV = "exploited.parquet"
_KEV_SCHEMA = pa.schema([
    (name, pa.string()) for name in ("cve", "name", "added", "due", "ransomware", "action")
] + [("cwes", pa.list_(pa.string()))])  # fmt: skip
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")


@dataclass(frozen=True)
class Advisory:
    """What one advisory says of one package."""

    id: str
    ecosystem: str
    name: str
    aliases: tuple[str, ...]
    summary: str
    severity: str
    """Empty: not told."""
    score: float | None
    """CVSS base score; None: not told."""
    cwes: tuple[str, ...]
    ranges: tuple[tuple[tuple[str, str], ...], ...]
    versions: tuple[str, ...]
    source: str
    """``file:line`` of the mirror that it came from."""

    @property
    def cves(self) -> tuple[str, ...]:
        """The CVE ids among its own and the others, each once."""
        return tuple(dict.fromkeys(one for one in (self.id, *self.aliases) if _CVE.fullmatch(one)))


@dataclass(frozen=True)
class Exploited:
    """An entry of CISA's catalogue of known exploited vulnerabilities."""

    cve: str
    name: str
    added: str
    due: str
    ransomware: str
    action: str
    cwes: tuple[str, ...]


@dataclass
class Loaded:
    """What a load did."""

    documents: int = 0
    """JSON objects read."""
    withdrawn: int = 0
    """Advisories that were taken back, and are not kept."""
    elsewhere: int = 0
    """Advisories about no package of a version (commits only)."""
    ecosystems: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Rows per ecosystem: before and now."""
    exploited: tuple[int, int] | None = None
    """Entries of the catalogue before and now; None: none was given."""
    damaged: int = 0
    damages: list[Damage] = field(default_factory=list)
    """The first of them."""

    @property
    def advisories(self) -> int:
        """Rows kept: advisories times the packages that each speaks of."""
        return sum(now for _, now in self.ecosystems.values())


class AdvisoryStore:
    """The advisories that ``knowledge update`` has loaded.

    Args:
        folder: ``knowledge`` in the workspace; what is not there counts as empty.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "advisories"

    def ecosystems(self) -> dict[str, int]:
        """How many rows there are of each ecosystem.

        Raises:
            KnowledgeError: a file is damaged.
        """
        found = {}
        for path in sorted(self._folder.glob("*.parquet")):
            if path.name != _KEV:
                table = _opened(path)
                name = (table.schema_arrow.metadata or {}).get(b"ecosystem", path.stem.encode()).decode()
                found[name] = int(table.metadata.num_rows)
        return found

    def knows(self, base: str) -> bool:
        """Whether there are advisories about an ecosystem."""
        return self._path(base).exists()

    def about(self, base: str, names: Iterable[str]) -> Iterator[Advisory]:
        """The advisories about packages of an ecosystem, in the order of packages and ids.

        Args:
            base: the ecosystem without what follows a colon, e.g. ``Debian``.
            names: of packages.

        Raises:
            KnowledgeError: the ecosystem's file is damaged.
        """
        path = self._path(base)
        wanted = sorted({package_name(base, name) for name in names})
        if not wanted or not path.exists():
            return
        values = pa.array(wanted, pa.string())
        file = _opened(path)
        column = file.schema_arrow.get_field_index("name")
        for group in range(file.num_row_groups):
            about = file.metadata.row_group(group).column(column).statistics
            if about is not None and about.has_min_max and not any(about.min <= one <= about.max for one in wanted):
                continue
            try:
                table = file.read_row_group(group)
            except (pa.ArrowException, OSError) as error:
                raise _damaged(path, error) from error
            for row in table.filter(pc.is_in(table["name"], value_set=values)).to_pylist():
                yield _advisory(row)

    def exploited(self) -> dict[str, Exploited]:
        """The catalogue of exploited vulnerabilities by CVE id.

        Raises:
            KnowledgeError: its file is damaged.
        """
        path = self._folder / _KEV
        if not path.exists():
            return {}
        try:
            listed = pq.read_table(path).to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from error
        return {row["cve"]: Exploited(**row | {"cwes": tuple(row["cwes"])}) for row in listed}

    def update(self, advisories: Iterable[Path] = (), kev: Path | None = None) -> Loaded:
        """Read a mirror and keep it; an ecosystem that it holds is replaced whole, others stay.

        Args:
            advisories: files and folders in OSV format.
            kev: CISA's catalogue, as JSON or JSON lines.

        Raises:
            KnowledgeError: the workspace cannot be written.
        """
        done = Loaded()
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._keep(done, [Documents(path) for path in advisories])
            if kev is not None:
                self._keep_exploited(done, Documents(kev, lists=("vulnerabilities",)))
        except OSError as error:
            raise KnowledgeError(
                f"cannot be written: {error.strerror}", source=self._folder, remedy="check space and permissions"
            ) from error
        return done

    def _keep(self, done: Loaded, mirrors: list[Documents]) -> None:
        tables: dict[str, list[pa.Table]] = {}
        waiting: dict[str, list[dict[str, Any]]] = {}
        for documents in mirrors:
            for document in documents:
                done.documents += 1
                try:
                    made = rows(document.data)
                except (UnusableError, RecursionError) as error:
                    documents.damage(document.source, document.line, str(error), "see ossf.github.io/osv-schema")
                    continue
                if not made:
                    done.withdrawn += bool(document.data.get("withdrawn"))
                    done.elsewhere += not document.data.get("withdrawn")
                for row in made:
                    chunk = waiting.setdefault(row["base"], [])
                    chunk.append(row | {"source": document.source[-400:], "line": document.line})
                    if len(chunk) >= _CHUNK:
                        tables.setdefault(row["base"], []).append(_table(chunk))
                        chunk.clear()
            done.damaged += documents.damaged
            done.damages += documents.damages
        before = self.ecosystems()
        for base, chunk in waiting.items():
            table = _latest(pa.concat_tables([*tables.pop(base, []), _table(chunk)]))
            _write(table.replace_schema_metadata({"ecosystem": base}), self._path(base))
            done.ecosystems[base] = (before.get(base, 0), table.num_rows)

    def _keep_exploited(self, done: Loaded, documents: Documents) -> None:
        found: dict[str, dict[str, Any]] = {}
        for document in documents:
            cve = document.data.get("cveID")
            if not isinstance(cve, str) or not _CVE.fullmatch(cve):
                documents.damage(document.source, document.line, "has no cveID", "use CISA's catalogue in JSON")
                continue
            texts = {
                column: str(document.data.get(key) or "")[:1000]
                for column, key in (
                    ("name", "vulnerabilityName"), ("added", "dateAdded"), ("due", "dueDate"),
                    ("ransomware", "knownRansomwareCampaignUse"), ("action", "requiredAction"),
                )
            }  # fmt: skip
            cwes = document.data.get("cwes")
            listed = [one for one in cwes if isinstance(one, str)] if isinstance(cwes, list) else []
            found[cve] = {"cve": cve, "cwes": listed, **texts}
        done.damaged += documents.damaged
        done.damages += documents.damages
        before = len(self.exploited())
        if found:
            table = pa.Table.from_pylist([found[cve] for cve in sorted(found)], _KEV_SCHEMA)
            _write(table, self._folder / _KEV)
        done.exploited = (before, len(found) or before)

    def _path(self, base: str) -> Path:
        return self._folder / f"{re.sub(r'[^A-Za-z0-9]+', '-', base)[:60]}.parquet"


def _table(chunk: list[dict[str, Any]]) -> pa.Table:
    try:
        return pa.Table.from_pylist(chunk, SCHEMA)
    except UnicodeError:  # lone surrogates, which JSON can write and UTF-8 cannot
        clean = [json.loads(json.dumps(row).replace("\\ud", "\\\\ud")) for row in chunk]
        return pa.Table.from_pylist(clean, SCHEMA)


def _latest(table: pa.Table) -> pa.Table:
    """Sorted by package and id; of an advisory that was given twice the later one."""
    table = table.sort_by([
        ("name", "ascending"), ("id", "ascending"), ("ecosystem", "ascending"), ("modified", "descending")
    ])  # fmt: skip
    if table.num_rows < 2:
        return table
    new = pa.array([False] * (table.num_rows - 1))
    for name in ("name", "id", "ecosystem"):
        column = table[name].combine_chunks()
        new = pc.or_(new, pc.not_equal(column[1:], column[:-1]))
    other = pc.or_(new, pc.equal(table["modified"].combine_chunks()[1:], table["modified"].combine_chunks()[:-1]))
    return table.filter(pa.concat_arrays([pa.array([True]), other]))


def _write(table: pa.Table, path: Path) -> None:
    fresh = path.with_suffix(".new")
    pq.write_table(table, fresh, compression="zstd", row_group_size=_GROUP)
    fresh.replace(path)


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> KnowledgeError:
    return KnowledgeError(
        f"is damaged: {str(error)[:200]}", source=path, remedy="load it again with `soc-tui knowledge update`"
    )


def _advisory(row: Mapping[str, Any]) -> Advisory:
    return Advisory(
        id=row["id"], ecosystem=row["ecosystem"], name=row["name"], aliases=tuple(row["aliases"]),
        summary=row["summary"], severity=row["severity"], score=row["score"], cwes=tuple(row["cwes"]),
        ranges=tuple(tuple((kind, value) for kind, value in events) for events in json.loads(row["ranges"])),
        versions=tuple(row["versions"]),
        source=f"{row['source']}:{row['line']}" if row["line"] else row["source"],
    )  # fmt: skip
