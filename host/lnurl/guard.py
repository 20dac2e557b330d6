"""The way out to addresses that strangers choose (THREATS 20).

A foreign card names any URL it likes, and its answers name more. So every hop is checked anew:
https only (http only to an onion service, through a proxy), the name resolved once, every address
of the answer public, the connection made to exactly that address with TLS for the name; at most
three redirects, 64 KiB and seven seconds for all of it. No cookies, no credentials, nothing
executed, and no URL in an error or a log: it carries a tap, and perhaps a PIN.

GuardError                  `sent` says whether a request had left: then it may have had effect
├── AddressRefused          the URL, or an address behind it, must not be asked
├── Unreachable             no name, no connection, no TLS
├── TooSlow                 not done within the time for all of it
└── BadAnswer               too large, too many redirects, or not what was asked for
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, ReadTimeoutError

from host.lnurl.addresses import ends_in_a_number, is_public
from host.lnurl.socks import SocksError, socks_connect

Resolve = Callable[[str, int], Sequence[str]]
"""All addresses of a name; raises `OSError`."""
Connect = Callable[[str, int, float], socket.socket]
"""A TCP connection to an address and port within so many seconds; raises `OSError`."""

_ONION: Final = re.compile(r"(?:[a-z0-9-]+\.)*[a-z2-7]{56}\.onion")
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_DOTTED: Final = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_MAX_URL: Final = 8_192
_MAX_WAYS: Final = 3


class GuardError(Exception):
    """The address was not asked, or its answer cannot be used."""

    def __init__(self, words: str, *, sent: bool = False) -> None:
        super().__init__(words)
        self.sent = sent


class AddressRefused(GuardError):
    """The URL, or an address behind it, must not be asked."""


class Unreachable(GuardError):
    """There is no such name, no connection, or no TLS that proves the name."""


class TooSlow(GuardError):
    """It was not done within the time for all of it."""


class BadAnswer(GuardError):
    """The answer is too large, redirects too often, or is not what was asked for."""


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """How far the guard goes."""

    plain_hosts: frozenset[str] = frozenset()
    """For tests: `127.0.0.1:8423`, asked over http, and only when it is this machine."""
    onion_proxy: tuple[str, int] | None = None
    """The SOCKS5 proxy of a Tor daemon; without one, onion services are refused."""
    deadline_s: float = 7.0
    max_body: int = 64 * 1024
    max_redirects: int = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back at the end of the redirects; LUD-01: the status means nothing."""

    status: int
    body: bytes

    def record(self) -> dict[str, Any]:
        """The body as a JSON object."""
        try:
            value = json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise BadAnswer("the answer is no JSON", sent=True) from None
        if not isinstance(value, dict):
            raise BadAnswer("the answer is no JSON object", sent=True)
        return value


def resolve(name: str, port: int) -> Sequence[str]:
    """All addresses that the system gives for a name."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def connect(address: str, port: int, timeout_s: float) -> socket.socket:
    """A TCP connection to a numeric address."""
    return socket.create_connection((address, port), timeout_s)


class Guard:
    """Asks strangers' URLs. Threads may share one; it keeps nothing between two requests."""

    def __init__(
        self,
        settings: GuardSettings | None = None,
        *,
        resolve: Resolve = resolve,
        connect: Connect = connect,
        tls: ssl.SSLContext | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings or GuardSettings()
        self._resolve = resolve
        self._connect = connect
        self._tls = tls or ssl.create_default_context()
        self._now = monotonic

    def get(self, url: str) -> Reply:
        """GET a URL, following redirects; raises `GuardError`."""
        deadline = self._now() + self.settings.deadline_s
        sent = False
        for _ in range(self.settings.max_redirects + 1):
            try:
                reply, location = self._hop(url, deadline)
            except GuardError as error:
                error.sent = error.sent or sent
                raise
            if location is None:
                return reply
            sent = True
            try:
                url = urljoin(url, location)
            except ValueError:
                raise AddressRefused("a redirect that cannot be read", sent=True) from None
        raise BadAnswer("too many redirects", sent=True)

    # -- one hop --------------------------------------------------------------------------

    def _hop(self, url: str, deadline: float) -> tuple[Reply, str | None]:
        target = self._checked(url)
        with self._cut_at(deadline) as cut:
            sock = self._open(target, deadline, cut)
            try:
                return self._ask(target, sock, deadline, cut)
            finally:
                sock.close()

    def _checked(self, url: str) -> _Target:
        """Everything about a URL that can be known without asking anybody."""
        if len(url) > _MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
            raise AddressRefused("the address must be printable ASCII, and not endless")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            raise AddressRefused("the address cannot be read") from None
        if "@" in parts.netloc or "\\" in url:
            raise AddressRefused("the address must name no user")
        plain = parts.netloc.lower() in self.settings.plain_hosts
        onion = host.endswith(".onion")
        if parts.scheme != "https" and not (parts.scheme == "http" and (plain or onion)):
            raise AddressRefused("the address must be https")
        self._check_name(host, onion=onion)
        port = port if port is not None else (443 if parts.scheme == "https" else 80)
        if not (plain or port == 443 or port >= 1024 or (onion and port == 80)):
            raise AddressRefused("the port is one of another service")
        return _Target(parts, host, port, plain=plain, onion=onion)

    def _check_name(self, host: str, *, onion: bool) -> None:
        if onion:
            if not _ONION.fullmatch(host):
                raise AddressRefused("no onion service has such a name")
            if self.settings.onion_proxy is None:
                raise AddressRefused("onion services need a proxy, and none is set")
        elif ":" in host:
            if "%" in host:
                raise AddressRefused("an address with a zone is never public")
        elif not _NAME.fullmatch(host):
            raise AddressRefused("no host has such a name")
        elif ends_in_a_number(host) and not _DOTTED.fullmatch(host):
            raise AddressRefused("an address in digits, but not in the usual form")

    # -- connecting -----------------------------------------------------------------------

    def _open(self, target: _Target, deadline: float, cut: _Cut) -> socket.socket:
        """A connection that proves its name, to an address that was checked."""
        proxy = self.settings.onion_proxy if target.onion else None
        ways = [proxy] if proxy else [(one, target.port) for one in self._safe(target, deadline)]
        sock = self._first(ways, deadline, cut)
        try:
            cut.watch(sock)
            return self._proven(target, sock)
        except (OSError, ValueError, SocksError) as error:  # SSLError is an OSError
            sock.close()
            raise self._broken(cut, error, "the connection does not prove its name") from error

    def _proven(self, target: _Target, sock: socket.socket) -> socket.socket:
        """The same connection, carried on to the onion service or inside TLS for the name."""
        if target.onion:
            socks_connect(sock, target.host, target.port)
        if target.parts.scheme == "http":
            return sock
        return self._tls.wrap_socket(sock, server_hostname=target.host)

    def _first(self, ways: Sequence[tuple[str, int]], deadline: float, cut: _Cut) -> socket.socket:
        """A connection to the first address that takes one; each gets its share of the time."""
        for rest, (address, port) in zip(range(len(ways), 0, -1), ways, strict=True):
            try:
                return self._connect(address, port, self._left(deadline) / rest)
            except OSError as error:
                if rest == 1:
                    raise self._broken(cut, error, "there is no connection") from error
        raise Unreachable("the name has no address")

    def _safe(self, target: _Target, deadline: float) -> Sequence[str]:
        """Some addresses of the name, when all of its addresses may be asked."""
        found = self._resolved(target, deadline)
        for address in found:
            if not is_public(address, loopback=target.plain):
                raise AddressRefused("the address behind the name is not public")
        return found[:_MAX_WAYS]

    def _resolved(self, target: _Target, deadline: float) -> Sequence[str]:
        """Resolve in a thread of its own: the system's resolver knows no deadline."""
        answers: list[Sequence[str] | BaseException] = []

        def work() -> None:
            try:
                answers.append(self._resolve(target.host, target.port))
            except (OSError, UnicodeError) as error:
                answers.append(error)

        thread = threading.Thread(target=work, name="guard-resolve", daemon=True)
        thread.start()
        thread.join(self._left(deadline))
        if not answers:
            raise TooSlow("the name was not resolved in time")
        if isinstance(answers[0], BaseException):
            raise Unreachable("the name cannot be resolved") from answers[0]
        return answers[0]

    # -- asking ---------------------------------------------------------------------------

    def _ask(
        self, target: _Target, sock: socket.socket, deadline: float, cut: _Cut
    ) -> tuple[Reply, str | None]:
        connection = _Connected(target, sock, self._left(deadline))
        stack = ExitStack()
        stack.callback(connection.close)
        try:
            connection.request(
                "GET",
                target.path,
                headers={
                    "Host": target.parts.netloc.lower(),
                    "User-Agent": "taptill",
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",
                    "Connection": "close",
                },
                preload_content=False,
                decode_content=False,
            )
            response = connection.getresponse()
            stack.callback(response.close)
            location = response.headers.get("Location")
            if response.status in _REDIRECTS and location:
                return Reply(response.status, b""), location
            body = response.read(self.settings.max_body + 1)
        except (OSError, HTTPError, HTTPException, ValueError) as error:
            broken = self._broken(cut, error, "the connection broke")
            broken.sent = True
            raise broken from error
        finally:
            stack.close()
        if cut.done:  # what was cut off may look like a whole answer
            raise TooSlow("the answer took too long", sent=True)
        if len(body) > self.settings.max_body:
            raise BadAnswer("the answer is too large", sent=True)
        return Reply(response.status, body), None

    # -- time -----------------------------------------------------------------------------

    def _left(self, deadline: float) -> float:
        left = deadline - self._now()
        if left <= 0:
            raise TooSlow("the time is over")
        return left

    @contextmanager
    def _cut_at(self, deadline: float) -> Iterator[_Cut]:
        """Cut the connection at the deadline, however slowly it drips."""
        cut = _Cut()
        timer = threading.Timer(self._left(deadline), cut)
        timer.daemon = True
        timer.start()
        try:
            yield cut
        finally:
            timer.cancel()
            cut.release()

    @staticmethod
    def _broken(cut: _Cut, error: Exception, words: str) -> GuardError:
        if cut.done or isinstance(error, TimeoutError | ReadTimeoutError):
            return TooSlow("it took too long")
        return Unreachable(words)


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL that was checked."""

    parts: SplitResult
    host: str
    port: int
    plain: bool
    onion: bool

    @property
    def path(self) -> str:
        path = self.parts.path or "/"
        return f"{path}?{self.parts.query}" if self.parts.query else path


class _Connected(HTTPConnection):
    """urllib3's connection over a socket that is there already, and never over another."""

    def __init__(self, target: _Target, sock: socket.socket, timeout_s: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout_s)
        self.sock = sock

    def connect(self) -> None:
        raise OSError("the checked connection is gone")


class _Cut:
    """Cuts a connection once the time is over; safe against the thread that reads from it."""

    def __init__(self) -> None:
        self.done = False
        self._lock = threading.Lock()
        self._spare: socket.socket | None = None

    def watch(self, sock: socket.socket) -> None:
        with self._lock:
            self._spare = sock.dup()  # TLS takes the first one over; this one still reaches it
            if self.done:
                self._shut()

    def __call__(self) -> None:
        with self._lock:
            self.done = True
            self._shut()

    def release(self) -> None:
        with self._lock:
            if self._spare is not None:
                self._spare.close()
            self._spare = None

    def _shut(self) -> None:
        if self._spare is not None:
            try:
                self._spare.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is gone already


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON")
