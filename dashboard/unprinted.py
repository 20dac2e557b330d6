"""What has not come out of a till's printer, in words: told on the till until somebody acts."""

from __future__ import annotations

from typing import Any, Final

from host.language import gettext as _
from host.language import marked as N_
from host.ledger import print_jobs
from host.ledger.print_jobs import TOO_LATE, PrintJob, PrintKind, PrintState
from host.retold import retold
from host.store.tx import Place

_THINGS: Final = {
    PrintKind.RECEIPT: N_("Receipt"),
    PrintKind.COPY: N_("Copy of a receipt"),
    PrintKind.REFUND: N_("Receipt of a refund"),
    PrintKind.REPORT: N_("Report"),
    PrintKind.TEST: N_("Test"),
}


def told(db: Place, terminal_id: str) -> list[dict[str, Any]]:
    """Each job that failed or is tried again, oldest first; `again` where it can be retried."""
    return [
        {
            "job_id": job.job_id,
            "words": _words(job),
            "failed": job.state is PrintState.FAILED,
            "again": job.kind is not PrintKind.DRAWER,
        }
        for job in print_jobs.waiting(db, terminal_id)
    ]


def _words(job: PrintJob) -> str:
    why = retold(job.error or TOO_LATE)
    if job.kind is PrintKind.DRAWER:
        return _("The cash drawer did not open: %(why)s") % {"why": why}
    facts = {"thing": _(_THINGS[job.kind]), "why": why}
    if job.state is PrintState.FAILED:
        return _("%(thing)s not printed: %(why)s") % facts
    return _("%(thing)s not printed yet, it is tried again: %(why)s") % facts
