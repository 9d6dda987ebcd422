"""Finding log files: recursively, in a fixed order, each file once, whatever the tree looks like."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from soc_tui.acquisition.stream import absolute
from soc_tui.core.errors import SourceError
from soc_tui.core.settings import AcquisitionSettings


def find_sources(paths: Sequence[Path], settings: AcquisitionSettings) -> tuple[list[Path], list[SourceError]]:
    """The regular files that paths name or hold.

    A path that is named is taken as it is, also when it is hidden or a symbolic link. Inside a directory, hidden
    entries (``.x``, editors' swap files) and special files are passed over, and so are symbolic links to files that
    lie outside every named path: a link must not make the engine read what nobody named. Links to directories are
    not followed, and a directory met twice (a bind mount, a loop) is entered once. Two names of one file are one
    source, under the first name in order.

    Args:
        paths: files and directories.
        settings: ``max_depth`` bounds the descent.

    Returns:
        Absolute paths, sorted within each named path, and one error for each thing that cannot be read.
    """
    roots = [absolute(path) for path in paths]
    found: dict[tuple[int, int], Path] = {}
    errors: list[SourceError] = []
    entered: set[tuple[int, int]] = set()
    for root in roots:
        try:
            info = root.stat()
        except OSError as error:
            errors.append(_error(root, error))
            continue
        if not stat.S_ISDIR(info.st_mode):
            found.setdefault((info.st_dev, info.st_ino), root)  # opening it says what is wrong with a special file
            continue
        for path, seen in _walk(root, settings.max_depth, entered, errors, roots):
            found.setdefault((seen.st_dev, seen.st_ino), path)
    return list(found.values()), errors


def _walk(
    folder: Path, depth: int, entered: set[tuple[int, int]], errors: list[SourceError], roots: Sequence[Path]
) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        own = folder.stat()
        if (own.st_dev, own.st_ino) in entered:
            return
        entered.add((own.st_dev, own.st_ino))
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        errors.append(_error(folder, error))
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith("."):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                if depth <= 1:
                    errors.append(SourceError("lies too deep and was not entered", source=path,
                                              remedy="name it directly or raise acquisition.max_depth"))  # fmt: skip
                else:
                    yield from _walk(path, depth - 1, entered, errors, roots)
            elif entry.is_file(follow_symlinks=False) or (entry.is_symlink() and _link_inside(path, roots)):
                yield path, path.stat()
        except OSError as error:
            errors.append(_error(path, error))


def _link_inside(path: Path, roots: Sequence[Path]) -> bool:
    target = Path(os.path.realpath(path))  # Path.resolve raises RuntimeError on a loop
    return target.is_file() and any(target.is_relative_to(root.resolve()) for root in roots)


def _error(path: Path, error: OSError) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceError("does not exist", source=path, remedy="check the path")
    if isinstance(error, PermissionError):
        return SourceError("may not be read: permission denied", source=path,
                           remedy="run as a user that may read it, for example a member of group adm")  # fmt: skip
    return SourceError(f"cannot be read: {error.strerror}", source=path, remedy="check the path and the disk")
