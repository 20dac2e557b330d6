"""The server side of the HTTP benchmarks: a whole daemon, and an empty route beside it.

Prints one JSON line with its addresses, and ends when its standard input does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from flask import Flask, Response

from host.config import Config, DashboardConfig, PublicConfig
from host.daemon import Daemon
from host.keyring import FILE_NAME, load
from host.web import WebServer


def empty_app() -> Flask:
    """A Flask application that does nothing, to compare with."""
    app = Flask("empty", static_folder=None)
    app.add_url_rule("/empty", view_func=lambda: Response(b"{}", mimetype="application/json"))
    return app


def main(home: Path) -> None:
    config = Config(
        public=PublicConfig(listen="127.0.0.1:0", requests_per_second=100_000),
        dashboard=DashboardConfig(enabled=False),
    )
    keyring = load(home / FILE_NAME, allow_demo=True)
    with Daemon(home, config, keyring) as daemon, WebServer(empty_app(), "127.0.0.1", 0) as empty:
        print(json.dumps({"lnurl": daemon.urls["lnurl"], "empty": empty.url}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
