"""The listener: bound at once, quiet, bounded, and stopped from another thread."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from host.web import WebServer, address_group, client_address, networks


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


def get(server: WebServer, path: str = "/", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def test_a_free_port_is_taken_told_and_given_back() -> None:
    with WebServer(hello, "127.0.0.1", 0) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert get(server).status == 200
    with pytest.raises(ConnectionError):
        get(server)
    with WebServer(hello, "127.0.0.1", server.port) as again:
        assert get(again).status == 200


def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    with WebServer(hello, "127.0.0.1", 0) as server, pytest.raises(OSError, match="in use"):
        WebServer(hello, "127.0.0.1", server.port)


def test_a_server_that_never_started_is_stopped_too_and_twice_does_nothing() -> None:
    server = WebServer(hello, "127.0.0.1", 0)
    server.stop()
    server.stop()


def test_ipv6_is_served() -> None:
    try:
        server = WebServer(hello, "::1", 0)
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with server:
        assert server.url == f"http://[::1]:{server.port}"
        assert get(server).status == 200


def test_it_does_not_say_what_it_is() -> None:
    with WebServer(hello, "127.0.0.1", 0) as server:
        assert get(server).headers["Server"] is None


def test_a_request_in_hand_ends_before_the_server_stops() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        entered.set()
        go_on.wait(10)
        return hello(environ, start_response)

    server = WebServer(slow, "127.0.0.1", 0)
    server.start()
    statuses: list[int] = []
    client = threading.Thread(target=lambda: statuses.append(get(server).status))
    client.start()
    assert entered.wait(10)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    go_on.set()
    stopper.join(10)
    client.join(10)
    assert statuses == [200]


def test_threat_13_ten_megabytes_of_query_are_refused_cleanly() -> None:
    with WebServer(hello, "127.0.0.1", 0) as server:
        with socket.create_connection((server.host, server.port), timeout=10) as raw:
            try:
                raw.sendall(b"GET /?pr=" + b"a" * 10_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            except ConnectionError:
                pass
            else:
                assert b" 431 " in raw.recv(100)
        assert get(server).status == 200, "and the next one is served"


def test_a_body_that_is_too_large_is_refused() -> None:
    with WebServer(hello, "127.0.0.1", 0, max_body_bytes=10) as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        connection.request("POST", "/", body=b"x" * 100)
        assert connection.getresponse().status == 413
        connection.close()


def test_threat_19_no_query_string_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    def broken(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise RuntimeError("broken")

    caplog.set_level(logging.DEBUG)
    for app in (hello, broken):
        with WebServer(app, "127.0.0.1", 0) as server:
            get(server, "/ln/cb?pin=4711")
    assert "broken" in caplog.text
    assert "4711" not in caplog.text
    assert "4711" not in str([record.args for record in caplog.records])


TRUSTED = networks(["10.0.0.0/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("::1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", None, "10.0.0.1"),
    ],
)
def test_threat_27_forwarded_addresses_are_believed_from_our_proxies_only(
    peer: str, forwarded: str | None, client: str
) -> None:
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    assert client_address(environ, TRUSTED) == client
    assert client_address(environ, ()) == peer


def test_threat_27_a_stranger_cannot_name_an_address_over_the_wire() -> None:
    seen: list[str] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(client_address(environ, ()))
        seen.append(client_address(environ, networks(["127.0.0.1"])))
        return hello(environ, start_response)

    with WebServer(app, "127.0.0.1", 0) as server:
        get(server, **{"X-Forwarded-For": "198.51.100.1"})
    assert seen == ["127.0.0.1", "198.51.100.1"]


def test_an_ipv6_customer_counts_as_one_client_per_64_bits() -> None:
    assert address_group("2001:db8::1") == address_group("2001:db8::ffff")
    assert address_group("2001:db8::1") != address_group("2001:db8:0:1::1")
    assert address_group("198.51.100.1") == "198.51.100.1"
    assert address_group("::ffff:198.51.100.1") == "::ffff:198.51.100.1"
    assert address_group("") == ""
