"""Runs first on the board: takes up an update, or takes a failed one back."""

import sys

sys.path.append("/")


def _update() -> None:
    try:
        import updater  # a copy outside of /reader, so that a broken update cannot break it

        updater.at_boot("/")
    except Exception as error:  # noqa: BLE001
        sys.print_exception(error)


_update()
