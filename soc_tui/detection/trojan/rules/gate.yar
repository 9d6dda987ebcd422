// What is worth the time of the code network: source that could do harm, not source that does. Never reported.

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
        $php = /<\?(php|=|\s)/ nocase
        $run = /[^>:\w\\$](eval|assert|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|create_function)\s{0,4}\(\s{0,4}[^)\s]/ nocase
        $decode = /[^>:\w$](base64_decode|gzinflate|gzuncompress|gzdecode|str_rot13|convert_uudecode|hex2bin|strrev)\s{0,4}\(/ nocase
        $sent = /\$_(GET|POST|REQUEST|COOKIE|FILES)\b|php:\/\/input|getallheaders\s?\(|\$_SERVER\s?\[\s?["']HTTP_/
        $called = /\$\w{1,40}\s?\(\s?@?\$_(GET|POST|REQUEST|COOKIE|SERVER)|\$_(GET|POST|REQUEST|COOKIE)\s?\[[^\]\n]{1,40}\]\s?\(|\$\$\w|\$\{["'$]|["']\s?\^\s?["']|\b(array_map|array_filter|array_walk|usort|uasort|uksort|call_user_func|call_user_func_array|register_shutdown_function|ob_start)\s?\(\s?\$/
        $save = /[^>:\w](move_uploaded_file|file_put_contents|fwrite|fputs)\s{0,4}\(/ nocase
        $jsp = "<%"
        $tag = "<jsp:"
        $java = /getRuntime|ProcessBuilder|defineClass|ScriptEngine|FileOutputStream|RandomAccessFile|\.invoke\s?\(|Class\.forName|ClassLoader/
        $asp = /\b(eval|execute|executeglobal)\b\s{0,4}\(?\s{0,4}[\w"]|wscript\.shell|scripting\.filesystemobject|adodb\.stream|shell\.application|ProcessStartInfo|Process\.Start|Assembly\.Load|jscript/ nocase
    condition:
        filesize < 2MB and (
            ($php and (
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
        $frame = /<iframe[^>]{0,300}(width=["']?[01]\b|height=["']?[01]\b|display:\s?none|visibility:\s?hidden)/ nocase
        $names = /_0x[0-9a-f]{4,6}/
    condition:
        filesize < 2MB and uint32(0) != 0x464c457f and (($run and $decode) or $object or $frame or #names > 20)
}
