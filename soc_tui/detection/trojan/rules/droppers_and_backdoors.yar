// Reverse shells, droppers, planted keys and stealers of credentials in scripts and jobs.
// Written for soc-tui; Apache-2.0. Each rule has a true sample in the tests and is silent on the trees of docs/tools/files.md.

rule reverse_shell_bash {
    meta:
        author = "soc-tui"
        description = "Shell that connects out through /dev/tcp"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        severity = "high"
        confidence = "0.9"
        techniques = "T1059.004 T1571"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /\b(ba|z|k|da)?sh\s{1,4}-i\s{0,4}[0-9]?[>&|<]{1,3}\s{0,4}[^\n]{0,20}\/dev\/(tcp|udp)\/[\w.$:{}-]{3,80}\/[\d$]/
        $b = /exec\s{1,4}\d{1,3}<>\s{0,2}\/dev\/(tcp|udp)\/[\w.$:{}-]{3,80}\/[\d$][^\n]{0,60}(sh|bash|cat)\s/
    condition:
        any of them
}

rule reverse_shell_netcat {
    meta:
        author = "soc-tui"
        description = "Shell handed to netcat or a FIFO"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        severity = "high"
        confidence = "0.85"
        techniques = "T1059.004 T1571"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /\b(nc|ncat|netcat)(\.traditional|\.openbsd)?\s[^\n|]{0,60}-[a-z]{0,4}[ec]\s{0,2}["']?\/bin\/(ba|da|z)?sh/
        $b = /mkfifo\s{1,4}(\/tmp|\/var\/tmp|\/dev\/shm)\/[^\s;|]{1,30}\s{0,4}[;&]{1,2}[^\n]{0,120}sh\s{1,2}-i[^\n]{0,40}\|\s{0,2}(nc|ncat|netcat|telnet|openssl)\b/
        $c = /socat\s[^\n]{0,80}exec:["']?[^\n]{0,40}(ba|da|z)?sh[^\n]{0,60}tcp/ nocase
    condition:
        any of them
}

rule reverse_shell_script {
    meta:
        author = "soc-tui"
        description = "Script that binds a socket to a shell"
        reference = "https://attack.mitre.org/techniques/T1059/006/"
        severity = "high"
        confidence = "0.85"
        techniques = "T1059.006 T1571"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $py = /socket\.socket\s?\([^\n]{0,400}os\.dup2\s?\(\s?\w{1,10}\.fileno\s?\(\s?\)[^\n]{0,300}(\/bin\/(ba|da|z)?sh|pty\.spawn)/
        $perl = /use Socket;[^\n]{0,300}open\s?\(\s?STDIN\s?,\s?["']>&\s?S["']\s?\)[^\n]{0,200}exec\s?\(?\s?["']\/bin\/(ba)?sh/
        $ruby = /TCPSocket\.(new|open)\s?\([^\n]{0,120}\bexec[^\n]{0,60}\/bin\/(ba)?sh[^\n]{0,30}<&/
        $php = /fsockopen\s?\([^\n;]{3,80}\)\s?;\s?(exec|shell_exec|system|passthru|popen|proc_open)\s?\(\s?["'`]\/bin\/(ba)?sh/
        $node = /require\s?\(\s?["']child_process["']\s?\)[^\n]{0,300}net\.(Socket|connect|createConnection)[^\n]{0,300}(\/bin\/(ba)?sh|cmd\.exe)[^\n]{0,400}\.pipe\s?\(/
        $back = /proc_open\s?\(\s?\$\w{1,20}\s?,[^\n]{0,80}\)[^\x00]{0,2000}stream_select\s?\([^\x00]{0,2000}fwrite\s?\(\s?\$(sock|pipes)/
    condition:
        any of them
}

rule cron_download_and_run {
    meta:
        author = "soc-tui"
        description = "Scheduled job that downloads and runs"
        reference = "https://attack.mitre.org/techniques/T1053/003/"
        severity = "high"
        confidence = "0.85"
        techniques = "T1053.003 T1105"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /(^|\n|["'])(@reboot|@hourly|@daily|[*\d][*\d,\/-]{0,12}([ \t]{1,4}[*\d][*\d,\/-]{0,12}){4})[ \t]{1,4}[^\n]{0,120}(curl|wget|fetch|lwp-download)\s[^\n|]{4,240}\|\s{0,4}(sudo\s)?(ba|da|z)?sh\b/
        $b = /(^|\n|["'])(@reboot|[*\d][*\d,\/-]{0,12}([ \t]{1,4}[*\d][*\d,\/-]{0,12}){4})[ \t]{1,4}[^\n]{0,80}(\/tmp|\/var\/tmp|\/dev\/shm)\/\.[^\s\/]{1,40}/
    condition:
        filesize < 256KB and any of them
}

rule shell_dropper {
    meta:
        author = "soc-tui"
        description = "Script that fetches a program into a temporary folder, makes it executable and starts it"
        reference = "https://attack.mitre.org/techniques/T1105/"
        severity = "high"
        confidence = "0.85"
        techniques = "T1105 T1059.004"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $cd = /cd\s{1,4}(\/tmp|\/var\/tmp|\/dev\/shm|\/var\/run|\/mnt|\/root)\b/
        $get = /\b(wget|curl|tftp|ftpget)\s[^\n;|]{0,120}(https?:\/\/|ftp:\/\/|-r\s|-g\s|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})/
        $mode = /chmod\s{1,4}(0?[0-7]?77[0-7]|\+x|a\+x|u\+x)\s[^\n;&|]{1,60}[\n;&|]{1,2}\s{0,4}(\.?\/|sh\s|nohup\s)/
        $gone = /rm\s{1,4}-r?f{1,2}r?\s/
    condition:
        filesize < 32KB and uint32(0) != 0x464c457f and all of them
}

rule encoded_command_pipe {
    meta:
        author = "soc-tui"
        description = "Encoded text that is decoded and run by a shell"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        severity = "medium"
        confidence = "0.7"
        techniques = "T1027.010 T1059.004"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /echo\s{1,4}(-n\s)?["']?[A-Za-z0-9+\/]{60,4000}={0,2}["']?\s{0,4}\|\s{0,4}(base64\s{1,2}(-d|--decode|-D)|openssl\s{1,2}(enc\s)?-?base64\s{1,2}-d)\s{0,4}\|\s{0,4}(sudo\s)?(ba|da|z)?sh\b/
        $b = /exec\s?\(\s?(__import__\s?\(\s?["'](zlib|base64|marshal)["']\s?\)\s?\.\s?\w{3,12}\s?\(\s?){1,3}/
        $c = /powershell(\.exe)?\s[^\n]{0,80}-e(nc|ncodedcommand|c)?\s{1,2}[A-Za-z0-9+\/]{80}/ nocase
    condition:
        any of them
}

rule ssh_key_planted {
    meta:
        author = "soc-tui"
        description = "Script that adds a key to authorized_keys and hides it"
        reference = "https://attack.mitre.org/techniques/T1098/004/"
        severity = "high"
        confidence = "0.8"
        techniques = "T1098.004"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /echo\s{1,4}["']?(ssh-(rsa|ed25519|dss)|ecdsa-\S{4,30})\s[^\n|;]{20,1000}>>\s?[^\n]{0,60}authorized_keys/
        $b = "chattr +"
        $d = "chattr -"
        $c = /(curl|wget)\s[^\n]{4,200}(\||>)/
    condition:
        filesize < 256KB and $a and any of ($b, $c, $d)
}

rule credentials_to_telegram {
    meta:
        author = "soc-tui"
        description = "Page that sends what visitors type to a messenger"
        reference = "https://attack.mitre.org/techniques/T1056/003/"
        severity = "high"
        confidence = "0.8"
        techniques = "T1056.003 T1567"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $bot = "api.telegram.org/bot"
        $hook = "discord.com/api/webhooks/"
        $hook2 = "discordapp.com/api/webhooks/"
        $post = /\$_(POST|REQUEST)\s?\[\s?["'][^"'\n]{0,20}(pass|pwd|pin|otp|cvv|ccnum|card|login)[^"'\n]{0,20}["']\s?\]/ nocase
        $ip = /REMOTE_ADDR|HTTP_X_FORWARDED_FOR|HTTP_CLIENT_IP/
    condition:
        any of ($bot, $hook*) and $post and $ip
}

rule credentials_by_mail {
    meta:
        author = "soc-tui"
        description = "Page that mails what visitors type as password"
        reference = "https://attack.mitre.org/techniques/T1056/003/"
        severity = "medium"
        confidence = "0.7"
        techniques = "T1056.003"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $mail = /\bmail\s{0,4}\(\s{0,4}\$\w{1,20}\s?,/ nocase
        $pass = /\.\s?\$_POST\s?\[\s?["'](pass|password|passwd|pwd|pin|cvv)["']\s?\]/ nocase
        $w1 = "ReZult"
        $w2 = "FULLZ"
        $w3 = "Logz"
        $w4 = "Victim Info"
        $w5 = "Spam Result"
        $w6 = "Hacked By"
        $w7 = "VICTIM"
        $send = /header\s{0,4}\(\s{0,4}["']Location:/ nocase
    condition:
        filesize < 64KB and $mail and $pass and $send and any of ($w*)
}
