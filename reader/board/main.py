"""Runs second on the board: the firmware. With the cancel button held at power-up: the REPL."""

import asyncio

import machine

from reader import pins


def main() -> None:
    if machine.Pin(pins.CANCEL, machine.Pin.IN, machine.Pin.PULL_UP).value() == 0:
        return
    import updater

    from reader.app import App
    from reader.hal_pico import Pico

    app = App(Pico())
    app.on_settled = lambda: updater.settled("/")
    asyncio.run(app.run())


main()
