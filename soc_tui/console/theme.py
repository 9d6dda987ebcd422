"""The console's own calm themes; every other Textual theme works too, for styles name theme variables only."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="soc-dark",
    primary="#6cb0e8",
    secondary="#8aa4c2",
    accent="#63c2b3",
    warning="#e3b15f",
    error="#ef7d86",
    success="#8cc68a",
    foreground="#d6dde6",
    background="#0f141a",
    surface="#161d26",
    panel="#1c2530",
    dark=True,
    variables={"text-muted": "#8795a6"},
)
LIGHT = Theme(
    name="soc-light",
    primary="#1f5f99",
    secondary="#4a6580",
    accent="#0d6f63",
    warning="#8a5a00",
    error="#b3263a",
    success="#2f6f2c",
    foreground="#1d2730",
    background="#f7f8fa",
    surface="#eceff3",
    panel="#e1e6ec",
    dark=False,
    variables={"text-muted": "#5b6875"},
)
