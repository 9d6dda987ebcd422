"""Sessions by our own generators: what people, programs, crawlers and attackers do to log-ins and web servers.

Labelled sequences of log-ins and requests are rare, and rules applied to unlabelled logs only teach those rules. So
each behaviour is written down with random parameters (tempo, patience, number of users, share of errors), the hard
neighbours on both sides: the forgetful person and the attacker who stops at the right password, the crawler with dead
links and the slow scanner. They serve training only; figures come from real logs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Event = dict[str, object]
Rng = np.random.Generator

_USERS = ("anna", "bob", "carla", "deploy", "dmitri", "elena", "faisal", "greta", "hugo", "ines", "jenkins", "kofi",
          "ubuntu", "ec2-user", "backup", "ansible", "lin", "marta", "nils", "olga",
          "root", "admin", "git")  # fmt: skip
_GUESSED = ("root", "admin", "test", "oracle", "postgres", "user", "guest", "ubuntu", "pi", "ftpuser", "git", "mysql",
            "nagios", "support", "www", "tomcat", "hadoop", "jenkins", "administrator", "ubnt", "info", "demo", "dev",
            "student", "minecraft", "webmaster", "deploy", "svn", "backup", "operator", "0", "1234")  # fmt: skip
_WORDS = ("about", "news", "product", "docs", "blog", "archive", "team", "item", "category", "photo", "event", "story",
          "contact", "help", "search", "page", "article", "video", "download", "profile", "cart", "tag",
          "user")  # fmt: skip
_ASSETS = (".css", ".js", ".png", ".jpg", ".svg", ".woff2", ".ico", ".gif")
_PROBES = (
    "/.env", "/.git/config", "/wp-login.php", "/wp-admin/", "/phpmyadmin/", "/pma/", "/admin.php", "/xmlrpc.php",
    "/config.php.bak", "/backup.zip", "/server-status", "/actuator/env", "/manager/html", "/cgi-bin/test.cgi",
    "/solr/admin/info/system", "/boaform/admin/formLogin", "/HNAP1/",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/owa/auth/logon.aspx", "/console/", "/shell.php", "/.aws/credentials", "/db.sql", "/old/", "/test.php",
)  # fmt: skip
_LOGINS = ("/login", "/wp-login.php", "/user/login", "/account/signin", "/api/v1/auth", "/admin/login.php", "/session")


def _one(choices: tuple[str, ...], rng: Rng) -> str:
    return choices[int(rng.integers(len(choices)))]


def _between(low: float, high: float, rng: Rng) -> float:
    """Log-uniform: tempo and counts spread over orders of magnitude."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


class Session:
    """Events of one source while its clock runs."""

    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        self.time = 1.7e9 + float(rng.uniform(0, 3e7))
        self.events: list[Event] = []
        self.target = f"srv{int(rng.integers(1, 30))}"
        self.whole_seconds = bool(rng.random() < 0.7)
        """syslog and access logs know no fractions."""

    def wait(self, typical: float) -> None:
        """Pass about so many seconds, never a session's gap."""
        self.time += min(float(self.rng.lognormal(np.log(max(typical, 1e-3)), 0.6)), 1700.0)

    def _add(self, **fields: object) -> None:
        self.events.append({"time": float(int(self.time)) if self.whole_seconds else self.time, **fields})

    def logon(self, status: str, user: str | None, target: str | None = None, repeat: int | None = None) -> None:
        """A log-in with its outcome."""
        self._add(kind="logon", status=status, user_name=user, target=target or self.target, repeat=repeat)

    def web(self, method: str, path: str, status: int, referrer: bool = False, user: str | None = None) -> None:
        """A request with its answer."""
        self._add(kind="web", http_method=method, url_path=path, http_status=status, referrer=referrer,
                  user_name=user, target=self.target, status="success" if status < 400 else "failure")  # fmt: skip

    def page(self, tempo: float, dead: float = 0.02, assets: int = 6, referrer: bool = True) -> None:
        """A page as a browser asks for it."""
        rng = self.rng
        self.web(
            "GET", _path(rng), 404 if rng.random() < dead else int(rng.choice([200, 200, 200, 304, 302])), referrer
        )
        for _ in range(int(rng.integers(0, assets + 1))):
            self.time += float(rng.uniform(0, 1))
            status = 404 if rng.random() < dead else int(rng.choice([200, 200, 304, 206]))
            self.web("GET", f"/assets/{int(rng.integers(60))}{_one(_ASSETS, rng)}", status, True)
        self.wait(tempo)


def _path(rng: Rng) -> str:
    parts = [_one(_WORDS, rng) for _ in range(int(rng.integers(0, 4)))]
    return "/" + "/".join(parts) + (str(int(rng.integers(3000))) if rng.random() < 0.5 else "")


# -- benign -----------------------------------------------------------------------------------------------------------


def _person(s: Session) -> None:
    rng, user = s.rng, _one(_USERS, s.rng)
    for _ in range(int(rng.integers(1, 4))):
        for _ in range(int(rng.choice([0, 0, 0, 0, 1, 1, 2, 3]))):
            s.logon("failure", user)
            s.wait(6)
        s.logon("success", user)
        s.wait(_between(60, 1200, rng))


def _forgetful(s: Session) -> None:
    rng, user = s.rng, _one(_USERS, s.rng)
    for _ in range(int(rng.integers(3, 6))):
        s.logon("failure", user)
        s.wait(_between(5, 40, rng))
        if rng.random() < 0.1:
            s.wait(60)
    s.logon("success", user)
    for _ in range(int(rng.integers(0, 3))):
        s.wait(300)
        s.logon("success", user)


def _gave_up(s: Session) -> None:
    user = _one(_USERS, s.rng)
    for _ in range(int(s.rng.integers(1, 4))):
        s.logon("failure", user)
        s.wait(10)


def _automation(s: Session) -> None:
    rng, user, tempo = s.rng, _one(_USERS, s.rng), _between(0.3, 600, s.rng)
    targets = [f"srv{i}" for i in range(int(rng.integers(1, 40)))]
    for i in range(int(_between(2, 200, rng))):
        s.logon("failure" if rng.random() < 0.01 else "success", user, targets[i % len(targets)])
        s.wait(tempo)


def _bastion(s: Session) -> None:
    rng, users = s.rng, [f"{_one(_USERS, s.rng)}{i}" for i in range(int(s.rng.integers(3, 30)))]
    for _ in range(int(_between(8, 150, rng))):
        user = users[int(rng.integers(len(users)))]
        if rng.random() < 0.12:
            s.logon("failure", user)
            s.wait(8)
        s.logon("success", user)
        s.wait(_between(5, 400, rng))


def _browsing(s: Session) -> None:
    rng, tempo, dead = s.rng, _between(3, 120, s.rng), float(s.rng.choice([0.01, 0.03, 0.1]))
    for _ in range(int(_between(1, 25, rng))):
        s.page(tempo, dead, int(rng.integers(0, 14)), bool(rng.random() < 0.8))
    if rng.random() < 0.25:
        path = _one(_LOGINS, rng)
        s.web("GET", path, 200, True)
        for _ in range(int(rng.choice([0, 0, 0, 1, 1, 2, 3]))):
            s.wait(8)
            s.web("POST", path, int(rng.choice([200, 401, 403])), True)
        s.wait(8)
        s.web("POST", path, 302, True)
        for _ in range(int(rng.integers(1, 8))):
            s.page(tempo, dead)


def _crawler(s: Session) -> None:
    rng, tempo, dead = s.rng, _between(0.2, 120, s.rng), float(s.rng.uniform(0, 0.3))
    robots = rng.random() < 0.6
    if robots:
        s.web("GET", "/robots.txt", int(rng.choice([200, 404])))
    for _ in range(int(_between(1, 400, rng))):
        s.wait(tempo)
        status = 404 if rng.random() < dead else int(rng.choice([200, 200, 200, 301, 304]))
        s.web("HEAD" if rng.random() < 0.05 else "GET", _path(rng), status)
        if robots and rng.random() < 0.03:
            s.web("GET", "/robots.txt", 200)


def _client(s: Session) -> None:
    """A program: few paths again and again; a token that ran out, a server that is down for a while."""
    rng, tempo = s.rng, _between(0.1, 300, s.rng)
    paths = [f"/api/{_one(_WORDS, rng)}" for _ in range(int(rng.integers(1, 6)))]
    bad, left = int(rng.choice([0, 0, 401, 500, 502, 503, 404, 429])), 0
    for _ in range(int(_between(2, 300, rng))):
        if bad and rng.random() < 0.02:
            left = int(rng.integers(1, 12))
        status = bad if left > 0 else int(rng.choice([200, 200, 200, 204, 304, 201]))
        left -= 1
        s.web("POST" if rng.random() < 0.3 else "GET", _one(tuple(paths), rng), status)
        s.wait(tempo)


def _monitor(s: Session) -> None:
    rng, tempo = s.rng, _between(5, 600, s.rng)
    logon, method, path = (
        rng.random() < 0.4,
        str(rng.choice(["HEAD", "GET"])),
        str(rng.choice(["/", "/health", "/feed"])),
    )
    for _ in range(int(_between(1, 150, rng))):
        if logon:
            s.logon("unknown", None)
        else:
            s.web(method, path, int(rng.choice([200, 200, 200, 304, 503])))
        s.time += tempo


def _dead_pictures(s: Session) -> None:
    """A broken site: a browser asks for many pictures that are gone."""
    rng = s.rng
    for _ in range(int(rng.integers(2, 12))):
        s.page(_between(3, 60, rng), dead=float(rng.uniform(0.3, 0.8)), assets=12)


def _stray(s: Session) -> None:
    """One or two requests from anywhere."""
    rng = s.rng
    for _ in range(int(rng.integers(1, 4))):
        s.web(
            "GET",
            _path(rng) if rng.random() < 0.5 else "/",
            int(rng.choice([200, 301, 304, 404, 200])),
            bool(rng.random() < 0.4),
        )
        s.wait(30)


# -- attacks ----------------------------------------------------------------------------------------------------------


def _noise(s: Session) -> None:
    """Connections that end without an outcome."""
    if s.rng.random() < 0.15:
        s.logon("unknown", None)


def _brute_logon(s: Session, most: float = 800) -> str:
    rng, tempo = s.rng, _between(0.2, 400, s.rng)
    user = _one(_GUESSED, rng) if rng.random() < 0.7 else _one(_USERS, rng)
    folded = rng.random() < 0.2
    for _ in range(int(_between(8, most, rng))):
        s.logon(
            "failure",
            user if rng.random() < 0.98 else None,
            repeat=int(rng.integers(2, 8)) if folded and rng.random() < 0.4 else None,
        )
        _noise(s)
        s.wait(tempo)
    return user


def _brute_web(s: Session, most: float = 600) -> str:
    rng, tempo, path = s.rng, _between(0.05, 120, s.rng), _one(_LOGINS, s.rng)
    refused, fetches = int(rng.choice([200, 401, 403, 401])), bool(rng.random() < 0.3)
    for _ in range(int(_between(12, most, rng))):
        if fetches:
            s.web("GET", path, 200)
        s.web("POST", path, refused, bool(rng.random() < 0.1))
        s.wait(tempo)
    return path


def _spray_logon(s: Session, most: float = 400) -> list[str]:
    rng, tempo = s.rng, _between(0.3, 1200, s.rng)
    pool = _GUESSED if rng.random() < 0.5 else tuple(f"{_one(_USERS, rng)}{i}" for i in range(200))
    each, tried = int(rng.choice([1, 1, 1, 2, 3])), []
    targets = [s.target] if rng.random() < 0.7 else [f"srv{i}" for i in range(int(rng.integers(2, 20)))]
    for i in range(int(_between(6, most, rng))):
        user = pool[i % len(pool)] if len(pool) > i else f"{_one(pool, rng)}{i}"
        for _ in range(each):
            s.logon("failure", user, targets[i % len(targets)])
            _noise(s)
            s.wait(tempo)
        tried.append(user)
    return tried


def _spray_web(s: Session) -> None:
    rng, tempo, path = s.rng, _between(0.2, 600, s.rng), _one(_LOGINS, s.rng)
    for i in range(int(_between(8, 200, rng))):
        s.web("POST", path, int(rng.choice([401, 403])), user=f"{_one(_USERS, rng)}{i}")
        s.wait(tempo)


def _scan_web(s: Session) -> None:
    rng, tempo, found = s.rng, _between(0.02, 60, s.rng), float(s.rng.choice([0, 0.02, 0.1, 0.3]))
    refusal = int(rng.choice([404, 404, 404, 403, 400, 301, 200]))  # some sites answer everything alike
    odd, listed = float(rng.choice([0.0, 0.05, 0.3])), rng.random() < 0.6 or refusal in (200, 301)
    for i in range(int(_between(8, 900, rng))):
        path = (
            _one(_PROBES, rng)
            if listed and rng.random() < 0.6
            else f"/{_one(_WORDS, rng)}{i}{rng.choice(['', '.php', '/', '.bak', '.zip'])}"
        )
        if listed and rng.random() < 0.3:
            path = f"/{_one(_WORDS, rng)}{path}"
        method = str(rng.choice(["HEAD", "OPTIONS", "POST", "PROPFIND"])) if rng.random() < odd else "GET"
        s.web(method, path, int(rng.choice([200, 301, 302, 500])) if rng.random() < found else refusal)
        s.wait(tempo)


def _scan_logon(s: Session) -> None:
    """One connection to each of many machines, or banner grabs, without a try."""
    rng, tempo = s.rng, _between(0.02, 60, s.rng)
    for i in range(int(_between(6, 300, rng))):
        s.logon("unknown", None, f"srv{i}")
        s.wait(tempo)


def _taken(s: Session) -> None:
    """Guessing that ends with the right password, and what follows."""
    rng, web = s.rng, s.rng.random() < 0.3
    if web:
        path = _brute_web(s, 150)
        s.web("POST", path, 302)
        for _ in range(int(rng.integers(1, 25))):
            s.wait(_between(0.5, 20, rng))
            s.web(
                str(rng.choice(["GET", "GET", "POST"])), f"/admin/{_one(_WORDS, rng)}", int(rng.choice([200, 200, 302]))
            )
        return
    user = _brute_logon(s, 300) if rng.random() < 0.6 else str(rng.choice(_spray_logon(s, 200)))
    s.logon("success", user)
    for _ in range(int(rng.integers(0, 12))):
        s.wait(_between(1, 300, rng))
        s.logon(
            "success" if rng.random() < 0.9 else "failure",
            user,
            None if rng.random() < 0.7 else f"srv{int(rng.integers(40))}",
        )


BEHAVIOURS: dict[str, tuple[tuple[Callable[[Session], object], float], ...]] = {
    "benign": ((_person, 2), (_forgetful, 1), (_gave_up, 1), (_automation, 1), (_bastion, 1), (_browsing, 3),
               (_crawler, 3), (_client, 2), (_monitor, 1), (_dead_pictures, 0.5), (_stray, 1)),
    "brute": ((_brute_logon, 2), (_brute_web, 1)),
    "spray": ((_spray_logon, 3), (_spray_web, 1)),
    "scan": ((_scan_web, 3), (_scan_logon, 1)),
    "takeover": ((_taken, 1),),
}  # fmt: skip
"""Class -> its behaviours and how often each is drawn."""


def made(kind: str, count: int, rng: Rng) -> list[list[Event]]:
    """Sessions of one class."""
    behaviours, shares = zip(*BEHAVIOURS[kind], strict=True)
    chance = np.array(shares) / sum(shares)
    out = []
    for _ in range(count):
        session = Session(rng)
        behaviours[int(rng.choice(len(behaviours), p=chance))](session)
        out.append(session.events)
    return out
