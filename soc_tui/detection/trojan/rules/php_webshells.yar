// PHP web shells, droppers and what makes a server run them.
// Written for soc-tui; Apache-2.0. Each rule has a true sample in the tests and is silent on the trees of docs/tools/files.md.

rule php_eval_of_request {
    meta:
        author = "soc-tui"
        description = "PHP runs what a request sends as code"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "critical"
        confidence = "0.97"
        techniques = "T1505.003 T1059"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /\b(eval|assert)\s{0,8}\(\s{0,8}@?(\(string\)\s?)?(stripslashes|trim|base64_decode|rawurldecode|urldecode|gzinflate|str_rot13|hex2bin|strrev)?\s{0,4}\(?\s{0,4}(base64_decode\s?\()?@?\$_(GET|POST|REQUEST|COOKIE|SERVER)\b/ nocase
        $b = /\b(eval|assert)\s{0,8}\(\s{0,8}(file_get_contents|stream_get_contents)\s{0,4}\(\s{0,4}["']php:\/\/input/ nocase
        $c = /\bpreg_replace\s{0,4}\(\s{0,4}["'](.)[^"'\n]{0,80}[\/#~|@!][imsxuADSUXJ]{0,4}e[imsxuADSUXJ]{0,4}["']\s{0,4},\s{0,4}@?\$_(GET|POST|REQUEST|COOKIE)/ nocase
        $d = /\bcreate_function\s{0,4}\([^,\n]{0,40},\s{0,4}(base64_decode\s?\(|gzinflate\s?\(|stripslashes\s?\()*\s?@?\$_(GET|POST|REQUEST|COOKIE)/ nocase
    condition:
        any of them
}

rule php_command_of_request {
    meta:
        author = "soc-tui"
        description = "PHP runs what a request sends as a command"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "critical"
        confidence = "0.96"
        techniques = "T1505.003 T1059"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /\b(system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec)\s{0,8}\(\s{0,8}["']?@?(stripslashes|trim|base64_decode|urldecode|hex2bin|str_rot13|strrev)?\s{0,4}\(?\s{0,4}\{?@?\$_(GET|POST|REQUEST|COOKIE|SERVER)\b/ nocase
        $b = /=\s{0,4}`[^`\n]{0,64}\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
    condition:
        any of them
}

rule php_function_of_request {
    meta:
        author = "soc-tui"
        description = "PHP calls a function whose name a request sends"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "critical"
        confidence = "0.93"
        techniques = "T1505.003"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /\$_(GET|POST|REQUEST|COOKIE|SERVER)\s{0,2}\[[^\]\n]{1,40}\]\s{0,4}\(\s{0,4}[@\$"'a-z]/ nocase
        $b = /\b(array_map|call_user_func|call_user_func_array|register_shutdown_function|ob_start)\s{0,4}\(\s{0,4}@?\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $e = /\b(array_filter|array_walk|usort|uasort|uksort|preg_replace_callback|iterator_apply)\s{0,4}\([^,;\n]{1,120},\s{0,4}@?\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $c = /\bnew\s{1,4}Reflection(Function|Method)\s{0,4}\(\s{0,4}\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
    condition:
        any of them
}

rule php_xor_words {
    meta:
        author = "soc-tui"
        description = "PHP builds its words by XOR of strings"
        reference = "https://attack.mitre.org/techniques/T1027/"
        severity = "high"
        confidence = "0.85"
        techniques = "T1505.003 T1027"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /["'][^"'\s]{2,60}["']\s?\^\s?["'][^"'\s]{2,60}["']/
        $b = /\(\s?["'][^"'\s]{2,60}["']\s?\^\s?["'][^"'\s]{2,60}["']\s?\)\s?\(/
    condition:
        php_page and ($b or #a >= 2)
}

rule php_decoded_code {
    meta:
        author = "soc-tui"
        description = "PHP decodes hidden code and runs it"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        severity = "high"
        confidence = "0.9"
        techniques = "T1505.003 T1027.010 T1140"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /\b(eval|assert)\s{0,8}\(\s{0,8}@?["'?>.\s]{0,10}(gzinflate|gzuncompress|gzdecode|str_rot13|base64_decode|strrev|convert_uudecode|rawurldecode|hex2bin|bzdecompress)\s{0,4}\(\s{0,4}(@?(gzinflate|gzuncompress|gzdecode|str_rot13|base64_decode|strrev|convert_uudecode|rawurldecode|hex2bin|bzdecompress)\s?\(|["'][A-Za-z0-9+\/=%\\]{24}|\$)/ nocase
        $b = /\bpreg_replace\s{0,4}\(\s{0,4}["'][^"'\n]{0,80}[\/#~|@!][imsxuADSUXJ]{0,4}e[imsxuADSUXJ]{0,4}["']\s{0,4},\s{0,4}["'](\\x65|e)(\\x76|v)(\\x61|a)(\\x6c|l)/ nocase
        $c = /\bcreate_function\s{0,4}\([^,\n]{0,40},\s{0,4}(gzinflate|base64_decode|str_rot13|strrev)\s{0,4}\(/ nocase
    condition:
        php_page and any of ($a, $b, $c)
}

rule php_spelled_function_name {
    meta:
        author = "soc-tui"
        description = "PHP puts the name of a dangerous function together from pieces"
        reference = "https://attack.mitre.org/techniques/T1027/"
        severity = "high"
        confidence = "0.85"
        techniques = "T1505.003 T1027"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /["'](as["']\s?\.\s?["']sert|ass["']\s?\.\s?["']ert|asse["']\s?\.\s?["']rt|e["']\s?\.\s?["']val|ev["']\s?\.\s?["']al|sys["']\s?\.\s?["']tem|sy["']\s?\.\s?["']stem|shell_["']\s?\.\s?["']exec|pass["']\s?\.\s?["']thru)["']/ nocase
        $b = /["']((ba["']\s?\.\s?["']se64|base["']\s?\.\s?["']64|base6["']\s?\.\s?["']4)_?(["']\s?\.\s?["'])?_?(d|de["']\s?\.\s?["']c|dec["']\s?\.\s?["'])o?(["']\s?\.\s?["'])?(ode|de|ecode)|base64_["']\s?\.\s?["']decode|create_["']\s?\.\s?["']function|gzin["']\s?\.\s?["']flate|str_["']\s?\.\s?["']rot13)["']/ nocase
        $c = /\\x65\\x76\\x61\\x6c|\\x61\\x73\\x73\\x65\\x72\\x74|\\x73\\x79\\x73\\x74\\x65\\x6d|\\x62\\x61\\x73\\x65\\x36\\x34\\x5f\\x64|\\x67\\x7a\\x69\\x6e\\x66\\x6c/ nocase
        $d = /\bstrrev\s{0,4}\(\s{0,4}["'](tressa|lave|metsys|cexe_llehs|urhtssap|edoced_46esab|etalfnizg|noitcnuf_etaerc)["']/ nocase
    condition:
        php_page and any of ($a, $b, $c, $d)
}

rule php_indexed_alphabet {
    meta:
        author = "soc-tui"
        description = "PHP builds its words from the letters of one string"
        reference = "https://attack.mitre.org/techniques/T1027/"
        severity = "high"
        confidence = "0.8"
        techniques = "T1505.003 T1027"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /(\$\w{1,20}|\$GLOBALS\[["'][^"'\n]{1,30}["']\])(\[|\{)\d{2,3}(\]|\})\s?\.\s?(\$\w{1,20}|\$GLOBALS\[["'][^"'\n]{1,30}["']\])(\[|\{)\d{1,3}(\]|\})\s?\.\s?(\$\w{1,20}|\$GLOBALS\[["'][^"'\n]{1,30}["']\])(\[|\{)\d{1,3}(\]|\})/
        $b = /chr\(\d{1,3}\)\s?\.\s?chr\(\d{1,3}\)\s?\.\s?chr\(\d{1,3}\)\s?\.\s?chr\(\d{1,3}\)\s?\.\s?chr\(\d{1,3}\)/ nocase
    condition:
        php_page and (#a >= 4 or #b >= 2)
}

rule php_known_webshell {
    meta:
        author = "soc-tui"
        description = "A web shell that bears its name"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "critical"
        confidence = "0.95"
        techniques = "T1505.003"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a1 = "c99sh" nocase
        $a2 = "r57shell" nocase
        $a3 = "b374k"
        $a4 = "FilesMan"
        $a5 = "IndoXploit" nocase
        $a6 = "AnonymousFox" nocase
        $a7 = /alfa (team )?shell/ nocase
        $a8 = "p0wny@shell"
        $a9 = /\bWSO [2-5]\.\d/
        $aa = "weevely" nocase
        $ab = "Mini Shell By" nocase
        $ac = "Gecko Shell" nocase
        $ad = "Marijuana Shell" nocase
        $b = /\b(php_uname|posix_getpwuid|disk_free_space|getcwd|gethostname|get_current_user)\s{0,4}\(/ nocase
    condition:
        php_runs and any of ($a*) and $b
}

rule php_file_console {
    meta:
        author = "soc-tui"
        description = "PHP page that runs commands, browses and uploads: the tools of a web shell"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "high"
        confidence = "0.75"
        techniques = "T1505.003 T1083 T1105"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $up = "move_uploaded_file" nocase
        $dir = /\b(scandir|opendir|glob)\s{0,4}\(/ nocase
        $del = /\b(unlink|rmdir)\s{0,4}\(/ nocase
        $uname = "php_uname" nocase
        $mode = /\b(fileperms|chmod|posix_getpwuid)\s{0,4}\(/ nocase
        $silent = /(error_reporting|set_time_limit|ini_set)\s{0,4}\(/ nocase
        $open = "<?"
    condition:
        filesize < 400KB and $open at 0 and php_runs and $up and $dir and $del and $uname and $mode and $silent
}

rule php_uploader {
    meta:
        author = "soc-tui"
        description = "PHP that stores whatever is sent under the name that is sent"
        reference = "https://cwe.mitre.org/data/definitions/434.html"
        severity = "high"
        confidence = "0.7"
        techniques = "T1505.003 T1105"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /\b(move_uploaded_file|copy)\s{0,4}\(\s{0,4}\$_FILES\s?\[[^\]\n]{1,30}\]\s?\[["']tmp_name["']\]\s{0,4},\s{0,4}[^;\n]{0,60}\$_FILES\s?\[[^\]\n]{1,30}\]\s?\[["']name["']\]/ nocase
        $form = "multipart/form-data" nocase
    condition:
        filesize < 6KB and all of them
}

rule php_dropper {
    meta:
        author = "soc-tui"
        description = "PHP that writes another script from hidden or fetched content"
        reference = "https://attack.mitre.org/techniques/T1105/"
        severity = "high"
        confidence = "0.8"
        techniques = "T1105 T1505.003"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /\b(file_put_contents|fwrite|fputs)\s{0,4}\([^;\n]{1,120}(\.(php\d?|phtml|phar)["']\s{0,4},\s{0,4})(base64_decode|file_get_contents|gzinflate|hex2bin|curl_exec)\s{0,4}\(/ nocase
        $b = /\bcopy\s{0,4}\(\s{0,4}["']https?:\/\/[^"'\n]{4,200}["']\s{0,4},\s{0,4}["'][^"'\n]{1,120}\.(php\d?|phtml|phar)["']/ nocase
        $c = /\beval\s{0,4}\(\s{0,4}["'?>.\s]{0,10}(file_get_contents|curl_exec)\s{0,4}\(\s{0,4}["']https?:/ nocase
        $composer = "getcomposer.org/installer"
    condition:
        $a or $c or ($b and not $composer)
}

rule php_include_of_image {
    meta:
        author = "soc-tui"
        description = "PHP that includes an image or a name in escapes: code hidden in another file"
        reference = "https://attack.mitre.org/techniques/T1036/008/"
        severity = "high"
        confidence = "0.8"
        techniques = "T1505.003 T1036.008"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /@?\b(include|require)(_once)?\s{0,4}\(?\s{0,4}["'][^"'\n]{1,160}\.(ico|png|jpe?g|gif|bmp|txt|log)["']/ nocase
        $b = /@\s?(include|require)(_once)?\s{0,4}\(?\s{0,4}["'](\\x[0-9a-f]{2}|\\[0-7]{2,3}|\/\w?){0,3}(\\x[0-9a-f]{2}|\\[0-7]{2,3})[^"'\n]{8,200}["']/ nocase
    condition:
        php_page and ($b or ($a and filesize < 20KB))
}

rule php_in_image {
    meta:
        author = "soc-tui"
        description = "An image that carries PHP"
        reference = "https://attack.mitre.org/techniques/T1027/009/"
        severity = "high"
        confidence = "0.9"
        techniques = "T1505.003 T1027.009"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $php = /<\?(php\s|=)/ nocase
        $sent = /\$_(GET|POST|REQUEST|COOKIE)\b|base64_decode\s?\(/
    condition:
        $php and ($sent or php_runs) and (uint32(0) == 0x38464947 or uint16(0) == 0xd8ff or uint32(0) == 0x474e5089 or uint16(0) == 0x4d42 or uint32(0) == 0x00010000)
}

rule server_runs_images {
    meta:
        author = "soc-tui"
        description = "Server configuration that makes the server run other files as code"
        reference = "https://httpd.apache.org/docs/2.4/mod/mod_mime.html"
        severity = "high"
        confidence = "0.85"
        techniques = "T1505.003"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /^[ \t]{0,8}(AddType|AddHandler)[ \t]{1,8}(application\/x-httpd-php|php\d?-script|application\/x-httpd-php\d)\S{0,8}[ \t]{1,8}[^\n]{0,40}\.?(jpe?g|png|gif|ico|txt|css|pdf|svg)\b/ nocase
        $b = /\n[ \t]{0,8}(AddType|AddHandler)[ \t]{1,8}(application\/x-httpd-php|php\d?-script)\S{0,8}[ \t]{1,8}[^\n]{0,40}\.?(jpe?g|png|gif|ico|txt|css|pdf|svg)\b/ nocase
        $c = /auto_(prepend|append)_file[ \t=]{1,8}["']?[^\n"']{0,160}(\/tmp\/|\/uploads\/|\/dev\/shm\/|\.(jpe?g|png|gif|ico)|data:|php:\/\/input|https?:)/ nocase
    condition:
        filesize < 64KB and any of them
}
