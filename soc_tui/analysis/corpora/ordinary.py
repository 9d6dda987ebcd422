"""Ordinary values that real traffic holds and labelled sets lack: what a shop's search box or an API's query carries.

Attack lists are long and benign lists are short and tame (user names, digits), so a network trained on them alone takes
an apostrophe, a bracket or the word "select" for an attack. These values are made from real words and the habits of
people and programs; they serve training only and are in no test figure.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import numpy as np

_WORDS = """select a gift from our list|union square hotel|drop off location|order by phone|group by age|insert card here
where can i buy a table|create an account|delete my account|update my address|set of 4 chairs|join the club|having a baby
what's new|don't panic|rock 'n' roll|o'reilly media|o'brien|d'angelo|l'oreal paris|st. john's wort|men's shoes size 10 1/2
script for a school play|alert me when back in stock|on sale now|cat food 2 kg|ls swap engine|echo dot 3rd gen|ping pong table
sleep apnea mask|benchmark results 2024|system of a down|exec summary|eval board|passwd reset help|etc etc|print document
cheap flights from paris to rome|how to center a div|c++ vs c#|node.js & react|at&t customer service|r&b music|q&a|m&m's
salt & pepper|black & decker|johnson & johnson|barnes & noble|h&m|b&b near me|tom & jerry|procter & gamble|64-bit driver
50% off|100% cotton|buy 1 get 1 free!|5' 10"|12" x 18" frame|7/8" bolt|3.5" disk|1/2 inch pipe|size > 40|price < 100|a -> b
where is my order #12345?|c'est la vie|l'été à la plage|qu'est-ce que c'est|aujourd'hui|j'ai besoin d'aide|où est la gare
café crème|crème brûlée|straße und plätze|grüße aus köln|über uns|schöne grüße|mañana por la mañana|¿dónde está el baño?
niño y niña|corazón de melón|coração|não é possível|informação ao público|città di torino|perché no|l'amore è cieco
zażółć gęślą jaźń|příliš žluťoučký kůň|árvíztűrő tükörfúrógép|güneşli bir gün|iyi günler|chào buổi sáng|xin cảm ơn
привет мир|купить телефон недорого|погода в москве|как приготовить борщ|добро пожаловать|київ сьогодні|καλημέρα κόσμε
你好世界|北京天气|如何学习编程|東京の天気|日本語入力|お問い合わせ|안녕하세요|서울 날씨|مرحبا بالعالم|كيف حالك|שלום עולם|नमस्ते दुनिया|สวัสดีชาวโลก
terms and conditions|privacy policy|sign in or register|either or|and or not|null and void|true or false|yes and no|1 or 2 items
black and white|this or that|more like this|is null island real|between jobs|in (parentheses)|[draft] annual report|{placeholder}
re: your message|fwd: invoice_2024-03.pdf|meeting @ 10:30|call me: +1 (555) 010-9999|mon-fri 9-5|tel: 0049 30 123456|n/a|--|...
john.smith@example.com|anna+news@example.org|o.neill@mail.example.ie|first last <first.last@example.com>|@username|#hashtag
new york, ny 10001|1600 amphitheatre pkwy|10 downing st.|apt. #4b|p.o. box 123|calle mayor, 5, 2º izq.|av. d. joão ii
/products/shoes/men?color=red|https://www.example.com/path/page.html?id=1&lang=en#top|http://127.0.0.1:8080/callback
../images/logo.png|./style.css|C:\\Users\\Anna\\Documents\\report.docx|\\\\server\\share\\file.txt|/home/anna/photos|file (1).jpg
<no subject>|<b>hello</b>|<br>|<3 you|>_<|:-)|¯\\_(ツ)_/¯|x < y and y > z|2 + 2 = 4|a=b|a == b|f(x) = x^2|e=mc^2|1,000.00 €|$5.99|£20
SELECT|UNION|select|or|and|like|from|where|table|order|script|alert|onclick|javascript|document|window|cookie|iframe|src|href
javascript tutorial|xss explained|sql injection prevention cheat sheet|what is union select|../ meaning in linux|etc passwd format
how to use cat command|ls -la explained|bash script example|powershell get process|curl vs wget|python os.system alternatives
onload event html|img src not working|css background url|php include file|mysql order by limit|insert into table example
delete from cart|drop table lamp|update set top box|select all|select none|select distinct colors|union jack flag|group by tour"""

PHRASES = tuple(phrase for line in _WORDS.splitlines() for phrase in line.split("|") if phrase)

_NAMES = ("anna", "liam", "maria", "wei", "olu", "ivan", "fatima", "jürgen", "chloé", "o'neil", "d'souza", "mcdonald", "smith")
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{a}.0.{b}.{c} Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{a}.0) Gecko/20100101 Firefox/{a}.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{c} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{c} Mobile/15E148",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/7.{a}.{c}", "python-requests/2.{a}.{c}",
)  # fmt: skip


def _pick(rng: np.random.Generator, items: tuple[str, ...]) -> str:
    return items[int(rng.integers(len(items)))]


def _digits(rng: np.random.Generator, most: int = 12) -> str:
    return str(int(rng.integers(10 ** int(rng.integers(1, most)))))


def _json(rng: np.random.Generator) -> str:
    value = {
        "id": int(rng.integers(1e6)), "name": _pick(rng, PHRASES), "tags": [_pick(rng, PHRASES) for _ in range(int(rng.integers(3)))],
        "price": round(float(rng.random() * 100), 2), "active": bool(rng.integers(2)), "parent": None,
    }  # fmt: skip
    keys = rng.permutation(list(value))[: int(rng.integers(1, 6))]
    return json.dumps({str(k): value[str(k)] for k in keys}, separators=(",", ":") if rng.integers(2) else None, ensure_ascii=bool(rng.integers(2)))


def _search(rng: np.random.Generator) -> str:
    a, b = _pick(rng, PHRASES), _pick(rng, PHRASES)
    forms = ('"{a}" AND "{b}"', "{a} OR {b}", 'title:"{a}" AND NOT status:closed', "{a} -{b}", "({a}) and ({b})", "{a} & {b}",
             "is:open label:bug {a}", "[{a} TO {b}]", "{a}*", "{a}; {b}", "{a}, {b} & co.", "'{a}'", '"{a}"', "{a}'s {b}",
             "{a} - {b} | shop", "#{a}", "{a}?", "{a}!", '{a} 12" x 8"', "{a} (new)", "{a} / {b}", "{a} + {b}", "{a}: {b}")  # fmt: skip
    return _pick(rng, forms).format(a=a, b=b)


def _token(rng: np.random.Generator) -> str:
    raw = rng.bytes(int(rng.integers(6, 60)))
    coded = (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode().rstrip("="), raw.hex(),
             str(uuid.UUID(bytes=rng.bytes(16))), "eyJhbGciOiJIUzI1NiJ9." + base64.urlsafe_b64encode(raw).decode().rstrip("="))  # fmt: skip
    return _pick(rng, coded)


def _when(rng: np.random.Generator) -> str:
    y, m, d, h = 2000 + int(rng.integers(30)), 1 + int(rng.integers(12)), 1 + int(rng.integers(28)), int(rng.integers(24))
    return _pick(rng, (f"{y}-{m:02}-{d:02}T{h:02}:30:00Z", f"{d:02}/{m:02}/{y}", f"{y}-{m:02}-{d:02} {h:02}:15:09.123+02:00", f"{d}.{m}.{y}",
                       f"{m}/{d}/{y} {h}:00:00 PM", f"now-{h}h/h", f"P{d}DT{h}H", f"{y * 31536000}"))  # fmt: skip


def _list(rng: np.random.Generator) -> str:
    words = rng.random() < 0.4
    parts = [_pick(rng, PHRASES).split(" ")[0] if words and rng.random() < 0.5 else _digits(rng, 6) for _ in range(int(rng.integers(2, 12)))]
    return _pick(rng, (",", "|", ";", "-", ":", "x", "_", "/", ".", "..", "||", "; ", ",,", "*", "~", "&", "=")).join(parts)


def _place(rng: np.random.Generator) -> str:
    a, b = rng.random(2) * 90
    return _pick(rng, (f"{a:.6f},-{b:.6f}", f"bbox({a:.2f},{b:.2f})", f"rgba({int(a)},{int(b)},0,0.5)", f"#{int(a * 1e5):06x}", f"{a:.2f}%", f"-{a:.1f}", f"{a:.0f}px"))


def _url(rng: np.random.Generator) -> str:
    host = _pick(rng, ("www.example.com", "cdn.shop.example", "localhost:3000", "app.example.org", "192.0.2.10"))
    return f"http{'s' * int(rng.integers(2))}://{host}/{quote(_pick(rng, PHRASES))}?q={quote_plus(_pick(rng, PHRASES))}&p={_digits(rng, 4)}"


def _page(rng: np.random.Generator) -> str:
    parts = [_pick(rng, PHRASES).replace(" ", _pick(rng, ("-", "_", "%20"))) for _ in range(int(rng.integers(1, 4)))]
    return "/" + "/".join(quote(p, safe="-_%~@:+,;()'!$&=.") for p in parts) + _pick(rng, ("", "/", ".html", ".php", ".jpg", ".aspx", ".js"))


def _agent(rng: np.random.Generator) -> str:
    return _pick(rng, _AGENTS).format(a=int(rng.integers(60, 130)), b=int(rng.integers(6000)), c=int(rng.integers(99)))


def _person(rng: np.random.Generator) -> str:
    a, b = _pick(rng, _NAMES), _pick(rng, _NAMES)
    return _pick(rng, (f"{a.title()} {b.title()}", f"{a}.{b}@example.com", f"{a}_{_digits(rng, 4)}", f"{b.upper()}, {a.title()}", f"{a}{_digits(rng, 4)}!"))


def _state(rng: np.random.Generator) -> str:
    """Matrix parameters and the sort links of directory listings (``N;O=D``), key lists, cookies."""
    pairs = [f"{_pick(rng, _KEYS)}={_pick(rng, _KEYS) if rng.integers(2) else _digits(rng, 4)}" for _ in range(int(rng.integers(1, 5)))]
    first = _pick(rng, ("", f"{_pick(rng, _KEYS)};", f"{chr(65 + int(rng.integers(26)))};"))
    return first + _pick(rng, (";", "; ", ",", "|", ":", "&")).join(pairs)


_KEYS = ("sort", "o", "c", "D", "N", "asc", "page", "view", "id", "utm_source", "gclid", "lang", "en", "v2", "true", "M", "A", "price", "_ga", "ref", "null", "x-y", "S")


def _code(rng: np.random.Generator) -> str:
    """What people ask or answer about computers: code marks inside prose."""
    a, b = _pick(rng, PHRASES), _pick(rng, PHRASES)
    thing = _pick(rng, ("ls -l", "sudo apt update", "git commit -m", "/etc/hosts", "~/.bashrc", "npm run build", "main.py", "select * from t", "a[0]", "foo()", "C:\\temp", "x86_64-linux-gnu", "printf(\"%d\")", "std::vector<int>", "$HOME", "docker-compose.yml", "nano /etc/fstab", "ping 8.8.8.8", "chmod +x", "<div>", "order by"))
    forms = ("i ran `{t}` and {a}, but {b}", "@anna how about `{t}`? {a}", "**{a}** does not work with {t} (version 2.4.1)", "see [{a}](http://example.com/{n}/{n}) for {t}", "why does '{t}' print \"{a}\"?", "{a}: {t}; {b}", "did you try {t} instead? it's {a}...", "{t} fails: {a}", "- {a}\n- {t}\n- {b}", "the output of {t} is {n}, {n} and {n}; {a}")
    return _pick(rng, forms).replace("{t}", thing).replace("{a}", a).replace("{b}", b).replace("{n}", _digits(rng, 5))


def _odd(rng: np.random.Generator) -> str:
    """Slips of the keyboard and of programs: repeated keys, rows of blanks or quotes, templates nobody filled in."""
    char = _pick(rng, tuple("aklwx0 .-_=*';/\"+"))
    return _pick(rng, (char * int(rng.integers(3, 60)), _pick(rng, PHRASES) + char * int(rng.integers(2, 30)), "%" + _pick(rng, _KEYS) + "%", "{" + _pick(rng, _KEYS) + "}", "[object Object]", "undefined", "NaN", "null,null", "$" + _pick(rng, _KEYS),
                       "".join(chr(33 + int(c)) for c in rng.integers(0, 94, int(rng.integers(2, 5)))), "${" + _pick(rng, ("title", "name", "item.id", "url")) + "}", "{{" + _pick(rng, ("title", "user.name", "id")) + "}}"))  # fmt: skip


_MAKERS: tuple[tuple[Callable[[np.random.Generator], str], int], ...] = (
    (lambda rng: _pick(rng, PHRASES), 4), (_search, 7), (_json, 3), (_token, 3), (_when, 1), (_list, 1), (_place, 1), (_url, 2),
    (_page, 3), (_agent, 1), (_person, 2), (_digits, 1), (_state, 2), (_code, 4), (_odd, 1),
)  # fmt: skip


def ordinary(count: int, rng: np.random.Generator) -> list[str]:
    """Distinct ordinary values, some in upper case and about half percent-encoded as browsers send them."""
    makers = [maker for maker, share in _MAKERS for _ in range(share)]
    values: set[str] = set()
    for _ in range(count * 2):
        value = makers[int(rng.integers(len(makers)))](rng)
        if rng.random() < 0.15:
            value = value.upper()
        if rng.random() < 0.3:
            value = _pick(rng, PHRASES) + " " + value
        values.add(sent(value, rng))
        if len(values) >= count:
            break
    return sorted(values)


def sent(value: str, rng: np.random.Generator) -> str:
    """A value as some client would send it: as it is, form-encoded, percent-encoded, or (rarely) encoded twice."""
    how = rng.random()
    clean = value.encode("utf-8", "replace").decode("utf-8")
    if how < 0.45:
        return clean
    if how < 0.75:
        return quote_plus(clean)
    return quote(clean, safe="" if how < 0.9 else "/:,;()'!*") if how < 0.96 else quote(quote(clean, safe=""), safe="")


def decorated(value: str, rng: np.random.Generator) -> str:
    """A real benign value with what people add: capitals, quotes, inches, brackets, and/or."""
    forms = ('"{}"', "'{}'", "{} and more", "{} or similar", '{} 8.5" x 11"', "({})", "{} - {}", "{} & {}", "{}, {}", '"{}" and "{}"', "{}'s", "{} (1)",
             "{} OR {}", "{} AND {}", "{} 50% off", "{}...", "{}?", "re: {}", "{} #1", "{}/{}", "{} -- {}", "{}; {}")  # fmt: skip
    text = _pick(rng, forms).replace("{}", value[:200])
    return text.upper() if rng.random() < 0.3 else text.title() if rng.random() < 0.2 else text
