"""Each ecosystem's own order of versions, against the programs that define it where they are installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc_tui.detection.versions import MAX_LENGTH, affected, compare, version

ORDERED = {
    "Alpine": "0.9 1.0_alpha 1.0_alpha2 1.0_beta1 1.0_pre2 1.0_rc1 1.0 1.0-r0 1.0-r2 1.0-r10 1.0_git20240101 1.0_p1 1.0_p1-r1 "
    "1.0_p10 1.0a 1.0b 1.0b-r3 1.0.1 1.01 1.05 1.050 1.1 1.1.0 1.2 1.10 2 10 20240101",
    "PyPI": "1.0.dev1 1.0a1 1.0b2 1.0rc1 1.0 1.0.post1 1.0.1 1.1 1.10 2!0.1",
    "npm": "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.1 1.2.0 1.10.0",
    "Debian": "1.0~~ 1.0~~a 1.0~ 1.0~rc1-1 1.0 1.0-1~bpo1 1.0-1 1.0-1+deb12u1 1.0-1+deb12u10 1.0a 1.0+b 1.0.1 1.10 1:0.5",
    "Rocky Linux": "1.0~rc1-1.el9 1.0-1.el9 1.0-2.el9 1.0-10.el9 1.0^git1-1.el9 1.0.a-1.el9 1.0.1-1.el9 1.10-1.el9 1:0.1-1.el9",
}  # fmt: skip


@pytest.mark.parametrize("ecosystem", ORDERED)
def test_the_order_is_that_of_the_ecosystem(ecosystem: str) -> None:
    listed = ORDERED[ecosystem].split()
    for lower, upper in pairwise(listed):
        assert (compare(ecosystem, lower, upper), compare(ecosystem, upper, lower)) == (-1, 1), (lower, upper)
    assert all(compare(ecosystem, one, one) == 0 for one in listed)


@pytest.mark.parametrize(
    ("ecosystem", "one", "other"),
    [("npm", "1.0.0+build", "1.0.0"), ("npm", "v1.0.0", "1.0.0"), ("PyPI", "1.0", "1.0.0"), ("PyPI", "1.0-rc1", "1.0rc1"),
     ("Debian", "0:1.0", "1.0"), ("Debian", "1.00", "1.0"), ("AlmaLinux", "0:1.0-1", "1.0-1"), ("Alpine", "006", "6")],
)  # fmt: skip
def test_the_same_version_in_two_spellings(ecosystem: str, one: str, other: str) -> None:
    assert compare(ecosystem, one, other) == 0


@pytest.mark.parametrize(
    ("ecosystem", "text"),
    [("Alpine", "1.0_what1"), ("Alpine", "1.0bc"), ("Alpine", "a"), ("PyPI", "what"), ("Debian", "é"), ("Debian", "a:1"),
     ("Rocky Linux", "x:1-1"), ("Rocky Linux", "1:"), ("npm", "latest"), ("Hackage", "1"), ("PyPI", ""),
     ("Debian", "1" * (MAX_LENGTH + 1)), ("npm", "1.0." + "9" * 30)],
)  # fmt: skip
def test_what_is_no_version_is_an_error_of_one_kind(ecosystem: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        version(ecosystem, text)


parts = st.text("0123456789.+~ab", min_size=1, max_size=8)
debian = st.builds(
    lambda epoch, upstream, revision: f"{epoch}{upstream}{revision}",
    st.sampled_from(["", "0:", "1:"]), st.builds(lambda d, p: f"{d}{p}", st.integers(0, 12), parts),
    st.one_of(st.just(""), parts.map(lambda text: f"-{text}")),
)  # fmt: skip


@pytest.mark.skipif(not shutil.which("dpkg"), reason="needs dpkg")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(debian, debian)
def test_debian_versions_compare_as_dpkg_says(left: str, right: str) -> None:
    found = compare("Debian", left, right)
    sign = {-1: "lt", 0: "eq", 1: "gt"}[found]
    done = subprocess.run(["dpkg", "--compare-versions", left, sign, right], check=False, capture_output=True)
    assert done.returncode == 0, (left, sign, right, done.stderr)


semver_part = st.lists(
    st.one_of(st.integers(0, 20).map(str), st.sampled_from(["alpha", "beta", "rc", "x-1", "A"])), max_size=3
)
semver = st.builds(
    lambda numbers, pre: ".".join(map(str, numbers)) + ("-" + ".".join(pre) if pre else ""),
    st.tuples(*[st.integers(0, 12)] * 3), semver_part,
)  # fmt: skip
SEMVER_JS = next((path for path in (
    Path("/usr/lib/node_modules/npm/node_modules/semver"), Path("/usr/share/nodejs/semver"),
    Path("/usr/local/lib/node_modules/npm/node_modules/semver"),
) if path.is_dir()), None)  # fmt: skip


@pytest.mark.skipif(not shutil.which("node") or SEMVER_JS is None, reason="needs node and npm's semver")
@settings(max_examples=4, deadline=None)
@given(st.lists(st.tuples(semver, semver), min_size=60, max_size=60))
def test_npm_versions_compare_as_npm_says(pairs: list[tuple[str, str]]) -> None:
    script = "const s=require(process.argv[1]);console.log(JSON.stringify(JSON.parse(process.argv[2]).map(p=>s.compare(p[0],p[1]))))"
    done = subprocess.run(["node", "-e", script, str(SEMVER_JS), json.dumps(pairs)], check=True, capture_output=True)
    assert [compare("npm", left, right) for left, right in pairs] == json.loads(done.stdout)


rpm = st.builds(
    lambda v, r: f"{v}-{r}", *[st.builds(lambda d, p: f"{d}{p}", st.integers(0, 12), st.text("0123456789.~^abZ_", max_size=8))] * 2
)  # fmt: skip


@pytest.mark.skipif(not shutil.which("rpm"), reason="needs rpm")
@settings(max_examples=4, deadline=None)
@given(st.lists(st.tuples(rpm, rpm), min_size=60, max_size=60))
def test_rpm_versions_compare_as_rpm_says(pairs: list[tuple[str, str]]) -> None:
    asked = ";".join(f'print(rpm.vercmp("{left}","{right}").." ")' for left, right in pairs)
    done = subprocess.run(["rpm", "--eval", "%{lua:" + asked + "}"], check=True, capture_output=True, text=True)
    assert [compare("Rocky Linux", left, right) for left, right in pairs] == [int(one) for one in done.stdout.split()]


def events(*listed: str) -> list[tuple[str, str]]:
    return [(kind, value) for kind, value in (one.split("=") for one in listed)]


@pytest.mark.parametrize(
    ("installed", "ranges", "listed", "hit", "fixed"),
    [
        ("1.0", [events("introduced=0", "fixed=2.0")], [], True, "2.0"),
        ("2.0", [events("introduced=0", "fixed=2.0")], [], False, ""),
        ("1.5", [events("introduced=2.0", "fixed=3.0", "introduced=1.0", "fixed=1.9")], [], True, "1.9"),
        ("1.9", [events("introduced=2.0", "fixed=3.0", "introduced=1.0", "fixed=1.9")], [], False, ""),
        ("1.0", [events("introduced=0", "last_affected=1.0")], [], True, ""),
        ("1.0.1", [events("introduced=0", "last_affected=1.0")], [], False, ""),
        ("3.1.1", [events("introduced=0", "fixed=3.1.1", "introduced=3.1.1", "fixed=3.1.3")], [], True, "3.1.3"),
        ("1.0", [events("introduced=1.0", "fixed=1.0")], [], False, ""),
        ("1.0", [], ["1.0"], True, ""),
        ("1.1", [], ["1.0"], False, ""),
        ("5", [events("introduced=0", "limit=4")], [], False, ""),
        ("3", [events("introduced=0", "limit=4")], [], True, ""),
        ("9", [events("introduced=1")], [], True, ""),
        ("0.1", [events("introduced=0.2"), events("introduced=0.1", "fixed=0.1.5")], [], True, "0.1.5"),
    ],
)  # fmt: skip
def test_what_is_affected(
    installed: str, ranges: list[list[tuple[str, str]]], listed: list[str], hit: bool, fixed: str
) -> None:
    assert affected("PyPI", installed, ranges, listed) == (hit, fixed)
