"""A process that claims one tap when told to: `python -m tests.integration.claimant HOME`.

It reads one JSON line with the tap, says that it is ready, waits for a second line, claims, and
prints what became of it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from host.bolt11 import Network, decode
from host.clock import SystemClock
from host.config import DATABASE_NAME
from host.keyring import FILE_NAME, Keyring, load
from host.ledger import claims, sales, taps
from host.ledger.claims import Claimed, ClaimRequest, Source
from host.ledger.codes import Refused
from host.ntag424.sun import parse_params
from host.store.engine import Engine


def claim(db: Engine, keyring: Keyring, task: dict[str, Any]) -> Claimed | Refused:
    """Verify and claim a tap, for a sale or for an invoice, as till and service do."""
    tap = taps.verify(db, keyring.issuers, parse_params(task["p"], task["c"]))
    if isinstance(tap, Refused):
        return tap
    if (sale_id := task.get("sale_id")) is not None:
        sale = sales.get(db, sale_id)
        amount = sale.amount_msat if sale else 0
        return claims.claim(db, ClaimRequest(tap, amount, Source.TILL, sale_id=sale_id))
    invoice = decode(task["invoice"])
    request = ClaimRequest(
        tap, invoice.amount_msat or 0, Source.LNURL, invoice=invoice, network=Network.REGTEST
    )
    return claims.claim(db, request)


def told(result: Claimed | Refused) -> dict[str, Any]:
    """An outcome as JSON."""
    if isinstance(result, Refused):
        return {"code": result.code}
    return {"payout": result.payout.payout_id, "joined": result.joined}


def main(home: Path) -> None:
    task = json.loads(sys.stdin.readline())
    db = Engine.open(home / DATABASE_NAME, SystemClock())
    keyring = load(home / FILE_NAME)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(told(claim(db, keyring, task))), flush=True)
    db.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
