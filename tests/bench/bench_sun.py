"""The check of a SUN message, from the text of `p` and `c` to the verdict."""

from __future__ import annotations

from host.ntag424 import keys, sun
from host.ntag424.values import Key, Uid
from tests.bench.report import Report, timed

ISSUER = Key(bytes(range(16)))
UID = Uid.parse("04996c6a926980")


def run(report: Report) -> None:
    """Print the check with K2 at hand, and with K2 derived."""
    report.title("SUN check, text to verdict")
    k1, k2 = keys.k1(ISSUER), keys.k2(ISSUER, UID, 1)
    message = sun.build(k1, k2, UID, 7)
    p, c = message.p.hex(), message.c.hex()

    def check(derive: bool) -> bool:
        parsed = sun.parse_params(p, c)
        picc = sun.decrypt(k1, parsed.p)
        assert picc is not None
        return sun.verify(keys.k2(ISSUER, picc.uid, 1) if derive else k2, picc, parsed.c)

    assert check(True)
    report.spread("SUN check, K2 known", timed(lambda: check(False), 20_000))
    report.spread("SUN check, K2 derived", timed(lambda: check(True), 20_000))
