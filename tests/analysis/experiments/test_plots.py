from xml.etree import ElementTree

from soc_tui.analysis.experiments.plots import Bar, Chart, scale, svg, terminal

CHART = Chart(
    'F1 <of> "all" & more', ("ours", "<b>theirs"), (("nsl", (Bar(0.75, 0.7, 0.8), Bar(None))), ("unsw", (Bar(1.0), Bar(0.5)))),
    start=0.5,
)  # fmt: skip


def test_the_svg_is_well_formed_and_text_is_inert() -> None:
    root = ElementTree.fromstring(svg(CHART))
    words = [node.text for node in root.iter() if node.tag.endswith("text")]
    assert 'F1 <of> "all" & more' in words
    assert "<b>theirs" in words
    assert "not measured" in words
    assert "The scale starts at 0.50, not at 0." in words
    bars = [float(n.get("width")) for n in root.iter() if n.tag.endswith("rect") and n.get("height") == "13"]
    assert bars == [210.0, 420.0, 0.0]  # half of the scale, all of it, none


def test_terminal_bars_are_as_long_as_their_share() -> None:
    lines = terminal(CHART, width=8).splitlines()
    assert lines[0].endswith("(scale from 0.50 to 1.00)")
    assert lines[2] == "     ours ████     0.750 (0.700 - 0.800)"
    assert lines[3] == "<b>theirs not measured"
    assert lines[5] == "     ours ████████ 1.000"


def test_a_group_of_one_bar_is_one_line() -> None:
    chart = Chart("t", ("only",), (("a", (Bar(0.5),)), ("b", (Bar(float("nan")),))))
    assert terminal(chart, width=3).splitlines() == ["t", "   a █▌  0.500", "   b not measured"]


def test_the_scale_starts_at_zero_when_values_are_low() -> None:
    assert scale([0.87, 0.95]) == (0.8, 1.0)
    assert scale([0.2, 0.95]) == (0.0, 1.0)
    assert scale([1.0, 1.0]) == (0.9, 1.0)
    assert scale([]) == (0.0, 1.0)
