"""One way to speak HTTP with a wallet that is a service of somebody else.

WalletDown (host.lightning.wallet)
├── NotSent      the connection never stood: surely nothing happened
├── KeyRefused   the service does not accept our credentials: surely nothing happened
└── NoAnswer     silence, or an answer that says nothing: whatever we asked may have been done

The difference between the first two and the third decides whether money may be released
(THREATS 5), so it is made in this one place. Nothing is ever sent twice and no redirect is
followed: a redirect would carry the credentials elsewhere.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import logging
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    SSLError,
)
from urllib3.response import BaseHTTPResponse

from host.lightning.wallet import WalletDown

# urllib3 logs request lines at DEBUG; they hold payment hashes, which are nobody's business.
logging.getLogger("urllib3").setLevel(logging.INFO)

MAX_BODY: Final = 1 << 20
CONNECT_S: Final = 3.0
BETWEEN: Final = (502, 503, 504)
"""Statuses of what stands in front of a service: the service may be at work all the same."""
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"


class NotSent(WalletDown):
    """The connection never stood: nothing has left."""


class KeyRefused(WalletDown):
    """The service answered that it does not accept our credentials: put them in order."""


class NoAnswer(WalletDown):
    """Silence after sending, or an answer without meaning: it may or may not have been done."""


class Secret:
    """A credential that never appears in `repr`, logs or pickles."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        value = value.strip()
        if not value or not value.isascii() or not value.isprintable():
            raise ValueError("secret: must be printable ASCII and not empty")
        self._value = value

    @classmethod
    def read(cls, path: Path) -> Secret:
        """The secret in a file of text."""
        return cls(path.read_text("ascii"))

    @classmethod
    def read_binary(cls, path: Path) -> Secret:
        """The hex text of a secret in a binary file (LND's macaroons)."""
        return cls(path.read_bytes().hex())

    def reveal(self) -> str:
        """The value itself; the one door out, easy to search for."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a wallet's service is, and how we know that it is the one."""

    url: str
    ca_file: Path | None = None
    """Trust this certificate (or authority) instead of the system's: a node's own `tls.cert`."""
    cert_sha256: str | None = None
    """Trust exactly this certificate, whatever its name: 64 hex digits."""
    read_s: float = 10.0
    """How long an answer may take, in seconds."""
    pay_s: float = 60.0
    """How long the answer to a payment may take, in seconds."""
    plain_http: bool = False
    """Allow http to a host other than this machine: only inside a network that is yours."""

    def __post_init__(self) -> None:
        check_base_url(self.url, plain_http=self.plain_http)


def check_base_url(url: str, *, plain_http: bool = False) -> None:
    """Raise `ValueError` unless credentials may be sent there."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("url: malformed") from None
    if not host or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("url: write an address like https://wallet.example.com")
    if parts.scheme == "https" or (parts.scheme == "http" and (plain_http or _near(host))):
        return
    raise ValueError("url: must be https (http only to this machine or an onion service)")


def _near(host: str) -> bool:
    if host == "localhost" or host.endswith(".onion"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: any status, with a body that may be JSON."""

    status: int
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body; `NoAnswer` when it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:  # nested without end, it is none either
            raise NoAnswer(f"answered {self.status} with something that is no JSON") from error

    def record(self) -> dict[str, Any]:
        """The body as a JSON object; `NoAnswer` when it is none."""
        value = self.json()
        if not isinstance(value, dict):
            raise NoAnswer(f"answered {self.status} with something else than an object")
        return value

    def says(self, *names: str) -> str:
        """The words of an error for people: the first of these fields, or the bare status."""
        try:
            record = self.record()
        except NoAnswer:
            return f"status {self.status}"
        return next((clean(record[name]) for name in names if record.get(name)), "refused")


def clean(words: object, limit: int = 200) -> str:
    """Words from outside, made fit for logs and screens: one line, no control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(words)).split())[:limit]


class HttpApi:
    """A pool of connections to one service. Every method raises only the errors drawn above."""

    def __init__(self, endpoint: Endpoint, headers: Mapping[str, Secret], name: str) -> None:
        parts = urlsplit(endpoint.url)
        self.endpoint = endpoint
        self._name = name
        self._base = parts.path.rstrip("/")
        self._secrets = dict(headers)
        options: dict[str, Any] = {"maxsize": 32, "block": False, "retries": False}
        host = parts.hostname or ""  # never empty: checked with the endpoint
        self._pool: urllib3.HTTPConnectionPool
        if parts.scheme == "https":
            self._pool = urllib3.HTTPSConnectionPool(
                host,
                parts.port or 443,
                ssl_context=_tls(endpoint),
                assert_fingerprint=endpoint.cert_sha256,
                **options,
            )
        else:
            self._pool = urllib3.HTTPConnectionPool(host, parts.port or 80, **options)

    def get(self, path: str, *, anonymous: bool = False, most: int = MAX_BODY) -> Answer:
        """Ask; `anonymous` leaves our credentials out, `most` bytes are read of the answer."""
        read_s = self.endpoint.read_s
        return self._ask("GET", path, None, None, read_s, anonymous=anonymous, most=most)

    def post(self, path: str, body: Mapping[str, Any], *, read_s: float | None = None) -> Answer:
        """Send JSON."""
        raw = json.dumps(body).encode()
        return self._ask("POST", path, raw, _JSON, read_s or self.endpoint.read_s)

    def form(self, path: str, body: Mapping[str, str], *, read_s: float | None = None) -> Answer:
        """Send a form."""
        raw = urlencode(body).encode()
        return self._ask("POST", path, raw, _FORM, read_s or self.endpoint.read_s)

    def lines(
        self, method: str, path: str, body: Mapping[str, Any] | None, read_s: float
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """The JSON objects of a streamed answer as they come, each with the answer's status."""
        raw = None if body is None else json.dumps(body).encode()
        response = self._open(method, path, raw, None if raw is None else _JSON, read_s)
        try:
            for line in self._lines(response, read_s):
                yield response.status, Answer(response.status, line).record()
        finally:
            response.close()  # the rest of a stream has no reader
            response.release_conn()

    def tail(self, path: str, read_s: float) -> Tail:
        """An answer that goes on, for one thread to read and for another to end."""
        return Tail(self, path, read_s)

    def close(self) -> None:
        self._pool.close()

    # -- inside ---------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None,
        kind: str | None,
        read_s: float,
        *,
        anonymous: bool = False,
        most: int = MAX_BODY,
    ) -> Answer:
        response = self._open(method, path, body, kind, read_s, anonymous=anonymous)
        try:
            raw = b"".join(self._pieces(response, most, read_s))
        finally:
            response.close()
            response.release_conn()
        if response.status in (301, 302, 303, 307, 308):
            raise NoAnswer(f"{self._name} redirects: check its address")
        return Answer(response.status, raw)

    def _open(
        self,
        method: str,
        path: str,
        body: bytes | None,
        kind: str | None,
        read_s: float,
        *,
        anonymous: bool = False,
    ) -> BaseHTTPResponse:
        headers = {"Accept": _JSON} | ({"Content-Type": kind} if kind else {})
        if not anonymous:
            headers |= {name: secret.reveal() for name, secret in self._secrets.items()}
        try:
            return self._pool.urlopen(
                method,
                self._base + path or "/",
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_S, read=read_s),
            )
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise NotSent(f"{self._name} cannot be reached") from error
        except SSLError as error:
            if _untrusted(error):
                raise NotSent(f"{self._name} shows a certificate that is not trusted") from error
            raise NoAnswer(f"{self._name}: the TLS connection broke") from error
        except HTTPError as error:  # read timeout, reset, cut off: it may have been done
            raise NoAnswer(f"{self._name} did not answer") from error

    def _lines(self, response: BaseHTTPResponse, read_s: float) -> Iterator[bytes]:
        rest = b""
        for piece in self._pieces(response, MAX_BODY, read_s):
            *whole, rest = (rest + piece).split(b"\n")
            yield from filter(None, whole)
        if rest.strip():
            yield rest

    def _pieces(self, response: BaseHTTPResponse, most: int, read_s: float) -> Iterator[bytes]:
        """The body as it comes: at most `most` bytes, each MiB of it within `read_s`.

        The socket's own timeout is for silence alone; what drips would never end.
        """
        began, total = time.monotonic(), 0
        try:
            while piece := response.read1(1 << 16):  # what is there, without waiting for more
                total += len(piece)
                late = time.monotonic() - began > read_s * (1 + total // MAX_BODY)
                if late or total > most:
                    raise NoAnswer(f"{self._name} answers without end")
                yield piece
        except HTTPError as error:
            raise NoAnswer(f"{self._name} broke off its answer") from error


class Tail:
    """The lines of an answer that goes on until somebody has heard enough. Nothing is asked yet."""

    def __init__(self, api: HttpApi, path: str, read_s: float) -> None:
        self._api = api
        self._path = path
        self._read_s = read_s
        self._lock = threading.Lock()
        self._response: BaseHTTPResponse | None = None
        self._enough = False

    def lines(self) -> Iterator[bytes]:
        """The lines as they come; raises the errors drawn above."""
        api = self._api
        response = api._open("GET", self._path, None, None, self._read_s)
        try:
            with self._lock:
                self._response = response
            if not self._enough:
                yield from api._lines(response, self._read_s)
        finally:
            with self._lock:
                self._response = None
                response.close()

    def end(self) -> None:
        """Wake whoever reads, who then sees the end; again does nothing."""
        with self._lock:
            self._enough = True
            if self._response is not None:
                with suppress(OSError, ValueError, RuntimeError):  # it has just ended by itself
                    self._response.shutdown()


def _tls(endpoint: Endpoint) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=endpoint.ca_file)
    if endpoint.cert_sha256 is not None:
        # The pin says more than any authority; urllib3 checks it before a byte is sent.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _untrusted(error: SSLError) -> bool:
    """True when the handshake itself ended it, so that no request can have left."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, ssl.SSLCertVerificationError) or "Fingerprint" in str(error)
