"""The rules that ship: each knows its samples, all are in form, and benign trees stay silent."""

from __future__ import annotations

import gzip
import re
import sysconfig
from collections import Counter
from pathlib import Path

import pytest

from soc_tui.detection.files.walking import File, Limits, walk
from soc_tui.detection.tools import Watch
from soc_tui.detection.trojan.rulebook import OURS, Rulebook, lint_rules
from soc_tui.detection.trojan.tool import GATE
from tests.detection.trojan.conftest import load_samples

SAMPLES = load_samples().samples()
ROOT = Path(__file__).resolve().parents[3]
NAMES = {
    name
    for path in OURS.glob("*.yar")
    for name in re.findall(r"(?m)^rule (\w+)(?: : (?!gate)\w+)? \{", path.read_text())
}


@pytest.fixture(scope="module")
def rules() -> Rulebook:
    return Rulebook()


def matched(rules: Rulebook, content: bytes, name: str = "sample") -> set[str]:
    notes: list[str] = []
    found = rules.matches(File(name, name, content), notes.append)
    assert notes == []
    return {match.rule for match in found if GATE not in match.tags}


@pytest.mark.parametrize(("rule", "content"), SAMPLES, ids=[f"{r}-{n}" for n, (r, _) in enumerate(SAMPLES)])
def test_a_rule_knows_its_sample(rules: Rulebook, rule: str, content: bytes) -> None:
    assert rule in matched(rules, content)


def test_every_rule_has_a_sample() -> None:
    assert {rule for rule, _ in SAMPLES} == NAMES
    assert len(NAMES) == 44


def test_the_rules_are_in_form() -> None:
    assert [str(problem) for problem in lint_rules([str(OURS)])] == []


def test_nothing_of_ours_looks_like_a_trojan_to_itself(rules: Rulebook) -> None:
    found = {}
    for folder in ("soc_tui", "tests/detection/trojan", "tests/detection/malicious_files", "docs"):
        for file in walk(str(ROOT / folder), Limits(), Watch()):
            if "__pycache__" not in file.below and (names := matched(rules, file.content)):
                found[file.below] = names
    assert set(found) == {"analysis/corpora/attacks.txt", "analysis/corpora/tampering.txt"}  # made to look like attacks


def benign(folder: Path, rules: Rulebook, least: int) -> Counter[str]:
    """The rules that match below a folder, with how many files."""
    found: Counter[str] = Counter()
    files = 0
    for file in walk(str(folder), Limits(), Watch()):
        files += 1
        found.update(f"{rule} {file.below}" for rule in matched(rules, file.content))
        file.seen.clear()
    assert files >= least, f"{folder} has only {files} files: this proves nothing"
    return found


def test_the_standard_library_is_silent(rules: Rulebook) -> None:
    assert benign(Path(sysconfig.get_paths()["stdlib"]) / "asyncio", rules, 30) == Counter()
    assert benign(Path(sysconfig.get_paths()["stdlib"]) / "email", rules, 15) == Counter()
    for name in ("subprocess.py", "pty.py", "smtplib.py", "socketserver.py", "base64.py"):
        content = (Path(sysconfig.get_paths()["stdlib"]) / name).read_bytes()
        assert matched(rules, content) == set(), name


def test_installed_packages_are_silent(rules: Rulebook) -> None:
    site = Path(sysconfig.get_paths()["purelib"])
    for package, least in (("pip", 300), ("yaml", 15), ("textual", 200), ("httpx", 20)):
        assert benign(site / package, rules, least) == Counter(), package


@pytest.mark.parametrize(
    "folder", ["/usr/lib/node_modules", "/usr/share/javascript", "/usr/share/php", "/etc/cron.d", "/etc/init.d"]
)
def test_what_the_system_brings_is_silent(rules: Rulebook, folder: str) -> None:
    if not Path(folder).is_dir():
        pytest.skip(f"needs {folder}")
    assert benign(Path(folder), rules, 1) == Counter()


BENIGN_PHP = [
    "<?php\nnamespace App;\nclass Runner { public function run(array $argv): int { return $this->exec($argv['name']); } }\n",
    "<?php\n$stmt = $pdo->prepare('SELECT * FROM users WHERE id = ?');\n$stmt->execute([$_GET['id']]);\n",
    "<?php if (isset($_POST['submit'])) { $name = htmlspecialchars($_POST['name']); echo \"Hello $name\"; }\n",
    "<?php $list = array_filter($_POST['items'], 'is_numeric'); usort($list, 'strcmp');\n",
    "<?php eval($code); // a template engine's own\n",
    "<?php $img = base64_decode($row['image']); header('Content-Type: image/png'); echo $img;\n",
    "<?php exec('git rev-parse HEAD', $out); echo $out[0];\n",
    "<?php if (move_uploaded_file($_FILES['f']['tmp_name'], $dir . '/' . $safe)) { echo 'ok'; }\n",
    "<?php $c = '#' . $m[1] . $m[1] . $m[2] . $m[2] . $m[3] . $m[3];\n" * 5,
    "<?php array('(', ')', '^', '$', '<'); add_rule('^' . $x . '/?$', 'index.php');\n",
]
BENIGN_OTHER = [
    "0 3 * * * root /usr/bin/certbot renew -q\n*/5 * * * * www-data php /srv/cron.php\n",
    "curl -fsSL https://get.example.org/install.sh | sh\n",
    "#!/bin/sh\nset -e\ncd /tmp\nwget https://example.org/tool.tar.gz\ntar xf tool.tar.gz\n",
    "<%@ page language=\"java\" %><% String name = request.getParameter(\"name\"); %><%= name %>\n",
    "<% Set fso = Server.CreateObject(\"Scripting.FileSystemObject\")\nResponse.Write Request.QueryString(\"q\") %>\n",
    "var card = document.querySelector('#card-number'); stripe.createToken(card).then(r => fetch('/pay', {method: 'POST'}));\n",
    "navigator.clipboard.writeText(code.innerText); // copy button\n",
    "AddHandler application/x-httpd-php .php .phtml\nAddType image/png .png\n",
    '{"pools": ["db1:5432", "db2:5432"], "algo": "round-robin"}\n',
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 admin@example.org\n",
]  # fmt: skip


@pytest.mark.parametrize("text", BENIGN_PHP + BENIGN_OTHER)
def test_ordinary_code_is_silent(rules: Rulebook, text: str) -> None:
    assert matched(rules, text.encode()) == set()


def test_benign_logs_are_silent(rules: Rulebook, shared_data: Path) -> None:
    for name in ("elastic_apache_access_combined.log.gz",):
        content = gzip.decompress((shared_data / "hostlogs" / name).read_bytes())
        assert len(content) > 1_000_000
        assert matched(rules, content) == set()
