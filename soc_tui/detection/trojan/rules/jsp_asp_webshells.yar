// Web shells in JSP, ASP and ASP.NET.
// Written for soc-tui; Apache-2.0. Each rule has a true sample in the tests and is silent on the trees of docs/tools/files.md.

rule jsp_command_of_request {
    meta:
        author = "soc-tui"
        description = "JSP runs what a request sends as a command"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "critical"
        confidence = "0.95"
        techniques = "T1505.003 T1059"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /getRuntime\s{0,4}\(\s{0,4}\)\s{0,4}\.\s{0,4}exec\s{0,4}\([^;\n]{0,80}request\s?\.\s?getParameter/
        $b = /new\s{1,4}ProcessBuilder\s{0,4}\([^;\n]{0,80}request\s?\.\s?getParameter/
        $run = /getRuntime\s{0,4}\(\s{0,4}\)\s{0,4}\.\s{0,4}exec\s{0,4}\(|new\s{1,4}ProcessBuilder\s{0,4}\(/
        $get = /request\s?\.\s?get(Parameter|Header|QueryString|InputStream|Reader)\s?\(/
        $page = "<%"
    condition:
        $page and ($a or $b or ($run and $get and filesize < 200KB))
}

rule jsp_loads_sent_class {
    meta:
        author = "soc-tui"
        description = "JSP that loads a class which a request sends"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "critical"
        confidence = "0.95"
        techniques = "T1505.003 T1620"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $def = /\bdefineClass\b/
        $loader = "ClassLoader"
        $get = /request\s?\.\s?get(Parameter|Reader|InputStream|Header)\s?\(|pageContext/
        $script = /ScriptEngineManager\s?\(\s?\)\s?\.\s?getEngineByName[^;\n]{0,60}\.\s?eval\s?\(\s?request/
        $page = /<%|<jsp:/
    condition:
        $page and ($script or ($def and $loader and $get))
}

rule jsp_writes_sent_file {
    meta:
        author = "soc-tui"
        description = "JSP that writes what a request sends to a path that it sends"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "high"
        confidence = "0.8"
        techniques = "T1505.003 T1105"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /new\s{1,4}(java\.io\.)?(FileOutputStream|FileWriter|RandomAccessFile)\s{0,4}\([^;\n]{0,100}request\s?\.\s?getParameter/
        $page = "<%"
    condition:
        all of them
}

rule asp_eval_of_request {
    meta:
        author = "soc-tui"
        description = "ASP runs what a request sends as code"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "critical"
        confidence = "0.96"
        techniques = "T1505.003 T1059.005"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /\b(eval|execute|executeglobal)\s{0,4}\(?\s{0,4}request\s{0,4}[(.\[]/ nocase
        $b = /\b(eval|execute|executeglobal)\s{0,4}\(\s{0,4}(unescape|decode\w{0,12}|strreverse|replace|base64\w{0,12})\s{0,4}\(\s{0,4}request/ nocase
        $page = /<%|runat\s?=\s?["']?server/ nocase
    condition:
        $page and any of ($a, $b)
}

rule asp_shell_of_request {
    meta:
        author = "soc-tui"
        description = "ASP page that starts programs for a request"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "high"
        confidence = "0.85"
        techniques = "T1505.003 T1059.003"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $a = /createobject\s{0,4}\(\s{0,4}["']\s?(wscript\.shell|shell\.application)/ nocase
        $b = /\.(exec|run|shellexecute)\s{0,4}\(?[^\n]{0,80}(cmd|request|%comspec%)/ nocase
        $c = /request\s{0,4}(\.\s?(form|querystring|item)|\()/ nocase
        $page = "<%"
    condition:
        $page at 0 and all of them
}

rule aspx_runs_request {
    meta:
        author = "soc-tui"
        description = "ASP.NET page that runs commands or code for a request"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        severity = "critical"
        confidence = "0.9"
        techniques = "T1505.003 T1059.003"
        tool = "trojan"
        licence = "Apache-2.0"
    strings:
        $proc = /ProcessStartInfo|Process\.Start\s?\(/
        $cmd = /cmd(\.exe)?["' ]|\/c /
        $load = /Assembly\s?\.\s?Load\s?\(/
        $get = /\bRequest\s?(\.\s?(Form|QueryString|Params|Item|Headers|Cookies|BinaryRead|InputStream)|\[)/
        $crypt = /RijndaelManaged|CreateDecryptor|FromBase64String/
        $page = /<%@\s?(Page|WebHandler|WebService|Language)/ nocase
    condition:
        $page and $get and (($proc and $cmd) or ($load and $crypt))
}
