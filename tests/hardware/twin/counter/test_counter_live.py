"""Changes on the bench reach the page at once; a tap lifts its card by itself."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from hardware.twin.bench import Bench, Lights
from hardware.twin.counter import serve
from hardware.twin.counter.live import Scene


def views(stream: http.client.HTTPResponse) -> Iterator[dict]:  # type: ignore[type-arg]
    for line in stream:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def test_the_page_is_told_of_cards_and_lights(bench: Bench) -> None:
    with serve(bench) as url:
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.netloc, timeout=30)
        connection.request("GET", address.path)
        entered = connection.getresponse()
        entered.read()
        cookie = entered.headers["Set-Cookie"].partition(";")[0]
        connection.request("GET", "/live", headers={"Cookie": cookie})
        told = views(connection.getresponse())
        assert not any(card["laid"] for card in next(told)["cards"])
        bench.lay("bob")
        assert [card["laid"] for card in next(told)["cards"]] == [False, True]
        bench.show(Lights(declined=True))
        assert next(told)["reader"]["declined"]
        bench.label("bob", "Bob's card")
        assert [card["title"] for card in next(told)["cards"]] == ["alice", "Bob's card"]
        connection.close()


def test_a_tap_lays_the_card_until_it_was_read(bench: Bench) -> None:
    scene = Scene(bench)
    laid = threading.Event()
    bench.on_change(lambda: laid.set() if bench.field() else None)
    tap = threading.Thread(target=scene.tap, args=("alice",))
    tap.start()
    assert laid.wait(30)
    tap.join(30)
    assert not tap.is_alive()
    assert not bench.field()


def test_after_a_stop_nobody_waits(bench: Bench) -> None:
    scene = Scene(bench)
    scene.close()
    assert list(scene.changes()) == []
    scene.tap("alice")
    assert not bench.field()
