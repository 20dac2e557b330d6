"""What happened to one card: its jobs at the desk and its events in the ledger, newest first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from host.ledger.records import Card
from host.ntag424.values import Uid
from host.store.tx import Place, Tx
from provisioning import journal
from provisioning.journal import Job, JobState
from provisioning.plan import Use
from provisioning.trouble import TroubleCode

LOOK_BACK: Final = 100_000
"""How many of the newest events are looked through; the jobs are all kept."""
LIMIT: Final = 50

_USES: Final = {
    Use.PROGRAM: "Programmed",
    Use.REKEY: "Given new keys",
    Use.WIPE: "Wiped",
}
_STATES: Final = {
    JobState.OPEN: "begun, not finished",
    JobState.DONE: "",
    JobState.REPLACED: "begun, then replaced by another job",
    JobState.ABANDONED: "ended before anything was written",
}
_CHANGES: Final = {
    "register": "Taken into the books",
    "rekey": "New keys in the books",
    "active": "Unblocked",
    "frozen": "Blocked",
    "wiped": "Wiped in the books",
    "rename": "Renamed",
    "limits": "Limits changed",
    "pin": "PIN changed",
}
_EVENTS: Final = """
    SELECT at, data FROM events
    WHERE event_id > (SELECT max(event_id) FROM events) - :back
    AND subject = :card_id AND kind = 'card.changed' ORDER BY event_id DESC LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened to a card, in words; `at` is UTC epoch ms."""

    at: int
    says: str
    more: str = ""


def of(db: Place, card: Card) -> list[Happened]:
    """Everything that is known about a card's life."""
    jobs = journal.history(db, Uid.parse(card.uid), LIMIT) if len(card.uid) == 14 else []

    def look(tx: Tx) -> list[Happened]:
        found = {"back": LOOK_BACK, "card_id": card.card_id, "limit": LIMIT}
        return [_event(row[0], json.loads(row[1])) for row in tx.all(_EVENTS, found)]

    both = [*map(_job, jobs), *db.read(look)]
    return sorted(both, key=lambda one: one.at, reverse=True)[:LIMIT]


def _job(job: Job) -> Happened:
    facts = [_STATES[job.state]]
    if job.trouble is not None and job.state is JobState.OPEN:
        facts.append(TroubleCode(job.trouble).words.says)
    if job.taps:
        facts.append(f"{job.taps + 1} taps")
    if job.counter is not None:
        facts.append(f"counter {job.counter}")
    return Happened(job.changed_at, _USES[job.use], "; ".join(filter(None, facts)))


def _event(at: int, data: dict[str, Any]) -> Happened:
    change = str(data.get("change", "changed"))
    return Happened(at, _CHANGES.get(change, change.replace("_", " ").capitalize()))
