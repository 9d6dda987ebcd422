"""A website tree with a real file system, real inotify and a real store: exact events, exactly once."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from soc_tui.core.clock import SystemClock
from soc_tui.core.errors import StoreError
from soc_tui.core.settings import AcquisitionSettings, Settings
from soc_tui.management import website as website_module
from soc_tui.management.engine import Engine
from soc_tui.management.website import Website
from soc_tui.store.database import Store
from soc_tui.store.website import load_content, load_inventory

SETTINGS = AcquisitionSettings(website_rescan_seconds=3600, flush_seconds=0.05)
ROOT = os.geteuid() == 0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "workspace" / "workspace.duckdb") as opened:
        yield opened


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "html"
    (made / "inc").mkdir(parents=True)
    (made / "index.php").write_text("<?php echo 1;")
    (made / "inc" / "db.php").write_text("<?php $x = 1;")
    (made / "logo.png").write_bytes(b"\x89PNG")
    return made


class Follower:
    """A website and what it told since the last question."""

    def __init__(self, store: Store, tree: Path, settings: AcquisitionSettings = SETTINGS) -> None:
        self.store, self.site, self.seen = store, Website(store, str(tree), settings, SystemClock(), lambda: None), 0
        self.tree = tree
        self.site.step()
        self.news()

    def news(self) -> list[dict[str, Any]]:
        rows = self.store.sql(
            "SELECT e.* FROM events e JOIN sources s USING (source_id) WHERE event_id > $n ORDER BY event_id",
            {"n": self.seen},
        ).to_pylist()
        self.seen = max([self.seen, *(row["event_id"] for row in rows)])
        source = self.store.sql("SELECT * FROM sources").to_pylist()[0]
        assert source["records_read"] == source["records_stored"] + source["records_rejected"]
        assert source["offset"] == source["records_read"] == self.store.sql("FROM events").num_rows
        return rows

    def wait(self, wanted: list[tuple[str, str]]) -> list[dict[str, Any]]:
        """Steps until the events are there; no other may come."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + 20
        while len(found) < len(wanted) and time.monotonic() < deadline:
            self.site.step()
            found += self.news()
        self.site.step()
        found += self.news()
        assert [(row["activity"], row["file_path"].removeprefix(f"{self.tree}/")) for row in found] == wanted
        return found

    def blind(self) -> None:
        """From now on nothing is noticed; only walks find changes."""
        assert self.site._watcher is not None
        self.site._watcher.stop()

    def rescan(self) -> list[tuple[str, str]]:
        self.site._next_scan = 0.0
        self.site.step()
        return [(row["activity"], row["file_path"].removeprefix(f"{self.tree}/")) for row in self.news()]


@pytest.fixture
def follow(store: Store, tree: Path) -> Iterator[Callable[..., Follower]]:
    made: list[Follower] = []

    def start(settings: AcquisitionSettings = SETTINGS) -> Follower:
        made.append(Follower(store, tree, settings))
        return made[-1]

    yield start
    for one in made:
        one.site.stop()


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_a_first_inventory_is_one_event(store: Store, follow: Callable[..., Follower], tree: Path) -> None:
    one = follow()
    event = store.sql("FROM events").to_pylist()[0]
    assert (event["activity"], event["class_uid"], event["product"]) == ("inventory", 6000, "website")
    assert event["message"] == f"first inventory of {tree}: 1 directory, 3 file, 30 bytes"
    rows = {row["name"]: row for row in load_inventory(store, one.site.state.source_id).to_pylist()}
    assert set(rows) == {b"inc", b"inc/db.php", b"index.php", b"logo.png"}
    assert rows[b"index.php"]["sha256"] == hash_of("<?php echo 1;")
    assert load_content(store, rows[b"index.php"]["sha256"]) == b"<?php echo 1;"
    assert load_content(store, rows[b"logo.png"]["sha256"]) is None
    source = store.sql("FROM sources").to_pylist()[0]
    assert (source["path"], source["format"], source["state"], source["error"]) == (
        str(tree), "website-tree", "active", "",
    )  # fmt: skip


def test_a_written_file_is_told_with_what_it_was(store: Store, follow: Callable[..., Follower], tree: Path) -> None:
    one = follow()
    began = time.time()
    (tree / "index.php").write_text("<?php evil();")
    event = one.wait([("update", "index.php")])[0]
    assert time.time() - began < 2
    extra = json.loads(event["extra"])
    assert (event["class_uid"], event["log_name"], event["status"]) == (1001, "files", "success")
    assert (event["source_offset"], event["source_length"], event["host"]) == (1, 0, socket.gethostname())
    assert event["file_hash"] == hash_of("<?php evil();")
    assert (extra["previous_hash"], extra["previous_size"], extra["mode"]) == (hash_of("<?php echo 1;"), 13, "0644")
    assert extra["found_by"] == "inotify"
    assert load_content(store, event["file_hash"]) == b"<?php evil();"
    assert load_content(store, extra["previous_hash"]) == b"<?php echo 1;"
    assert one.rescan() == []


def test_every_kind_of_change(follow: Callable[..., Follower], tree: Path) -> None:
    one = follow()
    (tree / "index.php").chmod(0o4777)
    chmod = one.wait([("chmod", "index.php")])[0]
    assert (json.loads(chmod["extra"])["mode"], json.loads(chmod["extra"])["previous_mode"]) == ("4777", "0644")
    (tree / "logo.png").rename(tree / "inc" / "shell.php")
    renamed = one.wait([("rename", "inc/shell.php")])[0]
    assert json.loads(renamed["extra"])["previous_path"] == f"{tree}/logo.png"
    (tree / "inc" / "shell.php").unlink()
    gone = one.wait([("delete", "inc/shell.php")])[0]
    assert gone["file_hash"] == sha256(b"\x89PNG").hexdigest()
    (tree / "new").mkdir()
    one.wait([("create", "new")])
    (tree / "new" / "a.php").symlink_to("/etc/passwd")
    link = one.wait([("create", "new/a.php")])[0]
    assert (link["file_hash"], json.loads(link["extra"])["target"]) == (None, "/etc/passwd")
    if ROOT:
        os.chown(tree / "index.php", 12345, 54321)
        owned = one.wait([("chown", "index.php"), ("chmod", "index.php")])[0]  # chown takes setuid away
        assert (json.loads(owned["extra"])["owner"], json.loads(owned["extra"])["previous_group"]) == ("12345", "root")
    assert one.rescan() == []


def test_what_is_over_before_anyone_looks_is_told_too(follow: Callable[..., Follower], tree: Path) -> None:
    one = follow()
    (tree / "dropper.php").write_text("x")
    (tree / "dropper.php").unlink()
    events = one.wait([("create", "dropper.php"), ("delete", "dropper.php")])
    assert events[0]["file_hash"] is None
    assert json.loads(events[0]["extra"])["note"] == "gone before it could be read"
    (tree / "index.php").write_text("for a moment")
    (tree / "index.php").write_text("<?php echo 1;")
    same = one.wait([("update", "index.php")])[0]
    assert "written again with the same content" in same["message"]


def test_an_editor_that_saves_by_renaming(follow: Callable[..., Follower], tree: Path) -> None:
    one = follow()
    (tree / ".index.tmp").write_text("new text")
    (tree / ".index.tmp").rename(tree / "index.php")
    renamed = one.wait([("create", ".index.tmp"), ("rename", "index.php")])[1]
    extra = json.loads(renamed["extra"])
    assert renamed["file_hash"] == hash_of("new text")
    assert (extra["previous_path"], extra["replaced_hash"]) == (f"{tree}/.index.tmp", hash_of("<?php echo 1;"))
    assert one.rescan() == []


def test_a_time_that_was_set_back_hides_nothing(follow: Callable[..., Follower], tree: Path) -> None:
    one = follow()
    info = (tree / "index.php").stat()
    one.blind()
    (tree / "index.php").write_text("<?php echo 2;")
    os.utime(tree / "index.php", ns=(info.st_atime_ns, info.st_mtime_ns))
    assert one.rescan() == [("update", "index.php")]


def test_changes_while_no_engine_runs_are_told_once(store: Store, follow: Callable[..., Follower], tree: Path) -> None:
    one = follow()
    one.site.stop()
    (tree / "index.php").write_text("changed")
    (tree / "logo.png").unlink()
    (tree / "z.php").write_text("new")
    again = Website(store, str(tree), SETTINGS, SystemClock(), lambda: None)
    again.step()
    again.stop()
    events = one.news()
    assert [(row["activity"], Path(row["file_path"]).name) for row in events] == [
        ("update", "index.php"), ("create", "z.php"), ("delete", "logo.png"),
    ]  # fmt: skip
    assert {json.loads(row["extra"])["found_by"] for row in events} == {"start"}
    third = Website(store, str(tree), SETTINGS, SystemClock(), lambda: None)
    third.step()
    third.stop()
    assert one.news() == []


def test_a_failed_commit_tells_everything_later_and_once(
    follow: Callable[..., Follower], tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = follow()

    def full(*_: Any, **__: Any) -> None:
        raise StoreError("no space left")

    (tree / "index.php").write_text("changed")
    with monkeypatch.context() as broken, pytest.raises(StoreError):
        broken.setattr(website_module, "append_changes", full)
        for _ in range(100):
            one.site.step()
    assert one.wait([("update", "index.php")])


def test_an_interrupted_first_inventory_goes_on_silently(
    store: Store, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(website_module, "_MOST_CHANGES", 2)
    site = Website(store, str(tree), SETTINGS, SystemClock(), lambda: None)
    calls = iter(range(100))
    monkeypatch.setattr(site._stopping, "is_set", lambda: next(calls) > 3)
    site.step()
    assert 0 < store.sql("FROM website_files").num_rows < 4
    again = Website(store, str(tree), SETTINGS, SystemClock(), lambda: None)
    again.step()
    again.stop()
    site.stop()
    assert [row["activity"] for row in store.sql("FROM events").to_pylist()] == ["inventory"]
    assert store.sql("FROM website_files").num_rows == 4


HOSTILE = [b"-rf", b"new\nline.php", "\u202egnp.php".encode(), b"bad\xff\xfe.php", b"x" * 250 + b".php", b"'; DROP.php",
           b" ", b"$(id).php"]  # fmt: skip


def test_hostile_names_and_special_files(store: Store, follow: Callable[..., Follower], tree: Path) -> None:
    for name in HOSTILE[:4]:
        Path(os.fsdecode(os.fsencode(tree) + b"/" + name)).write_bytes(name)
    os.mkfifo(tree / "fifo.php")
    (tree / "loop").symlink_to("loop")
    (tree / "up").symlink_to("..")
    listener = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(tree)  # the path of a socket may have 107 bytes only
    listener.bind("s.sock")
    os.chdir(here)
    one = follow()
    kinds = {row["name"]: row["kind"] for row in load_inventory(store, one.site.state.source_id).to_pylist()}
    assert (kinds[b"fifo.php"], kinds[b"loop"], kinds[b"up"], kinds[b"s.sock"]) == (
        "fifo", "symlink", "symlink", "socket",
    )  # fmt: skip
    assert set(HOSTILE[:4]) <= set(kinds)
    assert not any(name.startswith((b"up/", b"loop/")) for name in kinds)
    for name in HOSTILE[4:]:
        Path(os.fsdecode(os.fsencode(tree) + b"/" + name)).write_bytes(name)
        event = one.wait([("create", name.decode("utf-8", "backslashreplace"))])[0]
        assert event["file_hash"] == sha256(name).hexdigest()
    Path(os.fsdecode(os.fsencode(tree) + b"/bad\xff\xfe.php")).unlink()
    one.wait([("delete", "bad\\xff\\xfe.php")])
    assert one.rescan() == []
    listener.close()


def test_a_folder_that_becomes_a_link_is_not_followed(
    follow: Callable[..., Follower], tree: Path, tmp_path: Path
) -> None:
    one = follow()
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "db.php").write_text("secret")
    one.blind()
    (tree / "inc" / "db.php").unlink()
    (tree / "inc").rmdir()
    (tree / "inc").symlink_to(secret)
    assert one.rescan() == [("delete", "inc"), ("create", "inc"), ("delete", "inc/db.php")]


def test_folders_move_with_all_they_hold(follow: Callable[..., Follower], tree: Path) -> None:
    one = follow()
    (tree / "inc").rename(tree / "lib")
    one.wait([("rename", "lib"), ("rename", "lib/db.php")])
    assert one.rescan() == []
    (tree / "lib" / "db.php").unlink()
    (tree / "lib").rmdir()
    one.wait([("delete", "lib/db.php"), ("delete", "lib")])


def test_a_whole_new_folder(follow: Callable[..., Follower], tree: Path, tmp_path: Path) -> None:
    made = tmp_path / "plugin"
    (made / "deep").mkdir(parents=True)
    (made / "deep" / "a.php").write_text("a")
    one = follow()
    made.rename(tree / "plugin")
    one.wait([("create", "plugin"), ("create", "plugin/deep"), ("create", "plugin/deep/a.php")])


@pytest.mark.skipif(ROOT, reason="root may read everything")
def test_what_may_not_be_read_is_counted_and_named(follow: Callable[..., Follower], tree: Path) -> None:
    (tree / "logo.png").chmod(0)
    (tree / "inc").chmod(0)
    one = follow()
    assert one.site.state.error.startswith("2 could not be read: inc: Permission denied; logo.png: Permission denied")
    (tree / "inc").chmod(0o755)


def test_limits_are_kept_and_named(store: Store, follow: Callable[..., Follower], tree: Path) -> None:
    (tree / "big.php").write_text("x" * 2000)
    (tree / "middle.php").write_text("y" * 500)
    one = follow(replace(SETTINGS, website_hash_bytes=1000, website_content_bytes=100, max_depth=1))
    assert one.site.state.error == (
        "2 could not be read: inc: lies too deep and was not entered; big.php: larger than 1000 bytes"
    )
    assert load_content(store, hash_of("y" * 500)) is None
    assert load_content(store, hash_of("<?php echo 1;")) == b"<?php echo 1;"


def test_a_tree_that_comes_later_goes_and_comes_back(store: Store, tree: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    tree.rename(away)
    site = Website(store, str(tree), replace(SETTINGS, poll_seconds=0.01), SystemClock(), lambda: None)
    for _ in range(3):
        assert site.step() == 0.01
    assert store.sql("FROM sources").to_pylist()[0]["error"] == "the tree is not there: No such file or directory"
    away.rename(tree)
    site.step()
    assert [row["activity"] for row in store.sql("FROM events").to_pylist()] == ["inventory"]
    tree.rename(away)
    for _ in range(3):
        site.step()
    (away / "index.php").write_text("changed while away")
    away.rename(tree)
    for _ in range(3):
        site.step()
    site.stop()
    told = [(row["activity"], Path(row["file_path"]).name) for row in store.sql("FROM events").to_pylist()]
    assert told == [("inventory", "html"), ("delete", "html"), ("create", "html"), ("update", "index.php")]


def test_without_inotify_walks_find_it(
    follow: Callable[..., Follower], tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soc_tui.acquisition.website.notices.TreeWatcher.start", lambda _: False)
    one = follow(replace(SETTINGS, poll_seconds=0.05))
    (tree / "index.php").write_text("changed")
    event = one.wait([("update", "index.php")])[0]
    assert json.loads(event["extra"])["found_by"] == "rescan"


def test_nothing_is_written_in_the_tree_and_access_times_stay(follow: Callable[..., Follower], tree: Path) -> None:
    os.utime(tree / "index.php", (1, 1))
    follow()
    assert (tree / "index.php").stat().st_atime == 1
    assert sorted(path.name for path in tree.iterdir()) == ["inc", "index.php", "logo.png"]


def test_an_engine_follows_its_trees_beside_its_logs(tmp_path: Path, tree: Path) -> None:
    settings = Settings(workspace=tmp_path / "ws", acquisition=replace(SETTINGS, websites=(str(tree),)))
    (tmp_path / "app.log").write_text("2026-01-01 00:00:00 hello\n")
    engine = Engine(settings)
    engine.start([tmp_path / "app.log"])
    try:
        wait_for(lambda: engine.queries.events().num_rows == 2)
        (tree / "shell.php").write_text("<?php system($_GET['c']);")
        wait_for(lambda: engine.queries.events("activity:create").num_rows == 1)
        event = engine.queries.events("file:shell.php").to_pylist()[0]
        evidence = engine.queries.evidence(event_ids=[event["event_id"]]).to_pylist()[0]
        assert evidence["line"] == f"{event['message']} (content kept)"
        assert (evidence["source"], evidence["offset"], evidence["length"]) == (str(tree), 1, 0)
        assert {row["format"]: row["lag_bytes"] for row in engine.queries.sources().to_pylist()} == {
            "text": 0, "website-tree": 0,
        }  # fmt: skip
    finally:
        engine.stop()
    assert stat.S_IMODE((tmp_path / "ws" / "workspace.duckdb").parent.stat().st_mode) == 0o700
    assert not [t for t in threading.enumerate() if t.name == "soc-tui-acquisition"]


def wait_for(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)
