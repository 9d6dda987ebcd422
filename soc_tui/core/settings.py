"""Settings: one TOML file in the XDG config folder, then environment variables, then command-line options.

A key that does not exist is an error that names the nearest key that does: a typo in a security tool must never
silently mean "default". Environment variables are ``SOC_TUI_SECTION__KEY`` (``SOC_TUI_STORE__THREADS=1``);
``SOC_TUI_WORKSPACE`` and ``SOC_TUI_CONFIG`` name the workspace and the file.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import os
import re
import tomllib
import types
import typing
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from soc_tui.core.errors import SettingsError
from soc_tui.core.text import without_secret

APP = "soc-tui"
SEVERITIES = ("info", "low", "medium", "high", "critical")


@dataclass(frozen=True)
class StoreSettings:
    """The workspace database."""

    memory_limit_mb: int = 192
    """DuckDB's memory limit; its own default would be 80 % of the machine. What does not fit is spilled to disk."""
    threads: int = 2
    """DuckDB threads."""
    hunt_rows: int = 10_000
    """Rows a hunt query returns at most."""
    hunt_seconds: float = 30.0
    """Seconds a hunt query may run."""
    archive_days: int = 30
    """Events of days older than this many days move to Parquet files; 0: never."""
    retention_days: int = 0
    """Archived days, and rejects, older than this many days are deleted; 0: kept for ever."""
    archive_dir: str = ""
    """The folder of archived days; empty: ``archive`` in the workspace."""


@dataclass(frozen=True)
class AcquisitionSettings:
    """Reading of logs."""

    chunk_bytes: int = 48 * 1024 * 1024
    """Bytes turned into events per transaction when there is a backlog."""
    flush_seconds: float = 0.4
    """How often a growing file is read on."""
    poll_seconds: float = 1.0
    """How often directories are scanned where inotify is missing."""
    rescan_seconds: float = 10.0
    """How often directories are scanned even with inotify, as a safety net."""
    max_line_bytes: int = 1024 * 1024
    """A longer line goes to the rejects."""
    max_depth: int = 32
    """How deep a directory is followed."""
    join_seconds: float = 2.0
    """How long the last record of a growing file waits for lines that go on with it (stack traces)."""
    time_zone: str = "UTC"
    """Time zone (IANA name) of stamps that do not tell theirs."""
    time_zones: Mapping[str, str] = field(default_factory=dict)
    """Time zones by path: ``"/var/log/tokyo" = "Asia/Tokyo"`` holds for everything below it; the longest path wins."""
    access_formats: Mapping[str, str] = field(default_factory=dict)
    """Access log formats of your own by name, as Apache's ``LogFormat`` or nginx's ``log_format`` writes them."""
    templates: bool = True
    """Learn templates of messages that no format takes apart (JSON, tables, plain text, unclassified syslog)."""
    websites: tuple[str, ...] = ()
    """Website source trees: folders of which an inventory is kept and every change is reported."""
    website_content: tuple[str, ...] = (
        ".php", ".phtml", ".php5", ".phar", ".inc", ".jsp", ".jspx", ".asp", ".aspx", ".ashx", ".asmx", ".cgi", ".pl",
        ".py", ".js", ".mjs", ".html", ".htm", ".xhtml", ".shtml", ".css", ".tpl", ".twig", ".htaccess", ".htpasswd",
        ".user.ini", "web.config",
    )  # fmt: skip
    """Ends of the names of files in website trees whose content is kept."""
    website_hash_bytes: int = 256 * 1024 * 1024
    """Larger files of a website tree are known by size and times only, without a hash."""
    website_content_bytes: int = 2 * 1024 * 1024
    """The content of larger files is not kept."""
    website_rescan_seconds: float = 30.0
    """How often a website tree is walked even with inotify; only what looks changed is read again."""
    silent_minutes: float = 60.0
    """A followed log that was steady raises an alert when nothing comes for so long; 0: never."""
    silent_factor: float = 5.0
    """... and for so many times its longest usual pause, whichever is longer."""
    gone_seconds: float = 60.0
    """How long a followed log may be missing before that is an alert; a rotation takes less."""
    reject_share: float = 0.5
    """A log whose last records could not be read in more than this share has changed its format."""


@dataclass(frozen=True)
class EnrichmentSettings:
    """What is known beside the logs: own networks, assets, GeoIP databases, known-bad indicators."""

    own_networks: tuple[str, ...] = ()
    """Addresses and networks of the house, beside the private ones."""
    assets: str = ""
    """The asset inventory, a TOML file."""
    geoip: tuple[str, ...] = ()
    """MaxMind DB files: country, city, ASN."""
    indicators: tuple[str, ...] = ()
    """Files and folders of known-bad indicators (STIX 2.1, MISP, CSV, plain lists)."""
    indicator_severity: str = "medium"
    """Severity of indicators that do not tell theirs."""
    reload_seconds: float = 60.0
    """How often these files are looked at for changes."""


@dataclass(frozen=True)
class DetectionSettings:
    """Thresholds of the first detectors."""

    brute_force_failures: int = 10
    """Failed logins of one source against one host within the window that make a finding."""
    brute_force_minutes: int = 10
    """The window of brute force."""
    web_login_failures: int = 20
    """Failed web logins of one source within the window that make a finding."""
    scan_ports: int = 50
    """Distinct ports (or hosts) tried without success within the window that make a scan."""
    scan_minutes: int = 10
    """The window of scans."""
    web_login_paths: tuple[str, ...] = ("login", "wp-login.php", "xmlrpc.php", "signin", "auth", "session")
    """Words of a path that make it a login page."""
    beacon_connections: int = 20
    """Calls of one machine inside to one port of an address outside within a day (UTC) that can be a beacon."""
    beacon_minutes: int = 30
    """Minutes over which they must spread."""
    beacon_hosts: int = 5
    """What more machines inside than this talk to is rated low."""
    beacon_score: float = 0.8
    """How even (0 to 1) intervals and sizes must be."""
    long_connection_hours: float = 8.0
    """Hours that make a connection long; SSH, VPN and push services have three times as many."""
    dns_tunnel_names: int = 60
    """Different names below one domain that one source asks for within an hour."""
    dns_tunnel_length: int = 24
    """Characters that they have below the domain on average."""
    dns_lookups: tuple[str, ...] = (
        "sophosxl.net", "sophosxl.com", "mcafee.com", "trellix.com", "spamhaus.org", "spamcop.net", "surbl.org",
        "uribl.com", "barracudacentral.org", "cymru.com", "e5.sk", "senderbase.org", "dnswl.org",
    )  # fmt: skip
    """Domains below which security products look up hashes and addresses: no DNS tunnel."""
    own_domains: tuple[str, ...] = ()
    """Domains of the house: their answers are compared with their history, and look-alikes are reported."""
    pinned_records: Mapping[str, str] = field(default_factory=dict)
    """What names of the house must be answered with: ``"www.example.org" = "192.0.2.10, 192.0.2.11"`` for addresses,
    ``"example.org NS" = "ns1.example.net, ns2.example.net"`` for others."""
    resolvers: tuple[str, ...] = ()
    """Addresses of the resolvers that machines inside may ask; empty: any that was asked the day before."""
    database_tables: int = 10
    """Whole tables that one account reads from a database within an hour that make a mass read."""
    database_rows: int = 1_000_000
    """Rows sent to one account within an hour (slow log) that make one."""


@dataclass(frozen=True)
class ScanSettings:
    """The risk detection tools that look by themselves: what is yours to look at, how hard, and when."""

    machine: bool = False
    """Look through this machine itself on schedule: packages, configuration, persistence."""
    websites: tuple[str, ...] = ()
    """Owned websites by origin (``https://www.example.org``): no other is ever asked for anything."""
    databases: tuple[str, ...] = field(default=(), repr=False)
    """Owned database services, e.g. ``postgresql://10.0.0.5:5432``; also ``mysql://``, ``redis://``, ``mongodb://``.
    With ``user:password@`` the tool also reads the settings that this account may see."""
    folders: tuple[str, ...] = ()
    """Folders whose files are looked through on schedule, beside ``acquisition.websites``."""
    every_hours: float = 24.0
    """How often everything that is owned is looked through; 0: only when asked."""
    automatic: bool = True
    """Look at the owned assets that an alert names."""
    requests_per_second: float = 5.0
    """The most that a website is asked in a second."""
    timeout_seconds: float = 10.0
    """How long an answer of a website or a database may take."""
    advisories: str = ""
    """A folder of advisories in OSV format; empty: those that ``knowledge update`` has loaded."""
    checks: tuple[str, ...] = ()
    """Files and folders of configuration checks beside the ones that ship."""
    programs: bool = True
    """Ask Lynis and debsecan too where they are installed."""
    yara_rules: tuple[str, ...] = ()
    """Files and folders of YARA rules beside the ones that ship."""
    hashes: tuple[str, ...] = ()
    """Lists of known-bad file hashes, one a line."""
    clamd: str = ""
    """The socket of clamd; empty: the usual places, then ``clamscan``."""
    file_bytes: int = 64 * 1024 * 1024
    """Larger files are not looked into, and are named."""
    archive_bytes: int = 256 * 1024 * 1024
    """The most that is unpacked of one archive."""
    archive_depth: int = 4
    """How deep archives inside archives are opened."""


@dataclass(frozen=True)
class AnalysisSettings:
    """The risk networks."""

    enabled: bool = True
    """False: no network is loaded and nothing is scored."""
    models_dir: str = ""
    """Another folder of networks than the one that ships."""
    threads: int = 1
    """Threads of a network."""
    flow_threshold: float = 0.0
    """0 means the threshold of the model card."""
    query_threshold: float = 0.0
    """0 means the threshold of the model card."""
    domain_threshold: float = 0.0
    """0 means the threshold of the model card."""
    code_threshold: float = 0.0
    """0 means the threshold of the model card."""
    page_threshold: float = 0.0
    """0 means the threshold of the model card."""
    session_threshold: float = 0.0
    """0 means the threshold of the model card."""
    drift_hours: float = 6.0
    """How often the traffic is compared with the one that a threshold was calibrated on; 0: never."""


@dataclass(frozen=True)
class ResponseSettings:
    """What repair may do."""

    enabled: bool = True
    """False: previews only, nothing is ever applied."""
    block_minutes: int = 60
    """How long a block lasts unless told otherwise."""
    allowlist: tuple[str, ...] = ()
    """Addresses and networks that are never blocked."""


@dataclass(frozen=True)
class ConsoleSettings:
    """The terminal console."""

    theme: str = "soc-dark"
    """``soc-dark``, ``soc-light`` or any Textual theme; the palette (ctrl+p) tries them out."""
    refresh_seconds: float = 1.0
    """How often the console asks whether something changed."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be set."""

    workspace: Path = field(default_factory=lambda: Path(platformdirs.user_state_dir(APP)))
    store: StoreSettings = StoreSettings()
    acquisition: AcquisitionSettings = AcquisitionSettings()
    enrichment: EnrichmentSettings = EnrichmentSettings()
    detection: DetectionSettings = DetectionSettings()
    scan: ScanSettings = ScanSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    response: ResponseSettings = ResponseSettings()
    console: ConsoleSettings = ConsoleSettings()
    watch: tuple[str, ...] = ()
    """Paths that the engine watches without being told on the command line."""


def config_path(env: Mapping[str, str] | None = None) -> Path:
    """The settings file: ``SOC_TUI_CONFIG`` or ``$XDG_CONFIG_HOME/soc-tui/settings.toml``."""
    named = (os.environ if env is None else env).get("SOC_TUI_CONFIG")
    return Path(named) if named else Path(platformdirs.user_config_dir(APP)) / "settings.toml"


def load_settings(workspace: Path | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """Read the settings file and the environment.

    Args:
        workspace: what ``--workspace`` said; wins over everything.
        env: the environment to read, the process's own when None.

    Raises:
        SettingsError: unknown key, wrong type or unreadable file; names file, line and the nearest known key.
    """
    environ = os.environ if env is None else env
    path = config_path(environ)
    data: dict[str, Any] = {}
    text = ""
    if path.exists():
        try:
            text = path.read_text(encoding="utf-8")
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"line (\d+)", str(error))
            line = int(found.group(1)) if found else None
            raise SettingsError(str(error), source=path, line=line, remedy="correct the TOML") from error
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"cannot be read: {error}", source=path, remedy="check owner and encoding") from error
    elif environ.get("SOC_TUI_CONFIG"):
        raise SettingsError("does not exist", source=path, remedy="create it or unset SOC_TUI_CONFIG")
    settings = _build(Settings, data, path, text, prefix="")
    settings = _apply_environment(settings, environ)
    chosen = workspace or (Path(environ["SOC_TUI_WORKSPACE"]) if environ.get("SOC_TUI_WORKSPACE") else None)
    if chosen is not None:
        settings = dataclasses.replace(settings, workspace=chosen)
    _check_networks("response.allowlist", settings.response.allowlist, path)
    _check_networks("enrichment.own_networks", settings.enrichment.own_networks, path)
    _check_severity("enrichment.indicator_severity", settings.enrichment.indicator_severity, path)
    _check_zones((settings.acquisition.time_zone, *settings.acquisition.time_zones.values()), path)
    return dataclasses.replace(settings, workspace=settings.workspace.expanduser().absolute())


def _check_severity(name: str, word: str, path: Path) -> None:
    if word not in SEVERITIES:
        raise SettingsError(f"{name} = {word!r}", source=path, remedy=f"write one of {', '.join(SEVERITIES)}")


def _check_networks(name: str, entries: tuple[str, ...], path: Path) -> None:
    for entry in entries:
        try:
            ipaddress.ip_network(entry, strict=False)
        except ValueError as error:
            raise SettingsError(
                f"{name}: {entry!r} is no address or network", source=path, remedy="write e.g. 10.0.0.0/8"
            ) from error


def _check_zones(names: tuple[str, ...], path: Path) -> None:
    for name in names:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise SettingsError(
                f"{name!r} is no time zone", source=path, remedy="write an IANA name, e.g. Europe/Berlin"
            ) from error


def _line_of(text: str, key: str) -> int | None:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*\[?\s*{re.escape(key)}\b", line):
            return number
    return None


def _build(cls: type[Any], data: Mapping[str, Any], path: Path, text: str, prefix: str) -> Any:
    known = {f.name for f in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in known:
            near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.0)[0]
            raise SettingsError(
                f"unknown key {prefix + key!r}; the nearest known one is {prefix + near!r}",
                source=path,
                line=_line_of(text, key),
                remedy=f"did you mean {near}?",
            )
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, dict):
                raise SettingsError(
                    f"{prefix}{key} must be a table", source=path, line=_line_of(text, key), remedy=f"write [{key}]"
                )
            values[key] = _build(typing.cast(type[Any], hint), value, path, text, prefix=f"{prefix}{key}.")
        else:
            values[key] = _coerce(hint, value, f"{prefix}{key}", path, _line_of(text, key))
    return cls(**values)


def _coerce(hint: Any, value: Any, name: str, path: Path | None, line: int | None) -> Any:
    wanted = hint
    try:
        if typing.get_origin(hint) is Mapping:
            pairs = dict(part.split("=", 1) for part in value.split(",")) if isinstance(value, str) else value
            if not isinstance(pairs, dict) or not all(isinstance(text, str) for text in pairs.values()):
                raise TypeError
            return {key.strip(): text.strip() for key, text in pairs.items()}
        if typing.get_origin(hint) is tuple or isinstance(hint, types.GenericAlias):
            items = [v.strip() for v in value.split(",") if v.strip()] if isinstance(value, str) else value
            if not isinstance(items, list) or not all(isinstance(i, str) for i in items):
                raise TypeError
            return tuple(items)
        if hint is bool:
            if isinstance(value, str) and value.lower() in {"1", "true", "yes", "on", "0", "false", "no", "off"}:
                return value.lower() in {"1", "true", "yes", "on"}
            if not isinstance(value, bool):
                raise TypeError
            return value
        if isinstance(value, bool):
            raise TypeError
        if hint is int and isinstance(value, float):
            raise TypeError
        number = hint(value)
        if isinstance(number, int | float) and number < 0:
            raise ValueError
        return number
    except (TypeError, ValueError) as error:
        label = getattr(wanted, "__name__", str(wanted))
        raise SettingsError(
            f"{name} = {_told(value)} is not a valid {label}", source=path, line=line, remedy="see docs/settings.md"
        ) from error


def _told(value: object) -> str:
    """A wrong value for a message: of a list or table, and of a URL with an account, only what it is."""
    if isinstance(value, list | dict):
        return "[...]" if isinstance(value, list) else "{...}"
    return repr(without_secret(value) if isinstance(value, str) and "@" in value else value)


def _apply_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    sections = {f.name: getattr(settings, f.name) for f in dataclasses.fields(Settings)}
    for variable, value in environ.items():
        found = re.fullmatch(r"SOC_TUI_([A-Z]+)__([A-Z_]+)", variable)
        if not found:
            continue
        section, key = found.group(1).lower(), found.group(2).lower()
        target = sections.get(section)
        keys = [f.name for f in dataclasses.fields(target)] if dataclasses.is_dataclass(target) else []
        if key not in keys:
            names = [
                f"SOC_TUI_{s}__{f.name}".upper()
                for s, v in sections.items()
                if dataclasses.is_dataclass(v)
                for f in dataclasses.fields(v)
            ]
            near = difflib.get_close_matches(variable, names, n=1, cutoff=0.0)[0]
            raise SettingsError(f"unknown environment variable {variable}", remedy=f"did you mean {near}?")
        hint = typing.get_type_hints(type(target))[key]
        changed = dataclasses.replace(typing.cast(Any, target), **{key: _coerce(hint, value, variable, None, None)})
        sections[section] = changed
    return Settings(**sections)
