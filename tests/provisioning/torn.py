"""Cards torn away at every APDU, both ways, alone and in pairs: all must end finished.

`python -m tests.provisioning.torn` makes one life of a card, program → re-key → wipe, for every
single tear and every pair of tears, and prints last
`N runs, N converged, 0 failed authentications`. Exit code 1 where that is not so.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hardware.twin.card import Tear, TearAt, TwinCard
from host.ledger import cards
from host.ntag424 import keys
from host.ntag424.values import Uid
from provisioning import journal
from provisioning.orders import Done, Goal
from provisioning.seen import Depth
from provisioning.trouble import TroubleCode
from tests.provisioning.shop import BASE, Shop

LIFE = (Goal.ISSUE, Goal.REKEY, Goal.WIPE)
MOST_TAPS = 4
"""Two tears, the tap that ends the job, and one to spare."""


@dataclass(frozen=True, slots=True)
class Pull:
    """The card leaves at the `at`-th APDU of its life (counted over all taps)."""

    at: int
    how: TearAt


class TornField:
    """A field out of which the card is pulled at given APDUs; a pulled card is laid down again."""

    def __init__(self, card: TwinCard, pulls: tuple[Pull, ...]) -> None:
        self.card = card
        self._pulls = {pull.at: pull.how for pull in pulls}
        self.apdus = 0
        self.refused = 0
        self.uid = card.identity

    def transceive(self, apdu: bytes) -> bytes:
        how = self._pulls.get(self.apdus)
        self.apdus += 1
        if how is not None:
            self.card.tear(Tear(how))
        answer = self.card.transceive(apdu)
        self.refused += answer == b"\x91\xae"
        return answer

    def lay_again(self) -> None:
        self.card.power_off()
        self.card.power_on()
        self.uid = self.card.identity


@dataclass(frozen=True, slots=True)
class Life:
    """What became of one card."""

    converged: bool
    apdus: int
    taps: int
    refused: int
    why: str = ""


def live(
    shop: Shop,
    uid: Uid,
    pulls: tuple[Pull, ...],
    depth: Depth = Depth.FULL,
    base: str = BASE,
) -> Life:
    """Program, re-key and wipe one card with these tears."""
    field = TornField(TwinCard.factory(uid), pulls)
    taps = 0
    for goal in LIFE:
        for _ in range(MOST_TAPS):
            taps += 1
            field.lay_again()
            outcome = shop.workshop.work(field, shop.order(goal, depth=depth, url_base=base))
            if isinstance(outcome, Done):
                break
            if outcome.code is not TroubleCode.CARD_GONE:
                return Life(False, field.apdus, taps, field.refused, f"{goal}: {outcome}")
        else:
            return Life(False, field.apdus, taps, field.refused, f"{goal}: not after {taps} taps")
        if problem := wrong(shop, field.card, goal):
            return Life(False, field.apdus, taps, field.refused, f"{goal}: {problem}")
    return Life(True, field.apdus, taps, field.refused)


def wrong(shop: Shop, card: TwinCard, goal: Goal) -> str:
    """What is not as it should be after a job; the card is asked from the inside."""
    uid, state = card.state.uid, card.state
    row = cards.by_uid(shop.db, uid)
    if journal.open_job(shop.db, uid) is not None:
        return "the job is open"
    if goal is Goal.WIPE:
        new = TwinCard.factory(uid).state
        same = [slot.key for slot in state.keys] == [slot.key for slot in new.keys]
        versions = {slot.version for slot in state.keys}
        delivered = same and versions == {0} and state.files == new.files
        return "" if delivered and row and row.state == "wiped" else "not as delivered"
    if row is None or row.state != "active" or row.last_counter != state.read_counter:
        return f"the books disagree: {row}"
    issuer = shop.keyring.issuer(row.issuer_id)
    expected = keys.derive(issuer.key, uid, row.key_version) if issuer else None
    held = tuple(slot.key for slot in state.keys)
    return "" if held == expected else "other keys than the books say"


def lengths(folder: Path, depth: Depth) -> int:
    """How many APDUs an undisturbed life takes."""
    folder.mkdir(exist_ok=True)
    shop = Shop.open(folder)
    try:
        return live(shop, _uid(0), (), depth).apdus
    finally:
        shop.db.close()


def cases(singles: int, reach: int) -> Iterator[tuple[Pull, ...]]:
    """Every single tear of an undisturbed life, then every pair whose second follows within reach.

    A tear changes what follows, so the second place is counted from the first; beyond `reach` the
    card has been finished and the next job is a life of its own.
    """
    ways = (TearAt.COMMAND, TearAt.ANSWER)
    for at in range(singles):
        for how in ways:
            yield (Pull(at, how),)
    for at in range(singles):
        for how in ways:
            for gap in range(1, reach + 1):
                for again in ways:
                    yield (Pull(at, how), Pull(at + gap, again))


def run(part: list[tuple[int, tuple[Pull, ...]]], depth: Depth) -> list[Life]:
    """Many lives in one shop, each of another card."""
    with tempfile.TemporaryDirectory(dir=_fast_folder()) as folder:
        shop = Shop.open(Path(folder))
        try:
            return [live(shop, _uid(number), pulls, depth) for number, pulls in part]
        finally:
            shop.db.close()


def _fast_folder() -> str | None:
    """Thousands of ledgers' commits: in memory where there is such a folder."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


def _uid(number: int) -> Uid:
    return Uid(b"\x04" + number.to_bytes(5, "big") + b"\x80")


def main() -> int:
    """Run everything, or `--every N`-th case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every N-th case")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--fast", action="store_true", help="the fast path instead of full reading")
    asked = parser.parse_args()
    depth = Depth.FAST if asked.fast else Depth.FULL
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        singles = lengths(Path(folder), depth)
    work = list(enumerate(cases(singles, singles)))[:: asked.every]
    parts = [work[n :: asked.jobs * 4] for n in range(asked.jobs * 4)]
    with ProcessPoolExecutor(asked.jobs) as pool:
        lives = [one for part in pool.map(run, parts, [depth] * len(parts)) for one in part]
    return report(lives, time.monotonic() - started)


def report(lives: list[Life], seconds: float) -> int:
    """Print what was found; the last line is the verdict."""
    converged = sum(one.converged for one in lives)
    refused = sum(one.refused for one in lives)
    for one in [one for one in lives if not one.converged][:10]:
        print("not converged:", one.why)
    apdus, taps = max(one.apdus for one in lives), max(one.taps for one in lives)
    print(f"worst card: {apdus} APDUs over {taps} taps; {seconds:.0f} s")
    print(f"{len(lives)} runs, {converged} converged, {refused} failed authentications")
    return 0 if converged == len(lives) and not refused else 1


if __name__ == "__main__":
    sys.exit(main())
