"""Printers in `taptill.toml`: what cannot be right names its field."""

from __future__ import annotations

from typing import Any

import pytest

from host import config
from host.config import ConfigError
from host.printers.settings import host_and_port

BAR = {"name": "bar", "device": "tcp:10.0.0.5:9100"}


@pytest.mark.parametrize(
    "device",
    [
        "usb:04b8:0E15",
        "tcp:printer.local:9100",
        "tcp:[fe80::1]:9100",
        "serial:/dev/ttyUSB0",
        "file:/dev/usb/lp0",
    ],
)
def test_every_kind_of_device_is_read(device: str) -> None:
    (printer,) = config.parse({"printers": [BAR | {"device": device}]}).printers
    assert f"{printer.kind}:{printer.place}" == device
    assert (printer.terminals, printer.columns, printer.drawer_pin) == (("till-1",), 42, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"device": "bluetooth:x"}, "printers[0].device: write usb:VENDOR:PRODUCT"),
        ({"device": "usb:4b8:e15"}, "printers[0].device: write"),
        ({"device": "tcp:10.0.0.5"}, "printers[0].device: write"),
        ({"device": "tcp::9100"}, "printers[0].device: write"),
        ({"device": "serial:"}, "printers[0].device: write"),
        ({"name": ""}, "printers[0].name: 1 to 120 characters"),
        ({"terminals": []}, "printers[0].terminals: name at least one"),
        ({"terminals": ["a", "a"]}, "printers[0].terminals: a is named twice"),
        ({"columns": 10}, "printers[0].columns: must be between 24 and 64"),
        ({"drawer_pin": 3}, "printers[0].drawer_pin: must be 2 or 5"),
        ({"baud": 1234}, "printers[0].baud: must be one of 1200"),
        ({"profile": ""}, "printers[0].profile: must be a name"),
        ({"colums": 42}, "printers[0].colums: unknown key; did you mean `columns`?"),
    ],
)
def test_a_wrong_value_names_its_field(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse({"printers": [BAR | change]})
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"device": "tcp:10.0.0.6:9100"}, "printers[1].name: bar is named twice"),
        ({"name": "b"}, "printers[1].device: tcp:10.0.0.5:9100 is named twice"),
        (
            {"name": "b", "device": "file:x"},
            "printers[1].terminals: till-1 has a printer already",
        ),
    ],
)
def test_two_printers_do_not_share_a_name_a_device_or_a_terminal(
    second: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse({"printers": [BAR, BAR | second]})
    assert str(caught.value) == words


def test_an_address_with_colons_stands_in_brackets() -> None:
    assert host_and_port("[fe80::1]:9100") == ("fe80::1", 9100)
