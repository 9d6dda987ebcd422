// Skimmers, hidden frames, lures and miners in pages and scripts; cloaking.
// Written for soc-tui; Apache-2.0. Each rule has a true sample in the tests and is silent on the trees of docs/tools/files.md.

rule skimmer_card_form {
    meta:
        author = "soc-tui"
        description = "Script that reads card fields and sends them away"
        reference = "https://attack.mitre.org/techniques/T1056/"
        severity = "high"
        confidence = "0.8"
        techniques = "T1056 T1041"
        tool = "malicious-file"
        licence = "Apache-2.0"
    strings:
        $card1 = /(cc[_-]?num(ber)?|card[_-]?num(ber)?|cc_number|creditcard)\b/ nocase
        $card2 = /\b(cvv2?|cvc2?|cc_cid|cc[_-]?exp|expiry|exp[_-]?month|cardholder)\b/ nocase
        $read = /querySelectorAll\s?\(\s?["'](input|select|textarea|\[name)|getElementsByTagName\s?\(\s?["']input["']/
        $send = /navigator\.sendBeacon\s?\(|new Image\s?(\(\s?\))?[^\n]{0,80}\.src\s?=|\.open\s?\(\s?["']POST["']|fetch\s?\(\s?(atob|["']https?:)|new WebSocket\s?\(/
        $hide = /\bbtoa\s?\(|String\.fromCharCode|\batob\s?\(|charCodeAt/
    condition:
        filesize < 512KB and all of them
}

rule skimmer_checkout_loader {
    meta:
        author = "soc-tui"
        description = "Script that loads hidden code on the checkout page only"
        reference = "https://attack.mitre.org/techniques/T1059/007/"
        severity = "high"
        confidence = "0.8"
        techniques = "T1189 T1059.007"
        tool = "malicious-file"
        licence = "Apache-2.0"
    strings:
        $where = /(location|document\.URL)[^\n]{0,60}(checkout|onepage|onestep|firecheckout|paiement|payment)/ nocase
        $hide = /\b(atob|unescape|decodeURIComponent)\s?\(\s?["'][A-Za-z0-9+\/=%]{12,400}["']\s?\)|String\.fromCharCode\s?\(\s?\d/
        $load = /createElement\s?\(\s?["']script["']\s?\)|new Function\s?\(|\beval\s?\(|new WebSocket/
    condition:
        filesize < 512KB and all of them
}

rule script_from_numbers {
    meta:
        author = "soc-tui"
        description = "Script that is put together from numbers or escapes and run"
        reference = "https://attack.mitre.org/techniques/T1027/"
        severity = "medium"
        confidence = "0.75"
        techniques = "T1059.007 T1027"
        tool = "malicious-file"
        licence = "Apache-2.0"
    strings:
        $a = /String\.fromCharCode\s?\(\s?(0x[0-9a-f]{2}|\d{2,3})(\s?,\s?(0x[0-9a-f]{2}|\d{2,3})){30}/ nocase
        $b = /\b(eval|document\.write(ln)?|Function)\s?\(\s?(unescape|decodeURIComponent|atob)\s?\(\s?["'][^"'\n]{60}/
        $run = /\beval\s?\(|document\.write(ln)?\s?\(|createElement\s?\(\s?["']script|new Function\s?\(|insertBefore\s?\(/
    condition:
        $b or ($a and $run)
}

rule hidden_frame_from_script {
    meta:
        author = "soc-tui"
        description = "Script that writes an invisible frame"
        reference = "https://attack.mitre.org/techniques/T1189/"
        severity = "high"
        confidence = "0.8"
        techniques = "T1189"
        tool = "malicious-file"
        licence = "Apache-2.0"
    strings:
        $a = /document\.write(ln)?\s?\(\s?(unescape\s?\(\s?)?["'](<|%3C|\\x3c|\\u003c)\s?iframe[^\n]{0,300}(width\s?(=|%3D)\s?(\\?["']|%22)?[01]\b|display\s?(:|%3A)\s?none|visibility\s?(:|%3A)\s?hidden|(left|top)\s?:\s?-\d{3})/ nocase
        $b = /document\.write(ln)?\s?\(\s?["']<\s?["']\s?\+\s?["']i?frame[^\n]{0,300}(width|display|visibility)/ nocase
    condition:
        any of them
}

rule fake_verification_command {
    meta:
        author = "soc-tui"
        description = "Page that puts a command into the clipboard and asks the visitor to run it"
        reference = "https://attack.mitre.org/techniques/T1204/004/"
        severity = "high"
        confidence = "0.85"
        techniques = "T1204.004"
        tool = "malicious-file"
        licence = "Apache-2.0"
    strings:
        $clip = /navigator\.clipboard\.writeText\s?\(|execCommand\s?\(\s?["']copy["']/
        $cmd = /powershell(\.exe)?\s[^\n]{0,60}(-w|-e|iex|irm|iwr|hidden)|mshta(\.exe)?\s{1,2}(https?:|["'])|msiexec\s[^\n]{0,30}https?:|(curl|wget)\s[^\n]{4,200}\|\s?(ba|z)?sh/ nocase
        $ask = /\bWin(dows( key)?)? ?\+ ?R\b|Windows (key|button)|not a robot|you are (a )?human|human verification|Ctrl ?\+ ?V\b/ nocase
    condition:
        all of them
}

rule browser_miner {
    meta:
        author = "soc-tui"
        description = "Page that mines cryptocurrency with its visitors"
        reference = "https://attack.mitre.org/techniques/T1496/001/"
        severity = "medium"
        confidence = "0.85"
        techniques = "T1496.001"
        tool = "malicious-file"
        licence = "Apache-2.0"
    strings:
        $a = /new\s{1,2}(CoinHive|CoinImp|Client|deepMiner|CryptoLoot|webmr|JSECoin)\s?\.?\s?(Anonymous|User|Init)?\s?\(\s?["'][A-Za-z0-9]{16,64}["']/
        $b = /(coinhive(\.min)?\.js|coinimp\.com|crypto-loot\.com|webminepool\.com|cryptonight\.wasm|deepMiner\.js|minero\.cc|coin-hive\.com)/ nocase
        $start = /\.start\s?\(/
    condition:
        $b and $start and $a or #b > 2
}

rule seo_spam_cloaking {
    meta:
        author = "soc-tui"
        description = "PHP that shows search engines other pages than people"
        reference = "https://attack.mitre.org/techniques/T1608/006/"
        severity = "medium"
        confidence = "0.75"
        techniques = "T1608.006"
        tool = "malicious-file"
        licence = "Apache-2.0"
    strings:
        $agent = "HTTP_USER_AGENT" nocase
        $bots = /(googlebot|bingbot|slurp|yandex|baidu)[^\n]{0,120}(googlebot|bingbot|slurp|yandex|baidu|msn|aol|yahoo)/ nocase
        $fetch = /(file_get_contents|curl_init|curl_setopt|fsockopen)\s{0,4}\(\s{0,4}(["']https?:|base64_decode|\$\w{1,20})/ nocase
        $show = /\becho\s{1,4}\$\w{1,20}\s?;\s{0,8}(exit|die)/ nocase
        $open = "<?"
    condition:
        filesize < 64KB and all of them
}
