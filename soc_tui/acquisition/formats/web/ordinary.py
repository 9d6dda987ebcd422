"""The ordinary lines of a combined access log, cut where their bytes are instead of by a pattern.

Nearly every line of such a log is an address, ``- -``, a stamp of fixed width and three quoted parts without a quote
in them; where its quotes are is then all there is to find. A line is taken only when every byte that decides has been
looked at, so that ``access.sql`` could not read it otherwise (a test holds both against each other), and that reads
the rest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from soc_tui.acquisition.formats.spans import Places, Truths, bytes_of, text_of
from soc_tui.core.schema import OcsfClass

_METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND")
_VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/3.0")
_HEAD = np.frombuffer(b" - - [00/***/0000:00:00:00 *0000] ", np.uint8)
"""What is between the client and the first quote: 0 is any digit, * is looked at by itself."""
_DIGITS = np.flatnonzero(ord("0") == _HEAD)
_FIXED = np.flatnonzero((ord("0") != _HEAD) & (ord("*") != _HEAD))
_MONTH, _SIGN = 9, 27
_WORDS = np.array([int.from_bytes(month, "big") for month in (
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")])  # fmt: skip
_BY_WORD = np.argsort(_WORDS)
_YEARS = (1970, 9998)
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_IPV4 = rf"^(?:{_OCTET}\.){{3}}{_OCTET}$"
_IPV6 = "^(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}$"
_MOST_DIGITS = 18
_SAME = {
    "class_uid": pa.scalar(int(OcsfClass.HTTP_ACTIVITY), pa.int32()), "product": "apache-nginx", "log_name": "access",
    "protocol": "tcp", "service": "http", "severity": "info",
}  # fmt: skip
"""What all of them say."""


def ordinary(lines: pa.LargeStringArray) -> tuple[pa.Table, Places]:
    """The events of the ordinary lines among these.

    Returns:
        The columns that they fill, without those that tell where a line is, and the lines' numbers, ascending.
    """
    cut = _Cut(*bytes_of(lines))
    return cut.events() if len(cut.at["row"]) else pa.table({}), cut.at["row"]


class _Cut:
    """Where the parts of the ordinary lines are; a line is dropped as soon as it shows that it is none."""

    def __init__(self, data: pa.Buffer, bounds: Places) -> None:
        self._data, self._raw = data, np.frombuffer(data, np.uint8)
        self.at = {"row": np.arange(len(bounds) - 1), "start": bounds[:-1], "end": bounds[1:]}
        self._quotes()
        for step in (self._stamp, self._request, self._reply, self._client):
            if len(self.at["row"]):
                step()

    def _keep(self, good: Truths) -> None:
        if not good.all():
            self.at = {name: places[good] for name, places in self.at.items()}

    def _from(self, places: Places, width: int) -> npt.NDArray[np.uint8]:
        """The bytes from each place on, a row each."""
        every = np.ndarray((len(self._raw) - width + 1,), f"V{width}", self._raw, strides=(1,))
        return every[places].view(np.uint8).reshape(-1, width)

    def _text(self, starts: Places, ends: Places, null: Truths | None = None) -> pa.StringArray:
        """The text of each span."""
        return text_of(self._data, starts, ends, null)

    def _said(self, starts: Places, ends: Places) -> pa.StringArray:
        """The text of each span, null where it is empty or a single dash."""
        length = ends - starts
        return self._text(starts, ends, (length == 0) | ((length == 1) & (self._raw[starts] == ord("-"))))

    def _quotes(self) -> None:
        """Three quoted parts with room for what has to be in and between them, and no quote that is escaped."""
        quotes = np.flatnonzero(self._raw == ord('"'))
        first = np.searchsorted(quotes, self.at["start"])
        six = np.searchsorted(quotes, self.at["end"]) - first == 6
        self._keep(six)
        for number, name in enumerate(("request", "request_end", "referrer", "referrer_end", "agent", "agent_end")):
            self.at[name] = quotes[first[six] + number]
        at = self.at
        self._keep(
            (at["request"] - at["start"] > len(_HEAD))
            & (at["request_end"] - at["request"] > len("GET / HTTP/1.1"))
            & (at["referrer"] - at["request_end"] > len(" 200 0 "))
            & (at["agent"] - at["referrer_end"] == 2) & (self._raw[at["agent"] - 1] == ord(" "))
            & (at["end"] - at["agent_end"] == 1)
            & (self._raw[at["request_end"] - 1] != ord("\\"))
            & (self._raw[at["referrer_end"] - 1] != ord("\\"))
            & (self._raw[at["agent_end"] - 1] != ord("\\"))
        )  # fmt: skip

    def _stamp(self) -> None:
        head = self._from(self.at["request"] - len(_HEAD), len(_HEAD))
        digits = (head[:, _DIGITS] - np.uint8(ord("0"))).astype(np.int64)
        day, hour, minute, second = (digits[:, n] * 10 + digits[:, n + 1] for n in (0, 6, 8, 10))
        year, zone = (digits[:, n : n + 4] @ (1000, 100, 10, 1) for n in (2, 12))
        word = head[:, _MONTH : _MONTH + 3] @ np.array((1 << 16, 1 << 8, 1))
        place = np.minimum(np.searchsorted(_WORDS[_BY_WORD], word), len(_WORDS) - 1)
        months = ((year - 1970) * 12 + _BY_WORD[place]).astype("M8[M]")
        days = months.astype("M8[D]") + (day - 1)
        local = days.astype("M8[us]").astype(np.int64) + ((hour * 60 + minute) * 60 + second) * 1_000_000
        east = np.where(head[:, _SIGN] == ord("-"), -1, 1) * ((zone // 100) * 60 + zone % 100) * 60_000_000
        self.at["time"] = local - east
        self._keep(
            (head[:, _FIXED] == _HEAD[_FIXED]).all(1) & (digits < 10).all(1)
            & ((head[:, _SIGN] == ord("+")) | (head[:, _SIGN] == ord("-")))
            & (_WORDS[_BY_WORD][place] == word) & (year >= _YEARS[0]) & (year <= _YEARS[1])
            & (day >= 1) & (days.astype("M8[M]") == months)
            & (hour < 24) & (minute < 60) & (second < 60) & (zone < 1500) & (zone % 100 < 60)
        )  # fmt: skip

    def _request(self) -> None:
        start, end = self.at["request"] + 1, self.at["request_end"]
        began, version = _words(self._from(start, 8)), _words(self._from(end - 8, 8))
        method = np.full(len(start), -1)
        for number, name in enumerate(_METHODS):
            mask, word = (int.from_bytes(one.ljust(8, b"\0"), "little") for one in (b"\xff" * len(name), name.encode()))
            method[began & np.uint64(mask) == np.uint64(word)] = number
        self.at["method"], self.at["version"] = method, np.full(len(start), -1)
        for number, name in enumerate(_VERSIONS):
            self.at["version"][version == np.uint64(int.from_bytes(name.encode(), "little"))] = number
        self.at["target"] = start + np.array([len(name) for name in _METHODS])[method] + 1
        target = self._text(self.at["target"], np.maximum(self.at["target"], end - 9))
        blank = pc.match_substring(target, " ").to_numpy(zero_copy_only=False)
        at, raw = self.at, self._raw
        self._keep(
            (method >= 0) & (at["version"] >= 0) & (raw[at["target"] - 1] == ord(" ")) & (raw[end - 9] == ord(" "))
            & (raw[at["target"]] == ord("/")) & (at["target"] < end - 9) & ~blank
        )  # fmt: skip

    def _reply(self) -> None:
        begin, end, raw = self.at["request_end"], self.at["referrer"], self._raw
        digits = (self._from(begin + 2, 3) - np.uint8(ord("0"))).astype(np.int64)
        self.at["code"] = digits @ (100, 10, 1)
        length = end - begin - 7
        dash = (length == 1) & (raw[begin + 6] == ord("-"))
        counted = pc.ascii_is_decimal(self._text(begin + 6, end - 1)).to_numpy(zero_copy_only=False)
        self._keep(
            (raw[begin + 1] == ord(" ")) & (raw[begin + 5] == ord(" ")) & (raw[end - 1] == ord(" "))
            & (digits < 10).all(1) & (dash | counted) & (length <= _MOST_DIGITS)
        )  # fmt: skip

    def _client(self) -> None:
        clients = self._text(self.at["start"], self.at["request"] - len(_HEAD)).dictionary_encode()
        known = clients.dictionary
        whole = pc.or_(pc.match_substring(known, "::"), pc.equal(pc.count_substring(known, ":"), 7))
        address = pc.or_(pc.match_substring_regex(known, _IPV4), pc.and_(pc.match_substring_regex(known, _IPV6), whole))
        self._keep(address.take(clients.indices).to_numpy(zero_copy_only=False))

    def events(self) -> pa.Table:
        """What the lines say, as ``access.sql`` would have it."""
        at, version_end = self.at, self.at["request_end"] - 9
        asked = pc.find_substring(self._text(at["target"], version_end), "?").to_numpy()
        path_end = np.where(asked < 0, version_end, at["target"] + asked)
        code, size = at["code"], (at["request_end"] + 6, at["referrer"] - 1)
        counts = self._said(*size).cast(pa.int64())
        status = (code >= 100).astype(np.int8) + (code >= 400)
        same = {name: pa.repeat(value, len(code)) for name, value in _SAME.items()}
        columns = {
            "time": pa.array(at["time"]).cast(pa.timestamp("us")),
            "src_ip": self._text(at["start"], at["request"] - len(_HEAD)),
            "activity": pa.array([name.lower() for name in _METHODS]).take(pa.array(at["method"])),
            "status": pa.array(["unknown", "success", "failure"]).take(pa.array(status)),
            "message": self._text(at["request"] + 1, at["request_end"]),
            "bytes_in": counts,
            "http_method": pa.array(_METHODS).take(pa.array(at["method"])),
            "url_path": self._text(at["target"], path_end),
            "url_query": self._text(np.minimum(path_end + 1, version_end), version_end, path_end + 1 >= version_end),
            "http_status": pa.array(code.astype(np.int32)),
            "user_agent": self._said(at["agent"] + 1, at["agent_end"]),
            "referrer": self._said(at["referrer"] + 1, at["referrer_end"]),
            "extra": pa.array([f'{{"http_version":"{name}"}}' for name in _VERSIONS]).take(pa.array(at["version"])),
        }
        return pa.table({**same, **columns})


def _words(eight: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Eight bytes of a row as one number, by which words are compared."""
    return eight.view("<u8")[:, 0]
