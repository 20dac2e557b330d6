"""The card desk as its page shows it: one record, made from the job's rows and the reader's dot."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from dashboard.context import DashboardContext
from host.language import gettext as _
from host.ledger.codes import Words
from host.retold import retold
from host.till import Terminal
from provisioning import jobs
from provisioning.jobs import DeskJob, DeskState, Kind, Line, Sign


class KindLook(NamedTuple):
    """What a technician can choose to do, and how it is called while it is done."""

    label: str
    icon: str
    doing: str
    about: str


KINDS: Final = {
    Kind.ISSUE: KindLook(
        "Issue", "plus", "Issuing cards", "Program blank cards and take them into the books."
    ),
    Kind.VERIFY: KindLook(
        "Verify", "check", "Verifying cards", "Say of each card whether it is all right."
    ),
    Kind.REPAIR: KindLook(
        "Repair", "wrench", "Repairing cards", "Finish what was begun, and mend what is wrong."
    ),
    Kind.REKEY: KindLook("Rekey", "key", "Giving cards new keys", "Give cards of ours new keys."),
    Kind.WIPE: KindLook(
        "Wipe", "dash", "Wiping cards", "Make cards blank again, as they were delivered."
    ),
    Kind.DIAGNOSE: KindLook(
        "Diagnose", "search", "Diagnosing cards", "Say in words what a card is and what to do next."
    ),
}

_ENDED: Final = {
    DeskState.DONE: Words("All cards are done", "The till has its reader back."),
    DeskState.STOPPED: Words(
        "Stopped", "A card that was begun is finished when it is laid down again."
    ),
}
_GETTING: Final = Words("Getting the reader", "Take away any card that lies on it.")
_READING: Final = Words("Hold the card still", "")


def desk_state(context: DashboardContext, terminal: Terminal) -> dict[str, Any]:
    """The newest job of a terminal, with `event_id` read first: nothing newer is missed."""
    event_id = context.db.events.last_id()
    job = jobs.latest(context.db, terminal.terminal_id)
    state: dict[str, Any] = {"event_id": event_id, "job_id": job.job_id if job else None}
    return state | job_state(context, job) if job else state


def job_state(context: DashboardContext, job: DeskJob) -> dict[str, Any]:
    """What the stage of a job shows now, and its counts."""
    lines = jobs.lines(context.db, job.job_id)
    return {
        "open": job.open,
        "taps": len(lines),
        "done": count(lines, Sign.DONE),
        "total": job.total,
        **_stage(context, job, lines[0] if lines else None),
    }


def count(lines: list[Line], sign: Sign) -> int:
    """How many taps ended so."""
    return sum(line.sign is sign for line in lines)


def _stage(context: DashboardContext, job: DeskJob, last: Line | None) -> dict[str, Any]:
    if not job.open:
        return _look(f"ended-{job.state}", _ENDED[job.state])
    reader = next(part for part in context.board.parts(job.terminal_id) if part.name == "reader")
    if not reader.ok:
        return _look("blocked", Words("The reader is not available", reader.detail))
    return _step(job.step, last)


def _step(step: dict[str, Any], last: Line | None) -> dict[str, Any]:
    """What happens at the reader now."""
    if step.get("at") == "waiting":
        return _waiting(step.get("alias"), last)
    if step.get("at") == "card":
        words = retold(str(step.get("words", ""))).capitalize()
        bar = {"value": step.get("done", 0), "max": step.get("total", 0)}
        return _look("card", Words(_READING.says, f"{words} …")) | {"bar": bar}
    if step.get("at") == "asked":
        return _asked(step)
    if step.get("at") == "away" and last is not None:
        name = f"{last.title}: " if last.title else ""
        says = f"{name}{retold(last.says)}"
        return _look(f"away-{last.sign}", Words(says, _away(last)))
    return _look("getting", _GETTING)


def _asked(step: dict[str, Any]) -> dict[str, Any]:
    """Whether the card that lies there is to be wiped; answered, the work begins at once."""
    if "yes" in step:
        return _look("card", _READING)
    alias = step.get("alias")
    says = _("Wipe %(alias)s?") % {"alias": alias} if alias else _("Wipe this card?")
    do = _("It loses its keys and pays no more. Leave it on the reader, and answer here.")
    return _look("asked", Words(says, do)) | {"asked": step.get("uid")}


def _waiting(alias: str | None, last: Line | None) -> dict[str, Any]:
    """What to lay down; what went wrong stays to be read after the card has left."""
    becomes = _("It becomes %(alias)s.") % {"alias": alias} if alias else _("Any card.")
    if last is not None and last.sign is Sign.AGAIN:
        return _look("again", Words(last.says, last.next))
    return _look("waiting", Words("Lay down a card", becomes))


def _away(last: Line) -> str:
    take = _("Take the card away.")
    return take if last.sign is Sign.DONE else f"{take} {retold(last.next)}".strip()


def _look(look: str, words: Words) -> dict[str, Any]:
    return {"look": look, "says": retold(words.says), "do": retold(words.do), "bar": None}
