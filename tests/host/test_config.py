"""`taptill.toml`: what is wrong is named, and nothing is guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from host import config


def test_a_missing_file_means_defaults_on_loopback(tmp_path: Path) -> None:
    loaded = config.load(tmp_path)
    assert loaded.public.listen.startswith("127.0.0.1:")
    assert loaded.dashboard.listen.startswith("127.0.0.1:")


def test_a_file_is_read_into_frozen_records(tmp_path: Path) -> None:
    (tmp_path / config.FILE_NAME).write_text(
        '[public]\nurl = "https://pay.example.com/shop/"\nalso = ["old.example.com"]\n'
        '[[readers]]\ndevice = "nfc:/dev/ttyUSB0"\n[[readers]]\ndevice = "pcsc"\nterminal = "bar"\n'
    )
    loaded = config.load(tmp_path)
    assert loaded.public.card_base == "lnurlw://pay.example.com/shop/ln"
    assert [reader.terminal for reader in loaded.readers] == ["till-1", "bar"]
    assert loaded.public.owns("OLD.example.com")
    assert loaded.public.owns("pay.example.com")
    assert not loaded.public.owns("pay.example.com.evil.example")
    with pytest.raises(AttributeError):
        loaded.public.url = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"walet": {}}, "walet: unknown key; did you mean `wallet`?"),
        ({"wallet": {"knid": "x"}}, "wallet.knid: unknown key; did you mean `kind`?"),
        ({"wallet": {"zzz": 1}}, "wallet.zzz: unknown key; known here: kind, network"),
        ({"readers": [{"device": "pcsc", "terminl": "a"}]}, "readers[0].terminl: unknown key"),
        ({"readers": [{}]}, "readers[0].device: is missing"),
        ({"readers": {"device": "pcsc"}}, "readers: must be a list"),
        ({"readers": [{"device": "bluetooth"}]}, "readers[0].device: must start with"),
        ({"readers": [{"device": "pcsc"}, {"device": "pcsc"}]}, "pcsc is named twice"),
        ({"public": {"max_sat": True}}, "public.max_sat: must be a whole number"),
        ({"public": {"max_sat": 0}}, "public.max_sat: must be at least"),
        ({"public": {"listen": "everywhere"}}, "public.listen: write an address"),
        ({"public": {"listen": "127.0.0.1:99999"}}, "public.listen: the port"),
        ({"public": {"url": "ftp://x"}}, "public.url: write an address"),
        ({"public": {"tap_seconds": 1}}, "public.tap_seconds: must be between"),
        ({"store": {"cutoff_hour": 24}}, "store.cutoff_hour: must be between"),
        ({"store": "main"}, "store: must be a table"),
        ({"dashboard": {"enabled": "yes"}}, "dashboard.enabled: must be true or false"),
        ({"wallet": {"max_fee_sat": -1}}, "wallet.max_fee_sat: must not be negative"),
    ],
)
def test_bad_values_are_named(document: dict[str, Any], words: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        config.parse(document)
    assert words in str(caught.value)


def test_text_that_is_no_toml_names_the_file(tmp_path: Path) -> None:
    (tmp_path / config.FILE_NAME).write_text("[public\n")
    with pytest.raises(config.ConfigError, match=config.FILE_NAME):
        config.load(tmp_path)
