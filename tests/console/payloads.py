"""Text that tries to act: control bytes, terminal sequences, bidi, markup. ``PWN`` marks what must stay inert."""

from __future__ import annotations

ESC, C1 = "\x1b", {name: chr(code) for name, code in (("csi", 0x9B), ("osc", 0x9D), ("dcs", 0x90), ("st", 0x9C))}

PAYLOADS: tuple[str, ...] = (
    # C0
    *(f"{chr(code)}PWN" for code in (0, 1, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 24, 26, 27, 28, 31, 127)),
    # C1, as characters
    *(f"{chr(code)}PWN" for code in (0x84, 0x85, 0x88, 0x8D, 0x90, 0x98, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F)),
    # CSI
    f"{ESC}[2JPWN", f"{ESC}[31mPWN", f"{ESC}[1;1HPWN", f"{ESC}[?1049lPWN", f"{ESC}[6nPWN", f"{ESC}[21tPWN",
    f"{ESC}[5iPWN", f"{C1['csi']}2JPWN", f"{ESC}cPWN", f"{ESC}#8PWN",
    # OSC: title, colours, link, clipboard, notification, iTerm, palette
    f"{ESC}]0;PWN\x07", f"{ESC}]2;PWN{ESC}\\", f"{ESC}]4;1;#PWN\x07", f"{ESC}]8;;http://PWN{ESC}\\x{ESC}]8;;{ESC}\\",
    f"{ESC}]10;?PWN\x07", f"{ESC}]52;c;UFdOPWN\x07", f"{ESC}]777;notify;PWN\x07", f"{ESC}]1337;File=PWN\x07",
    f"{C1['osc']}0;PWN{C1['st']}",
    # DCS, APC, PM, SOS, tmux pass-through
    f"{ESC}PqPWN{ESC}\\", f"{ESC}_PWN{ESC}\\", f"{ESC}^PWN{ESC}\\", f"{ESC}XPWN{ESC}\\",
    f"{ESC}Ptmux;{ESC}{ESC}]0;PWN\x07{ESC}\\", f"{C1['dcs']}+qPWN{C1['st']}",
    # bidi, zero width, tags, separators
    *(f"{char}PWN" for char in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"),
    *(f"{char}PWN" for char in "\u200b\u200c\u200d\u2060\ufeff\u00ad\u2028\u2029\U000e0041\ue000"),
    # markup
    "[/red]PWN", "[/", "[/ PWN", "[@click=app.quit]PWN[/]", "[@click='app.bell']PWN[/]", "[bold red on blue]PWN[/]",
    "[link=http://x]PWN[/link]", "zz [b + [/#888]", "[[PWN]]", "\\[b]PWN", "[b]PWN[/i]", "[$error]PWN", ":skull: PWN",
    # shapes
    "e" + "\u0301" * 200 + "PWN", "👨\u200d👩\u200d👧PWN", "漢字" * 40 + "PWN", "x" * 20_000, "\ud800PWN", "\\ud800PWN",
    "Ok, closed\nA99 CRIT PWN", "%s%n{0}{}$PWN", "'; DROP TABLE alerts; -- PWN", "<script>PWN</script>",
)  # fmt: skip
assert len(PAYLOADS) >= 60
