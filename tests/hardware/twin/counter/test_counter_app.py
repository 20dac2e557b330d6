"""The virtual counter over HTTP: who may play, and what a click does."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from hardware.twin.bench import Bench, Lights
from hardware.twin.counter.app import COOKIE, HEADERS, create_app
from hardware.twin.counter.live import Scene

TOKEN = "let-me-play"


@pytest.fixture
def stranger(bench: Bench) -> FlaskClient:
    return create_app(Scene(bench), TOKEN, till_url="http://127.0.0.1:8424/").test_client()


@pytest.fixture
def client(stranger: FlaskClient) -> FlaskClient:
    assert stranger.get(f"/enter/{TOKEN}").status_code == 302
    return stranger


def form_token(client: FlaskClient) -> str:
    found = re.search(r'name="form-token" content="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


def act(client: FlaskClient, move: str, name: object, **headers: str) -> tuple[int, dict]:  # type: ignore[type-arg]
    headers.setdefault("X-Form-Token", form_token(client))
    response = client.post(f"/{move}", json={"name": name}, headers=headers)
    return response.status_code, response.get_json()


def test_the_page_says_that_it_is_a_simulation_and_shows_every_card(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "<h1>Virtual counter: simulation</h1>" in page
    assert "alice" in page
    assert "bob" in page
    assert 'href="http://127.0.0.1:8424/"' in page


def test_a_card_is_laid_down_and_taken_away(client: FlaskClient, bench: Bench) -> None:
    status, view = act(client, "lay", "alice")
    assert status == 200
    assert [card["laid"] for card in view["cards"]] == [True, False]
    act(client, "lay", "bob")
    assert len(bench.field()) == 2
    act(client, "lift", "alice")
    assert [card.laid for card in bench.cards()] == [False, True]


def test_what_cannot_be_done_is_said_in_words(client: FlaskClient) -> None:
    assert act(client, "lay", "nobody") == (409, {"says": "there is no card nobody"})
    act(client, "lay", "alice")
    assert act(client, "lay", "alice")[0] == 409
    assert act(client, "lay", 7)[0] == 400


def test_the_lamps_are_those_that_the_host_drives(client: FlaskClient, bench: Bench) -> None:
    assert '"driven": false' in client.get("/").text.replace("&#34;", '"')
    bench.show(Lights((True, False, False, False), approved=True))
    _, view = act(client, "lift", "alice")
    assert view["reader"] == {
        "row": [True, False, False, False],
        "approved": True,
        "declined": False,
        "buzzer": False,
        "driven": True,
    }


def test_without_the_token_nothing_is_shown_and_nothing_moves(stranger: FlaskClient) -> None:
    assert stranger.get("/").status_code == 401
    assert stranger.get("/live").status_code == 401
    assert stranger.post("/lay", json={"name": "alice"}).status_code == 401
    assert stranger.get("/enter/guess").status_code == 401


def test_the_cookie_is_for_this_page_alone(stranger: FlaskClient) -> None:
    cookie = stranger.get(f"/enter/{TOKEN}").headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}={TOKEN};")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Form-Token": "guess"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8424"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_change_that_another_page_started_is_refused(
    client: FlaskClient, bench: Bench, headers: dict[str, str]
) -> None:
    status, _ = act(client, "lay", "alice", **headers)
    assert status == 403
    assert not bench.field()


def test_another_host_name_is_refused(client: FlaskClient) -> None:
    assert client.get("/", headers={"Host": "rebound.example"}).status_code == 400


def test_every_answer_forbids_scripts_and_frames_of_others(client: FlaskClient) -> None:
    for path in ("/", "/static/counter.js", "/nothing"):
        with client.get(path) as response:
            for name in HEADERS:
                assert name in response.headers, (path, name)


def test_a_display_is_shown_and_buttons_are_held_down_until_let_go(
    client: FlaskClient, bench: Bench
) -> None:
    assert act(client, "lift", "alice")[1]["display"] is None
    bench.draw((("Ready", 44, 0, 1), ("tick", 0, 14)))
    status, view = act(client, "hold", "cancel")
    assert status == 200
    assert view["display"] == [["Ready", 44, 0, 1], ["tick", 0, 14]]
    assert bench.held() == {"cancel"}
    act(client, "hold", "")
    assert bench.held() == frozenset()
    assert act(client, "hold", "self-destruct") == (
        409,
        {"says": "there is no button self-destruct"},
    )
