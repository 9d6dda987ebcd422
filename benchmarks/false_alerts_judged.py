JUDGED: tuple[tuple[str, str, str, str, str], ...] = ()
