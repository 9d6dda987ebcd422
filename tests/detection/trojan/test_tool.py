"""The tool with the shipped network behind it, as the engine wires them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from soc_tui.analysis.encoding.lexer import decode
from soc_tui.analysis.prediction import Predictor
from soc_tui.core.settings import ScanSettings
from soc_tui.detection.files.scanning import FilesScan
from soc_tui.detection.malicious_files.tool import MaliciousFileTool
from soc_tui.detection.tools import Watch
from soc_tui.detection.trojan.tool import TrojanTool
from tests.detection.trojan.conftest import load_samples

made = load_samples().made


class Network:
    """The ``code`` network as a judge."""

    def __init__(self) -> None:
        self.predictor = Predictor.load(None, "code")
        self.asked: list[str] = []

    def __call__(self, contents: Sequence[tuple[str, bytes]]) -> list[tuple[float, str, str]]:
        self.asked += [name for name, _ in contents]
        scores = self.predictor.score(pa.table({"value": pa.array([decode(c) for _, c in contents], pa.string())}))
        return [(row["score"], row["label"], row["explanation"]) for row in scores.to_pylist()]


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


SHELL = made(
    "<?php\n@error_reporting(0);\n$k = 'x1';\nif (isset($_REQ~UEST[$k])) {\n  $p = base64_de~code($_REQ~UEST[$k]);\n"
    "  $run = create_fun~ction('', $p);\n  $run();\n  @ev~al($p);\n  exit;\n}\n"
)
LIBRARY = b"<?php\nclass Text {\n    public function title(string $s): string {\n        return ucfirst(trim($s));\n    }\n}\n"


def test_rules_and_network_agree_on_a_web_shell_and_name_its_lines(tmp_path: Path, network: Network) -> None:
    (tmp_path / "lib.php").write_bytes(LIBRARY)
    (tmp_path / "x.php").write_bytes(SHELL)
    network.asked.clear()
    found = {f.check: f for f in TrojanTool(ScanSettings(), network).check(str(tmp_path), Watch())}
    assert network.asked == [f"{tmp_path}/x.php"]  # the gate keeps what could do no harm away from it
    judged = found["code-network-server"]
    assert judged.severity in {"medium", "high"}
    assert judged.confidence >= network.predictor.threshold
    assert judged.evidence in SHELL
    assert judged.target == f"{tmp_path}/x.php:{judged.fields['line']}"
    assert {int(line) for line in judged.fields["lines"].split(", ")} <= set(range(1, 12))
    assert judged.fields["why"].startswith(f"line {judged.fields['line']} (")


def test_a_shell_behind_a_long_library_is_found_by_the_network(tmp_path: Path, network: Network) -> None:
    lines = [b"    public function get%d(): string { return trim($this->value%d); }" % (n, n) for n in range(2000)]
    content = b"<?php\nclass Text {\n" + b"\n".join(lines) + b"\n}\n" + SHELL[6:]
    (tmp_path / "x.php").write_bytes(content)
    (one,) = [
        f for f in TrojanTool(ScanSettings(), network).check(str(tmp_path), Watch()) if f.check == "code-network-server"
    ]
    assert int(one.fields["line"]) > 2000
    assert one.evidence in content


def test_copies_and_archives_cost_the_network_nothing(tmp_path: Path, network: Network) -> None:
    import zipfile

    for name in ("a.php", "b.php"):
        (tmp_path / name).write_bytes(SHELL)
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as archive:
        archive.writestr("dir/shell.php", SHELL)
    network.asked.clear()
    targets = sorted(
        f.target.removeprefix(f"{tmp_path}/").rpartition(":")[0]
        for f in TrojanTool(ScanSettings(), network).check(str(tmp_path), Watch())
        if f.check == "code-network-server"
    )
    assert targets == ["a.php", "b.php", "site.zip!dir/shell.php"]
    assert network.asked == [f"{tmp_path}/a.php"]


def test_both_tools_in_one_pass_judge_each_file_once(tmp_path: Path, network: Network) -> None:
    (tmp_path / "x.php").write_bytes(SHELL)
    (tmp_path / "x.js").write_bytes(made("var s = unes~cape('%61%62'); ev~al(s + at~ob('YQ=='));\n"))
    network.asked.clear()
    tools = [TrojanTool(ScanSettings(), network), MaliciousFileTool(ScanSettings(), network)]
    found = {(tool.name, finding.check) for tool, finding in FilesScan(tools).check(str(tmp_path), Watch())}
    assert sorted(network.asked) == [f"{tmp_path}/x.js", f"{tmp_path}/x.php"]
    assert ("trojan", "code-network-server") in found
    assert ("malicious-file", "code-network-server") not in found
    assert tools[1]._rules is None  # the second tool reads what the first has found


def test_without_a_network_the_rules_still_work(tmp_path: Path) -> None:
    (tmp_path / "x.php").write_bytes(made(load_samples().TEXTS["php_eval_of_request"][0]))
    (one,) = TrojanTool(ScanSettings()).check(str(tmp_path), Watch())
    assert (one.check, one.severity, one.target) == ("php_eval_of_request", "critical", f"{tmp_path}/x.php:1")
    assert one.techniques == ("T1505.003", "T1059")
    assert one.fields["rule"] == "php_eval_of_request"
