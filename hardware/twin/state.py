"""What a card remembers without power, as one immutable value: it changes whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, TypeVar

from hardware.twin.settings import Settings
from hardware.twin.signature import sign
from host.ntag424.values import Key, Uid

_T = TypeVar("_T")
FORMAT = 1
FILE_IDS = {0xE103: 1, 0xE104: 2, 0xE105: 3}

_CC = "001720010000FF0406E104010000000506E10500808283"
_FACTORY = (  # content, size, settings: NT4H2421Gx tables 9 and 12
    (bytes.fromhex(_CC), 32, "0000E0"),
    (b"", 256, "00E0EE"),
    (b"\x00\x7e", 128, "033023"),
)


@dataclass(frozen=True, slots=True)
class KeySlot:
    """A key, its version, and its failed-authentication counters (AN12196 §7.4)."""

    key: Key
    version: int = 0
    sequence_failures: int = 0
    total_failures: int = 0
    spent_time: int = 0


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A StandardData file."""

    content: bytes
    settings: Settings


@dataclass(frozen=True, slots=True)
class Configuration:
    """What SetConfiguration changes; a card never tells it again."""

    random_id: bool = False
    chained_writes: bool = True
    lrp: bool = False
    capabilities: str = "0000"
    count_failures: bool = True
    failure_limit: int = 1000
    failure_decrement: int = 10
    strong_modulation: bool = True


@dataclass(frozen=True, slots=True)
class CardState:
    """The whole non-volatile memory of one card."""

    uid: Uid
    batch: bytes
    signature: bytes
    keys: tuple[KeySlot, ...]
    files: tuple[StoredFile, ...]
    read_counter: int = 0
    configuration: Configuration = Configuration()

    @classmethod
    def factory(cls, uid: Uid) -> Self:
        """A card as delivered: zero keys, empty NDEF file. The same UID gives the same card."""
        digest = hashlib.sha256(b"batch" + uid.raw).digest()
        week = 1 + digest[5] % 52
        batch = digest[:4] + bytes([digest[4] & 0xF0, week // 10 << 4 | week % 10, 0x24])
        files = tuple(
            StoredFile(content.ljust(size, b"\x00"), Settings.decode(bytes.fromhex(settings)))
            for content, size, settings in _FACTORY
        )
        return cls(uid, batch, sign(uid), (KeySlot(Key.zero()),) * 5, files)

    def with_key(self, number: int, slot: KeySlot) -> Self:
        return replace(self, keys=_replaced(self.keys, number, slot))

    def with_file(self, number: int, file: StoredFile) -> Self:
        return replace(self, files=_replaced(self.files, number - 1, file))

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads back; it holds the simulated card's keys."""
        return {
            "format": FORMAT,
            "uid": self.uid.hex(),
            "batch": self.batch.hex(),
            "signature": self.signature.hex(),
            "keys": [
                {
                    "key": slot.key.reveal().hex(),
                    "version": slot.version,
                    "sequence_failures": slot.sequence_failures,
                    "total_failures": slot.total_failures,
                    "spent_time": slot.spent_time,
                }
                for slot in self.keys
            ],
            "files": [
                {"content": file.content.hex(), "settings": file.settings.encode().hex()}
                for file in self.files
            ],
            "read_counter": self.read_counter,
            "configuration": asdict(self.configuration),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises `ValueError`, `KeyError` or `TypeError` for anything but a card's state."""
        if data["format"] != FORMAT:
            raise ValueError(f"format: {data['format']} is not {FORMAT}")
        return cls(
            uid=Uid.parse(data["uid"]),
            batch=bytes.fromhex(data["batch"]),
            signature=bytes.fromhex(data["signature"]),
            keys=tuple(KeySlot(**{**slot, "key": Key.parse(slot["key"])}) for slot in data["keys"]),
            files=tuple(
                StoredFile(
                    bytes.fromhex(file["content"]),
                    Settings.decode(bytes.fromhex(file["settings"])),
                )
                for file in data["files"]
            ),
            read_counter=int(data["read_counter"]),
            configuration=Configuration(**data["configuration"]),
        )


def _replaced(values: tuple[_T, ...], index: int, value: _T) -> tuple[_T, ...]:
    return (*values[:index], value, *values[index + 1 :])
