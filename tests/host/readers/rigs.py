"""The same hand for every driver: lay a card, lift it, tear it away, pull the reader's plug."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from hardware.twin.card import Tear, TearAt, TwinCard
from hardware.twin.private_pcscd import PrivatePcscd
from hardware.twin.process import Kind, TwinProcess
from host.ntag424.values import Uid
from host.readers.base import Reader
from host.readers.direct import DirectReader
from host.readers.open import ReaderOptions, open_reader

UIDS = {"ann": Uid.parse("04112233445566"), "bob": Uid.parse("04AABBCCDDEEFF")}


class Rig(ABC):
    """A reader that can be opened, and two cards, `ann` and `bob`."""

    has_one_owner = True

    @abstractmethod
    def open(self) -> Reader:
        """Open the reader as the daemon does."""

    @abstractmethod
    def lay(self, name: str = "ann") -> None:
        """Lay a card down, beside what lies there."""

    @abstractmethod
    def lift(self) -> None:
        """Take all cards away."""

    @abstractmethod
    def tear(self) -> None:
        """The next command is the last that the card hears, and its answer is lost."""

    @abstractmethod
    def unplug(self) -> None:
        """Take the reader, or what drives it, away."""

    @abstractmethod
    def plug(self) -> None:
        """Bring it back, for the next `open`."""

    @abstractmethod
    def close(self) -> None:
        """Stop everything."""


class DirectRig(Rig):
    """Twin cards on the reader that lives in this process."""

    has_one_owner = False

    def __init__(self) -> None:
        self._cards = {name: TwinCard.factory(uid) for name, uid in UIDS.items()}
        self._laid: list[TwinCard] = []
        self._reader = DirectReader()

    def open(self) -> Reader:
        return self._reader

    def lay(self, name: str = "ann") -> None:
        self._laid.append(self._cards[name])
        self._reader.lay(*self._laid)

    def lift(self) -> None:
        self._laid.clear()
        self._reader.lift()

    def tear(self) -> None:
        self._laid[0].tear(Tear(TearAt.ANSWER))

    def unplug(self) -> None:
        self._reader.unplug()

    def plug(self) -> None:
        self._reader = DirectReader()

    def close(self) -> None:
        self._reader.close()


class TwinRig(Rig):
    """A twin in a process of its own, reached over the real wire."""

    kind: Kind

    def __init__(self, folder: Path) -> None:
        self._cards = folder / "cards"
        self._options = ReaderOptions(gpio_lights=True, run_dir=folder)
        self.twin = self._start()

    def _start(self) -> TwinProcess:
        raise NotImplementedError

    def lay(self, name: str = "ann") -> None:
        if name not in {card.name for card in self.twin.cards()}:
            self.twin.create(name, UIDS[name])
        self.twin.lay(name)

    def lift(self) -> None:
        self.twin.lift()

    def tear(self) -> None:
        self.twin.tear(TearAt.ANSWER)

    def close(self) -> None:
        self.twin.close()


class PcscRig(TwinRig):
    """A real pcscd with the driver of a virtual reader. Its plug is the service."""

    def __init__(self, folder: Path, pcscd: PrivatePcscd) -> None:
        self.pcscd = pcscd
        super().__init__(folder)

    def _start(self) -> TwinProcess:
        return TwinProcess("pcsc", self._cards, port=self.pcscd.port)

    def open(self) -> Reader:
        return open_reader(f"pcsc:{self.pcscd.name} 00 00", self._options)

    def unplug(self) -> None:
        self.pcscd.stop()

    def plug(self) -> None:
        self.pcscd.start()

    def close(self) -> None:
        super().close()
        if self.pcscd.running:
            self._wait_empty()

    def _wait_empty(self) -> None:
        """The service notices only after a while; the next test wants its reader empty."""
        from host.readers.pcsc_watch import PcscWatcher

        watcher = PcscWatcher()
        for name in watcher.readers(timeout_s=30):
            watcher.wait(name, lambda slot: slot.card == 0, timeout_s=30)
        watcher.stop()


class NfcRig(TwinRig):
    """A PN532 on a pty, driven by the real nfcpy."""

    def _start(self) -> TwinProcess:
        return TwinProcess("nfc", self._cards)

    def open(self) -> Reader:
        return open_reader(f"nfc:{self.twin.device}", self._options)

    def unplug(self) -> None:
        self.twin.close()

    def plug(self) -> None:
        self.twin = self._start()
