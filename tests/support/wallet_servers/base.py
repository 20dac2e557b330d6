"""What the stand-ins have in common: loopback, threads, and no patience with wrong requests."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.wallet_servers.node import Net


@dataclass(frozen=True)
class Call:
    """One request that has passed the checks of its server."""

    path: str
    query: dict[str, str]
    fields: dict[str, Any]
    match: re.Match[str]


def described(fields: Mapping[str, Any], text: str, digest: str = "") -> str | bytes:
    """What an invoice says: the text of one field, or the hex hash of another."""
    return bytes.fromhex(fields[digest]) if digest in fields else str(fields[text])


Result = tuple[int, Any]
"""A status with JSON, or with bytes as they are."""


@dataclass(frozen=True)
class Field:
    """A field of a request as its description has it."""

    kind: type
    required: bool = False


@dataclass(frozen=True)
class Route:
    """One operation: what it is asked with, and what answers."""

    method: str
    pattern: str
    answer: Callable[[Call], Result]
    fields: Mapping[str, Field] | None = None
    """None: no body."""
    form: bool = False
    public: bool = False
    """Answered to everybody, with or without the secret."""


class WalletServer:
    """One service of one account. Use as a context manager.

    A request that its description does not allow is answered 400 and kept in `violations`; the
    fixture that opened the server lets the test fail for it.
    """

    secret = "key-of-the-account-0123456789abcdef"

    def __init__(self, net: Net, account: str) -> None:
        self.net = net
        self.account = account
        self.violations: list[str] = []
        self.instead: list[tuple[str, Result]] = []
        """Answers for the next request whose path has that part, which is not carried out."""
        self.routes = self.operations()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"
            timeout = 20

            def do_GET(self) -> None:
                server._handle(self)

            def do_POST(self) -> None:
                server._handle(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False  # so that closing waits for the last answer
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> WalletServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    # -- what a kind of service says --------------------------------------------------------

    def operations(self) -> list[Route]:
        """All that can be asked."""
        raise NotImplementedError

    def authorised(self, headers: Mapping[str, str]) -> bool:
        """True when the request's headers (names in lower case) have the secret."""
        raise NotImplementedError

    def denied(self) -> Result:
        """What the service answers without the secret."""
        raise NotImplementedError

    def not_there(self) -> Result:
        """What the service answers for a path that it does not have."""
        return 404, b"not found"

    # -- inside -----------------------------------------------------------------------------

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length)
        if len(body) < length:
            return  # lost on the way
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, value = self._answer(request.command, request.path, headers, body)
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.end_headers()
        request.wfile.write(raw)

    def _answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Result:
        parts = urlsplit(target)
        for number, (part, result) in enumerate(self.instead):
            if part in parts.path or part.encode() in body:
                del self.instead[number]
                return result
        if self.secret in target:
            return self._violation("the secret is in the URL")
        for route in self.routes:
            match = re.fullmatch(route.pattern, parts.path)
            if match is None or route.method != method:
                continue
            if not (route.public or self.authorised(headers)):
                return self.denied()
            fields = self._fields(route, headers, body)
            if fields is None:
                return 400, {"message": self.violations[-1]}
            return route.answer(Call(parts.path, dict(parse_qsl(parts.query)), fields, match))
        return self.not_there()

    def _fields(
        self, route: Route, headers: Mapping[str, str], body: bytes
    ) -> dict[str, Any] | None:
        if route.fields is None:
            if body:
                self._violation(f"{route.pattern}: a body where none belongs")
            return {} if not body else None
        wanted = "application/x-www-form-urlencoded" if route.form else "application/json"
        if headers.get("content-type") != wanted:
            self._violation(f"{route.pattern}: content type {headers.get('content-type')}")
            return None
        text = body.decode()
        fields = dict(parse_qsl(text, keep_blank_values=True)) if route.form else json.loads(text)
        for name, value in fields.items():
            known = route.fields.get(name)
            if known is None or type(value) is not known.kind:
                self._violation(f"{route.pattern}: {name}={value!r}")
                return None
        missing = {n for n, one in route.fields.items() if one.required} - fields.keys()
        if missing:
            self._violation(f"{route.pattern}: without {missing}")
            return None
        return dict(fields)

    def _violation(self, words: str) -> Result:
        self.violations.append(words)
        return 400, {"message": words}
