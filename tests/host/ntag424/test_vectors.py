"""Every published AES vector, each held by the check of its kind.

A vector without a check fails the run, so none can be skipped in silence. What is left out is
named here, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from host.ntag424 import commands, ndef, originality, sdm, sun
from host.ntag424 import keys as card_keys
from host.ntag424.card import Card
from host.ntag424.commands import CardVersion, Ins, native
from host.ntag424.crypto import ZERO_IV, aes_cbc_decrypt, cmac, crc32nk, mact
from host.ntag424.files import (
    FACTORY_FILES,
    AccessRights,
    CommMode,
    FileInfo,
    FileNo,
    FileSettings,
    Right,
    Sdm,
    SettingsError,
    boltcard_settings,
)
from host.ntag424.session import Handshake, Session, command_iv, response_iv
from host.ntag424.values import Key, Uid
from tests.host.ntag424.links import Replay
from tests.host.ntag424.vectors import ALL, counter, session_of

LRP_KINDS = {"lrp_eval", "lrp_tables", "lrp_icb", "lrp_mac", "lrp_cmd", "lrp_sun", "auth_lrp"}
"""Not computed: we recognise LRP and do not speak it (`host.ntag424.lrp`)."""

OF_THE_READER = {"an12196-t10-activation", "atr-pcsc"}
"""Anticollision, ATS and ATR belong to readers and to the twin, which test them."""

Half = dict[str, Any]


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def check_sdm_keys(given: Half, out: Half) -> None:
    key, uid, count = Key.parse(given["key"]), Uid.parse(given["uid"]), counter(given["ctr_le"])
    assert sdm.enc_key(key, uid, count) == Key.parse(out["enc"])
    assert sdm.mac_key(key, uid, count) == Key.parse(out["mac"])


def check_picc(given: Half, out: Half) -> None:
    key, plain = Key.parse(given["key"]), raw(out["plain"])
    assert aes_cbc_decrypt(key, ZERO_IV, raw(given["p"])) == plain
    uid, count = Uid(plain[1:8]), int.from_bytes(plain[8:11], "little")
    assert sun.decrypt(key, raw(given["p"])) == sun.PiccData(uid, count)
    assert sdm.picc_data(key, uid, count, plain[11:]) == raw(given["p"])


def check_encfile(given: Half, out: Half) -> None:
    key, uid, count = Key.parse(given["key"]), Uid.parse(given["uid"]), counter(given["ctr_le"])
    assert sdm.enc_key(key, uid, count) == Key.parse(out["ses_enc"])
    assert sdm.decrypt_file_data(key, uid, count, raw(given["ct"])) == raw(out["plain"])
    assert sdm.encrypt_file_data(key, uid, count, raw(out["plain"])) == raw(given["ct"])


def check_sun(given: Half, out: Half) -> None:
    k2 = Key.parse(given["k2"])
    picc = sun.decrypt(Key.parse(given["k1"]), raw(given["p"]))
    assert picc is not None
    assert picc.uid == Uid.parse(out.get("uid", picc.uid.hex()))
    assert picc.counter == out.get("ctr", picc.counter)
    mirrored = given.get("mac_input_ascii", "").encode()
    assert sdm.mac(k2, picc.uid, picc.counter, mirrored) == raw(out["c"])
    assert sun.verify(k2, picc, raw(out["c"])) == (not mirrored)
    if "ses_mac" in out:
        assert sdm.mac_key(k2, picc.uid, picc.counter) == Key.parse(out["ses_mac"])
        assert cmac(Key.parse(out["ses_mac"]), mirrored) == raw(out["mac_full"])
    if "file_plain" in out:
        plain = sdm.decrypt_file_data(k2, picc.uid, picc.counter, raw(given["enc"]))
        assert plain == raw(out["file_plain"])


def check_sun_plain(given: Half, out: Half) -> None:
    """The counter is mirrored most significant digit first, and signed the other way round."""
    count = int(given["ctr_ascii"], 16)
    assert sdm.mac(Key.parse(given["k2"]), Uid.parse(given["uid"]), count) == raw(out["c"])


def check_cmac(given: Half, out: Half) -> None:
    mac = cmac(Key.parse(given["key"]), raw(given["msg"]))
    assert mac == raw(out["mac"])
    assert mact(mac) == raw(out["mact"])


def check_bolt(given: Half, out: Half) -> None:
    issuer, uid = Key.parse(given["issuer"]), Uid.parse(given["uid"])
    derived = card_keys.derive(issuer, uid, given["version"])
    for number, key in enumerate(derived):
        assert key == Key.parse(out.get(f"k{number}", key.reveal().hex()))
    assert derived.k0 == Key.parse(out["k0"])
    if "card_key" in out:
        assert card_keys.card_key(issuer, uid, given["version"]) == Key.parse(out["card_key"])
        assert card_keys.card_id(issuer, uid) == raw(out["id"])


def check_auth_aes(given: Half, out: Half) -> None:
    key = Key.parse(given["key"])
    running = Session(0, raw("7614281A"), Key.zero(), Key.zero(), 14)
    first = given.get("first", True)
    handshake = Handshake(given["key_no"], key, raw(given["rnda"]), None if first else running)
    if "c1" in given:
        assert handshake.part1() == raw(given["c1"])
    part2 = handshake.part2(raw(given["r1"]))
    assert part2 == (raw(out["c2"]) if "c2" in out else native(0xAF, raw(out["part2_data"])))
    if "rndb" in out:
        assert aes_cbc_decrypt(key, ZERO_IV, raw(given["r1"])) == raw(out["rndb"])
    session = handshake.finish(raw(given["r2"]))
    assert (session.key_no, session.counter) == (given["key_no"], 0 if first else 14)
    assert session.ti == (raw(out["ti"]) if first else running.ti)
    if "ses_enc" in out:
        assert session.enc == Key.parse(out["ses_enc"])
        assert session.mac == Key.parse(out["ses_mac"])


MODES = {"mac": CommMode.MAC, "full": CommMode.FULL}


def check_cmd(given: Half, out: Half) -> None:
    session, mode = session_of(given), MODES[given["mode"]]
    if "iv" in out:
        assert command_iv(session.enc, session.ti, given["ctr"]) == raw(out["iv"])
    header, data = raw(given.get("header", "")), raw(given.get("data", ""))
    payload = session.seal(given["ins"], header, data, mode)
    assert native(given["ins"], payload) == raw(out["capdu"])
    if "cmac_full" in out:
        assert payload[-8:] == mact(raw(out["cmac_full"]))
    if "riv" in out:
        assert response_iv(session.enc, session.ti, given["ctr"] + 1) == raw(out["riv"])
    if "rmac_full" in out:
        assert raw(given["rdata"])[-8:] == mact(raw(out["rmac_full"]))
    if "rdata" in given:
        mode = MODES[given["rmode"]] if "rmode" in given else mode
        plain = session.open(given.get("rc", 0), raw(given["rdata"]), mode)
        assert plain == raw(out["rplain"]) if "rplain" in out else len(plain) in (0, 56)
        assert session.counter == given["ctr"] + 1


def check_changekey(given: Half, out: Half) -> None:
    session, number = session_of(given), given["key_no"]
    new, old = Key.parse(given["new_key"]), Key.parse(given["old_key"])
    data = commands.change_key_data(number, new, given["new_version"], old)
    if number:
        assert crc32nk(new.reveal()) == raw(out["crc32nk"])
        assert data == raw(out["plain"])
    assert command_iv(session.enc, session.ti, given["ctr"]) == raw(out["iv"])
    payload = session.seal(Ins.CHANGE_KEY, bytes([number]), data, CommMode.FULL)
    assert native(Ins.CHANGE_KEY, payload) == raw(out["capdu"])
    if "rdata" in given:
        assert session.open(0, raw(given["rdata"]), CommMode.FULL) == b""


def check_orig(given: Half, out: Half) -> None:
    uid, signature = Uid.parse(given["uid"]), raw(given["sig"])
    assert raw(given["pub"]) == originality.NXP_PUBLIC_KEY
    assert originality.check(uid, signature) is out["valid"]


def literal_update_binary(given: Half, out: Half) -> None:
    """The application note prints a Le that real cards refuse."""
    apdu = raw(given["capdu"])
    assert commands.iso_update_binary(0, apdu[5:-1]) == apdu[:-1]
    assert ndef.parse_file(apdu[5:-1]).startswith("https://choose.url.com/ntag424?e=0")


def literal_plain_write(given: Half, out: Half) -> None:
    link = Replay((given["capdu"], out["rapdu"]))
    card = Card(link)
    card._session = Session(0, raw("7614281A"), Key.zero(), Key.zero(), 1)
    card.write_data(FileNo.CC, raw(given["capdu"])[12:-1], offset=14)
    assert card._session.counter == 2


def literal_get_version(given: Half, out: Half) -> None:
    version = Card(Replay(*given["exchanges"])).get_version()
    assert version.is_ntag424
    assert (version.uid.hex(), version.made) == ("04968caa5c5e80", "18-W21")


def literal_malformed_settings(given: Half, out: Half) -> None:
    with pytest.raises(SettingsError):
        FileInfo.decode(raw(out["printed"])[:-2])
    answer = Card(Replay((given["capdu"], "0000E0EE0001009100"))).get_file_settings(FileNo.NDEF)
    assert answer == FACTORY_FILES[FileNo.NDEF]


def literal_authenticated_read(given: Half, out: Half) -> None:
    card = Card(Replay((given["capdu"], out["rdata_starts"] + "9100")))
    card._session = Session(0, bytes(4), Key.zero(), Key.zero())
    url = ndef.parse_file(card.read_data(FileNo.NDEF))
    assert url == f"https://example.com/?p={'0' * 32}&c={'0' * 16}"
    assert card._session.counter == 1


def literal_silicon(given: Half, out: Half) -> None:
    version = CardVersion.decode(raw(out["hw"] + out["sw"] + out["part3_example"]))
    assert version.is_ntag424
    assert version.made == "21-W46"


def literal_factory(given: Half, out: Half) -> None:
    for number, info in FACTORY_FILES.items():
        assert info.encode() == raw(out[f"fs_0{number}"])
    assert raw(out["cc"]) == ndef.CC_FACTORY


def literal_template(given: Half, out: Half) -> None:
    template = ndef.build_template(given["url"].partition("?")[0])
    assert (template.url, template.file) == (given["url"], raw(out["file"]))
    assert (template.p_offset, template.c_offset) == (out["p_offset"], out["c_offset"])
    settings = boltcard_settings(template.p_offset, template.c_offset)
    assert settings.encode() == raw(out["changefilesettings_data"])


def literal_settings(given: Half, out: Half) -> None:
    """These offsets show the order on the wire; a card would refuse them, for they overlap."""
    settings = FileSettings(
        CommMode.PLAIN,
        AccessRights(Right.FREE, Right.KEY_0, Right.KEY_0, Right.KEY_0),
        Sdm(
            meta_read=Right.KEY_1,
            file_read=Right.KEY_2,
            counter_return=Right.NEVER,
            picc_offset=3,
            mac_input_offset=1,
            mac_offset=2,
        ),
    )
    assert settings.encode() == raw(out["data"])
    with pytest.raises(SettingsError, match="overlaps"):
        settings.check(256)


LITERALS: dict[str, Callable[[Half, Half], None]] = {
    "an12196-t17-isoupdatebinary": literal_update_binary,
    "an12196-t25-cc-write-plain": literal_plain_write,
    "an12196-t13-getversion": literal_get_version,
    "an12196-t12-getfilesettings-plain": literal_malformed_settings,
    "hw-readdata-authenticated-plain": literal_authenticated_read,
    "hw-getversion-current-silicon": literal_silicon,
    "factory-defaults": literal_factory,
    "boltcard-ndef-template": literal_template,
    "filesettings-encode": literal_settings,
}
CHECKS: dict[str, Callable[[Half, Half], None]] = {
    "sdm_keys": check_sdm_keys,
    "picc": check_picc,
    "encfile": check_encfile,
    "sun": check_sun,
    "sun_plain": check_sun_plain,
    "cmac": check_cmac,
    "bolt": check_bolt,
    "auth_aes": check_auth_aes,
    "cmd": check_cmd,
    "changekey": check_changekey,
    "orig": check_orig,
}
OURS = [v for v in ALL["vectors"] if v["kind"] not in LRP_KINDS and v["id"] not in OF_THE_READER]


@pytest.mark.parametrize("vector", OURS, ids=lambda v: v["id"])
def test_a_published_vector_is_reproduced(vector: Half) -> None:
    checks = LITERALS if vector["kind"] == "literal" else CHECKS
    key = "id" if vector["kind"] == "literal" else "kind"
    checks[vector[key]](vector["in"], vector["out"])


def test_only_lrp_and_the_readers_part_are_left_out() -> None:
    left_out = [v for v in ALL["vectors"] if v not in OURS]
    assert {v["kind"] for v in left_out} == LRP_KINDS | {"literal"}
    assert {v["id"] for v in left_out if v["kind"] == "literal"} == OF_THE_READER
    assert all(
        "lrp" in v["id"] or "NXP AN12304" in v["source"] or "JanBeh" in v["source"]
        for v in left_out
        if v["kind"] != "literal"
    )
    assert set(ALL) == {"about", "vectors", "sun", "derive", "must_reject"}
    assert (len(OURS), len(left_out)) == (43, 16)
