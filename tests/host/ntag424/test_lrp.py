"""LRP: recognised, not spoken."""

from __future__ import annotations

from host.ntag424 import lrp
from tests.host.ntag424.links import Replay


def test_the_question_is_that_of_the_application_note() -> None:
    """AN12321: authentication with key 3."""
    assert lrp.authenticate_first(3).hex() == "9071000008030602000000000000"


def test_a_card_in_lrp_is_recognised_by_its_answer() -> None:
    ask = lrp.authenticate_first(0).hex()
    for answer, spoken in (("01" + "00" * 16 + "91AF", True), ("00" * 17 + "91AF", False)):
        assert lrp.probe(Replay((ask, answer)).transceive, 0) is spoken
    for refusal in ("919D", "91AD", "00" * 16 + "91AF", "01" + "00" * 16 + "9100"):
        assert not lrp.probe(Replay((ask, refusal)).transceive, 0)
