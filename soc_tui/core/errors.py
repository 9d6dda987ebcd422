"""Errors that tell an analyst what happened, where, and what to do next."""

from __future__ import annotations

from pathlib import Path


class SocTuiError(Exception):
    """The root of every error that is shown to a person.

    Args:
        message: what went wrong, one sentence.
        remedy: what the reader can do about it.
        source: the file the error speaks of, when there is one.
        line: the line in that file, counted from 1.
    """

    exit_code = 1
    """The exit code that the command line ends with."""

    def __init__(
        self, message: str, *, remedy: str = "", source: Path | str | None = None, line: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.source = str(source) if source is not None else None
        self.line = line

    @property
    def location(self) -> str:
        """``file:line``, ``file`` or the empty string."""
        if self.source is None:
            return ""
        return f"{self.source}:{self.line}" if self.line is not None else self.source

    def __str__(self) -> str:
        text = f"{self.location}: {self.message}" if self.location else self.message
        return f"{text} ({self.remedy})" if self.remedy else text


class UsageError(SocTuiError):
    """The call itself is wrong: a bad option, filter, setting or identifier."""

    exit_code = 2


class SettingsError(UsageError):
    """A settings file or environment variable cannot be understood."""


class FilterError(UsageError):
    """A filter expression cannot be understood.

    Args:
        message: what is wrong.
        position: the character of the expression where it is wrong, from 0.
        remedy: how to write it.
    """

    def __init__(self, message: str, *, position: int = 0, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.position = position


class SourceError(SocTuiError):
    """A log file or directory cannot be read."""


class StoreError(SocTuiError):
    """The workspace database cannot be opened, read or written."""


class ModelError(SocTuiError):
    """A network's weights or card are missing, damaged or of another shape."""


class KnowledgeError(SocTuiError):
    """A knowledge entry breaks the schema."""


class ResponseError(SocTuiError):
    """An action could not be planned, run, verified or taken back."""


class GuardError(ResponseError):
    """A guard refuses an action because it would hurt its owner."""


class EngineError(SocTuiError):
    """The engine cannot be started or reached, or refused a call."""
