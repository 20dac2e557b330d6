"""Receipt printers and the cash drawers on them, over USB, network and serial."""
