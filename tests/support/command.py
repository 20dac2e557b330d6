"""The command `taptill`, run in this process."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from host.cli import cli


def taptill(home: Path, *arguments: str) -> Result:
    """Run the command in this process; whatever it raises but an exit is a failure."""
    result = CliRunner().invoke(cli, ["--home", str(home), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def words(result: Result) -> str:
    """What was said of a thing that could not be asked: one line, exit code 2."""
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if line]
    assert lines[-1].startswith("Error: ")
    assert "Traceback" not in result.output
    assert len(lines) == 1 or lines[0].startswith("Usage: ")
    return lines[-1].removeprefix("Error: ")
