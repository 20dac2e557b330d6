"""A job's taps as the lists want them (`sheet`): results again, with the PINs for their holders."""

from __future__ import annotations

from host.store.engine import Engine
from provisioning import jobs, slips
from provisioning.desk import Result
from provisioning.jobs import Line, Sign
from provisioning.orders import Done, Goal, Outcome
from provisioning.plan import Use
from provisioning.states import State
from provisioning.trouble import Trouble, TroubleCode


def results(db: Engine, job_id: int, secret: bytes) -> list[Result]:
    """The cards of a job that need no other tap, in the order of their taps."""
    pins = {
        one.uid: slips.unseal(secret, f"{job_id}/{one.position}", one.pin)
        for one in jobs.planned(db, job_id)
        if one.pin is not None and one.state == "done"
    }
    ended = [line for line in reversed(jobs.lines(db, job_id)) if line.sign is not Sign.AGAIN]
    return [
        Result(_outcome(line), number, line.ms, pins.get(line.uid))
        for number, line in enumerate(ended, 1)
    ]


def _outcome(line: Line) -> Outcome:
    if line.code is not None:
        return Trouble(TroubleCode(line.code), line.uid, line.facts.get("detail", ""))
    facts = line.facts
    typed = {
        "goal": Goal(facts["goal"]),
        "use": Use(facts["use"]),
        "state": State(facts["state"]),
    }
    return Done(**facts | typed)
