"""Database vulnerability verification: PostgreSQL, MySQL/MariaDB, Redis and what speaks MongoDB's protocol.

Read-only, and only on services that ``scan.databases`` lists. What is tried, asked and judged is data in ``checks/``.

**Why clients of our own.** The drivers were weighed: pg8000 (BSD, with scramp and asn1crypto), psycopg (LGPL, libpq),
PyMySQL (MIT), redis (MIT), pymongo (Apache-2.0, compiled, with dnspython). They are made for servers that are trusted,
and this tool goes to servers that may be somebody else's by now: pg8000 and PyMySQL answer a request for the clear
password on any link, none bounds how long a whole answer may take or how large it may be, and none tells what it saw
before signing in failed (the answer to SSLRequest, the kind of authentication, the greeting), which is half of what is
looked for. What is needed of each protocol is signing in and a few SELECTs: 150 to 240 lines over one bounded
:class:`~soc_tui.detection.database.channel.Channel`, and no new dependency.
"""

from soc_tui.detection.database.tool import DatabaseTool

__all__ = ["DatabaseTool"]
