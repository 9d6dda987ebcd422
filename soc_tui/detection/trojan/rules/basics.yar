// What other rules rest on; it sorts first, so that they find it. Written for soc-tui; Apache-2.0.

private rule php_page {
    strings:
        $a = "<?php" nocase
        $b = "<?="
        $c = /<\?[ \t\r\n@$]/
    condition:
        $a or (any of ($b, $c) and uint8(0) >= 9 and uint8(0) < 0x7f)  // two bytes are found in any binary
}

private rule php_runs {
    strings:
        $a = /[^>:\w\\](eval|assert|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec)\s{0,4}\(\s{0,4}[^)\s]/ nocase
    condition:
        php_page and $a
}
