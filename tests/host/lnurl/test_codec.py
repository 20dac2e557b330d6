"""LNURL text in all its forms (LUD-01, LUD-17)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.lnurl.codec import Lnurl, LnurlError, Scheme, decode, encode

# The pair that LUD-01 publishes.
URL = "https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df"
TEXT = (
    "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3"
    "HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS"
)


def test_the_published_pair_holds_in_both_directions() -> None:
    assert encode(URL) == TEXT
    assert decode(TEXT) == decode(TEXT.lower()) == Lnurl(URL)


@pytest.mark.parametrize("prefix", ["lightning:", "LIGHTNING:", "lightning://", "  "])
def test_the_lightning_prefix_and_spaces_around_are_accepted(prefix: str) -> None:
    assert decode(prefix + TEXT).url == URL


@pytest.mark.parametrize(
    ("text", "url", "scheme"),
    [
        ("lnurlw://domain.com/path?p=1&c=2", "https://domain.com/path?p=1&c=2", Scheme.WITHDRAW),
        ("LNURLW://Domain.COM/Path", "https://Domain.COM/Path", Scheme.WITHDRAW),
        ("lnurlp://exampleonion.onion/path", "http://exampleonion.onion/path", Scheme.PAY),
        ("lnurlp://exampleonion.onion:81/p", "http://exampleonion.onion:81/p", Scheme.PAY),
        ("lnurlc://domain.com/", "https://domain.com/", Scheme.CHANNEL),
        ("keyauth://domain.com/login?k1=00", "https://domain.com/login?k1=00", Scheme.AUTH),
        ("https://domain.com/a#part", "https://domain.com/a", None),
        ("http://exampleonion.onion/", "http://exampleonion.onion/", None),
        (f"https://shop.example/?id=1&lightning={TEXT}", URL, None),
    ],
)
def test_schemes_become_the_url_to_ask(text: str, url: str, scheme: Scheme | None) -> None:
    assert decode(text) == Lnurl(url, scheme)


def test_only_named_hosts_are_asked_over_plain_http() -> None:
    text = "lnurlw://127.0.0.1:5573/x"
    assert decode(text).url == "https://127.0.0.1:5573/x"
    assert decode(text, {"127.0.0.1:5573"}).url == "http://127.0.0.1:5573/x"
    assert decode(text, {"127.0.0.1"}).url == "http://127.0.0.1:5573/x"
    assert decode(text, {"127.0.0.1:80"}).url == "https://127.0.0.1:5573/x"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "lnurl1",
        TEXT[:-1] + "Q",
        TEXT[:20] + TEXT[20:].lower(),
        encode("http://service.com/plain"),
        encode("ftp://service.com/"),
        encode("no url"),
        "http://domain.com/",
        "http://onion/",
        "http://domain.com/.onion",
        "http://x.onion@domain.com/",
        "https://user:password@domain.com/",
        "https://domain.com:port/",
        "https:///path",
        "lnurlw://",
        "lnurlx://domain.com",
        "javascript://domain.com",
        "lnurlw://domain.com/ü",
        "lnurlw://domain.com/a b",
        "lnurlw://[::1/",
        "https://domain.com/" + "a" * 5_000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(LnurlError):
        decode(text)


@given(st.text() | st.text(alphabet="lnurwp1:/@.?[]#acdq0 ", max_size=60))
def test_any_text_is_an_lnurl_or_an_lnurl_error(text: str) -> None:
    with contextlib.suppress(LnurlError):
        assert decode(text).url.startswith(("https://", "http://"))


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-._~?&=/", max_size=200))
def test_what_is_encoded_is_decoded_again(path: str) -> None:
    url = f"https://host.example/{path}"
    assert decode(encode(url)).url == url
