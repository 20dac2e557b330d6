"""What questions of other people's software look like here, and what they are answered.

Every answer is JSON with HTTP status 200, also a refusal: LUD-01 gives statuses no meaning, and
wallets whose HTTP library raises on others would lose the reason. Beside LUD's `reason`, the
words, a refusal has a stable `code`.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import parse_qsl

from host.ledger.codes import Code, Refused

MAX_QUERY: Final = 8_192
_MAX_FIELDS: Final = 20
_JSON: Final = json.JSONEncoder(separators=(",", ":")).encode

HEADERS: Final = [
    ("Content-Type", "application/json"),
    ("Access-Control-Allow-Origin", "*"),  # wallets in browsers (LUD-01)
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
]

Answer = dict[str, Any] | Refused


def fields_of(query: str) -> dict[str, str] | Refused:
    """The fields of a query, names in any case (a URL may have been put in upper case for a QR
    code); one that is given twice is refused, because two readers may take different ones."""
    if len(query) > MAX_QUERY:
        return Refused(Code.REQUEST_INVALID)
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return Refused(Code.REQUEST_INVALID)
    fields = {name.lower(): value for name, value in pairs}
    return fields if len(fields) == len(pairs) else Refused(Code.REQUEST_INVALID)


def error(code: Code) -> dict[str, Any]:
    """A refusal as LUD-01 has it."""
    return {"status": "ERROR", "reason": f"{code.words.says}. {code.words.do}", "code": code}


def as_json(answer: dict[str, Any]) -> bytes:
    """An answer's body."""
    return _JSON(answer).encode("ascii")
