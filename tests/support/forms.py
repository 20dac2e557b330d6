"""Sending forms and scripts' requests as our pages do, with their CSRF token."""

from __future__ import annotations

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def csrf_of(client: FlaskClient, page: str = "/status") -> str:
    """The token of a page as this browser sees it."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page).text)
    assert found
    return found[1]


def post(client: FlaskClient, path: str, body: dict[str, Any] | None = None) -> TestResponse:
    """A change as our scripts send it."""
    headers = {"X-CSRFToken": csrf_of(client), "Accept": "application/json"}
    return client.post(path, json=body or {}, headers=headers)
