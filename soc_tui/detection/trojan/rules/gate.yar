// Which files are worth a closer look: source that could do harm, not source that does. Never reported.
// Written for soc-tui; Apache-2.0.

rule server_source : gate {
    meta:
        author = "soc-tui"
        description = "PHP, JSP or ASP that runs code or commands, decodes hidden text, or calls what a variable names"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "info"
        confidence = "0"
        techniques = "T1505.003"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $decode = /[^>:\w$](base64_decode|gzinflate|gzuncompress|gzdecode|str_rot13|convert_uudecode|hex2bin|strrev|create_function)\s{0,4}\(/ nocase
        $sent = /\$_(GET|POST|REQUEST|COOKIE|FILES)\b|php:\/\/input|getallheaders\s?\(|\$_SERVER\s?\[\s?["']HTTP_/
        $called = /\$\w{1,40}\s?\(\s?@?\$_(GET|POST|REQUEST|COOKIE|SERVER)|\$_(GET|POST|REQUEST|COOKIE)\s?\[[^\]\n]{1,40}\]\s?\(|\$\$\w|\$\{["'$]|["'][^"'\s]{2,60}["']\s?\^\s?["']|\b(array_map|array_filter|array_walk|usort|uasort|uksort|call_user_func|call_user_func_array|register_shutdown_function|ob_start)\s?\(\s?\$/
        $run = /[^>:\w\\](eval|assert|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec)\s{0,4}\(\s{0,4}[^)\s]/ nocase
        $save = /[^>:\w](move_uploaded_file|file_put_contents|fwrite|fputs)\s{0,4}\(/ nocase
        $jsp = "<%"
        $tag = "<jsp:"
        $java = /getRuntime|ProcessBuilder|defineClass|ScriptEngine|FileOutputStream|RandomAccessFile|Class\.forName|ClassLoader/
        $asp = /\b(eval|execute|executeglobal)\b\s{0,4}\(?\s{0,4}[\w"]|wscript\.shell|scripting\.filesystemobject|adodb\.stream|shell\.application|ProcessStartInfo|Process\.Start|Assembly\.Load/ nocase
    condition:
        filesize < 2MB and (
            (php_page and (
                ($run and ($sent or $decode or $called)) or ($decode and $called) or ($sent and $called and $save)
                or (filesize < 4KB and ($run or ($sent and ($called or $save or $decode))))
            ))
            or (any of ($jsp, $tag) and any of ($java, $asp))
        )
}

rule page_script : gate {
    meta:
        author = "soc-tui"
        description = "JavaScript, alone or in a page, that runs decoded text or writes what the browser shall load"
        reference = "https://attack.mitre.org/techniques/T1059/007/"
        severity = "info"
        confidence = "0"
        techniques = "T1059.007"
        tool = "malicious-file"
        licence = "Apache-2.0"
    strings:
        $run = /[^.\w](eval|new Function|execScript)\s{0,2}\(\s{0,2}[^)\s]|document\.write(ln)?\s{0,2}\(\s{0,2}[a-z_$]|setTimeout\s{0,2}\(\s{0,2}["'`]/
        $decode = /[^.\w](unescape|atob)\s{0,2}\(|fromCharCode|charCodeAt/
        $object = /ActiveXObject|WScript\.|GetObject\s?\(|vbscript:/ nocase
        $names = /_0x[0-9a-f]{4,6}/
    condition:
        filesize < 2MB and not php_page and (($run and $decode) or $object or #names > 20)
}

rule runs_what_it_decodes : gate {
    meta:
        author = "soc-tui"
        description = "Source that runs or decodes something: obfuscation in it is worth measuring"
        reference = "https://attack.mitre.org/techniques/T1027/"
        severity = "info"
        confidence = "0"
        techniques = "T1027"
        tool = "malicious-file"
        licence = "Apache-2.0"
    strings:
        $decode = /[^>:\w$](base64_decode|gzinflate|gzuncompress|str_rot13|hex2bin|create_function)\s{0,4}\(/ nocase
        $script = /[^.\w](eval|unescape|atob|execScript)\s{0,2}\(|new Function\s?\(|document\.write|fromCharCode/
        $chr = /\bchr\s?\(\s?\d{1,3}\s?\)\s?\./ nocase
        $hex = /(\\x[46][1-9a-f]|\\x[57][0-9a]){6}/
        $names = /_0x[0-9a-f]{4,6}/
        $java = /defineClass|getRuntime|Base64/
        $asp = /\bexecute(global)?\b\s{0,4}\(?\s{0,4}[\w"]/ nocase
        $jsp = "<%"
    condition:
        filesize < 4MB and (php_runs or $decode or $script or $chr or $hex or #names > 20 or ($jsp and ($java or $asp)))
}

rule markup_to_read : gate {
    meta:
        author = "soc-tui"
        description = "A page with frames, scripts of other sites, or invisible blocks"
        reference = "https://attack.mitre.org/techniques/T1189/"
        severity = "info"
        confidence = "0"
        techniques = "T1189"
        tool = "malicious-file"
        licence = "Apache-2.0"
    strings:
        $frame = "<iframe" nocase
        $script = /<script[^>]{0,200}src\s{0,4}=\s{0,4}\\?["']?\s{0,4}(https?:|data:|\/\/)/ nocase
        $unseen = /style\s{0,4}=\s{0,4}\\?["'][^"'>]{0,200}(display\s{0,4}:\s{0,4}none|visibility\s{0,4}:\s{0,4}hidden|(left|top|text-indent)\s{0,4}:\s{0,4}-\d{3})/ nocase
    condition:
        filesize < 4MB and any of them
}
