"""Rules that a machine needs for its readers: shipped, printed, found missing, never installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from host.readers.probe_rules import Told, look, plugged_in
from host.readers.rule_files import MODULES, POLKIT, RULES, UDEV, rule, text

PLIST = Path("/etc/libccid_Info.plist")
OPTIONS = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
\t<key>ifdDriverOptions</key>
\t<string>0x0020</string>
\t<!-- 0x0001 -->
</dict></plist>
"""


def plug(root: Path, vendor: str, product: str) -> None:
    device = root / "sys/bus/usb/devices" / f"1-{vendor}{product}"
    device.mkdir(parents=True)
    (device / "idVendor").write_text(f"{vendor}\n")
    (device / "idProduct").write_text(f"{product}\n")


def install(root: Path, name: str, folder: str, content: str = "") -> Path:
    path = root / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def told(root: Path, part: str) -> Told:
    return next(one for one in look(root) if one[0] == part)


def test_a_machine_without_readers_needs_no_rules(tmp_path: Path) -> None:
    assert all(ok for _, ok, _, _ in look(tmp_path))
    assert len(list(look(tmp_path))) == 4


def test_a_serial_reader_without_the_udev_rule_is_told_the_line_that_installs_it(
    tmp_path: Path,
) -> None:
    install(tmp_path, "ttyACM0", "dev")
    _, ok, words, mend = told(tmp_path, "udev rule")
    assert not ok
    assert "/etc/udev/rules.d/70-taptill-readers.rules" in words
    assert mend.startswith("taptill reader rules --print 70-taptill-readers.rules | sudo tee /etc")
    install(tmp_path, UDEV.name, "lib/udev/rules.d")
    assert told(tmp_path, "udev rule")[1]


def test_where_pcscd_asks_polkit_the_rule_is_missed(tmp_path: Path) -> None:
    install(tmp_path, "org.debian.pcsc-lite.policy", "usr/share/polkit-1/actions")
    assert told(tmp_path, "polkit rule")[3] == POLKIT.line
    install(tmp_path, POLKIT.name, "etc/polkit-1/rules.d")
    assert told(tmp_path, "polkit rule")[1]


def test_a_reader_that_the_kernel_would_take_needs_the_modules_rule(tmp_path: Path) -> None:
    plug(tmp_path, "04e6", "5591")
    assert [model.name for model in plugged_in(tmp_path)] == ["Identiv SCL3711"]
    assert told(tmp_path, "modules rule")[3] == MODULES.line
    assert not told(tmp_path, "udev rule")[1]


def test_refused_escapes_are_told_with_the_file_and_the_line(tmp_path: Path) -> None:
    plug(tmp_path, "072f", "223b")
    assert "libccid is missing" in told(tmp_path, "reader lamps")[2]
    path = install(tmp_path, "libccid_Info.plist", "etc", OPTIONS)
    _, ok, words, mend = told(tmp_path, "reader lamps")
    assert not ok
    assert "/etc/libccid_Info.plist has to be <string>0x0021</string>" in words
    run_edit(mend, path)
    assert told(tmp_path, "reader lamps")[1]


@pytest.mark.skipif(not PLIST.exists(), reason="install Debian's package libccid")
def test_the_line_mends_the_file_that_debian_ships(tmp_path: Path) -> None:
    plug(tmp_path, "072f", "2200")
    path = tmp_path / "etc/libccid_Info.plist"
    path.parent.mkdir()
    shutil.copy(PLIST, path)
    _, ok, _, mend = told(tmp_path, "reader lamps")
    if not ok:  # else this machine allows escapes already
        run_edit(mend, path)
    assert told(tmp_path, "reader lamps")[1]
    changed = set(path.read_text().splitlines()) - set(PLIST.read_text().splitlines())
    assert changed <= {"\t<string>0x0001</string>"}


def run_edit(mend: str, path: Path) -> None:
    """Run the line's edit, on this file instead of the machine's."""
    edit = mend.partition(" && ")[0].removeprefix("sudo ")
    subprocess.run(edit.replace("/etc/libccid_Info.plist", str(path)), shell=True, check=True)  # noqa: S602


def test_every_rule_is_shipped_and_names_where_it_belongs() -> None:
    for one in RULES:
        assert one.folders[0] in text(one)
        assert rule(one.name) is one
    assert rule("../secrets") is None


def test_the_polkit_rule_is_written_for_the_services_user_and_nothing_else_gets_in() -> None:
    assert 'subject.user == "till-7"' in text(POLKIT, "till-7")
    assert text(UDEV, "till-7") == text(UDEV)
    for bad in ('x" || true || "', "", "a b"):
        with pytest.raises(ValueError, match="no user's name"):
            text(POLKIT, bad)


@pytest.mark.skipif(shutil.which("udevadm") is None, reason="udevadm is not here")
def test_udev_takes_the_rule(tmp_path: Path) -> None:
    path = install(tmp_path, UDEV.name, "rules", text(UDEV))
    verify = subprocess.run(
        ["udevadm", "verify", str(path)], capture_output=True, text=True, check=False
    )
    if "unrecognized" in verify.stderr or "Unknown command" in verify.stderr:
        pytest.skip("this udevadm is too old to verify rules")
    assert verify.returncode == 0, verify.stderr


def test_every_line_of_the_udev_rule_has_udevs_form_and_every_label_exists() -> None:
    term = r'[A-Z_]+(\{[A-Za-z_]+\})?(==|!=|\+=|=)"[^"]*"'
    lines = [line for line in text(UDEV).splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(rf"{term}(, {term})*", line) for line in lines)
    wanted = set(re.findall(r'GOTO="(\w+)"', text(UDEV)))
    assert wanted == set(re.findall(r'LABEL="(\w+)"', text(UDEV)))
