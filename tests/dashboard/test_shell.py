"""The till as an app: what a device needs to install it, and what its worker keeps."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from flask import Flask

from dashboard import shell

HOST = "http://localhost"


def test_the_manifest_names_the_till_and_icons_that_are_there(app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/till/app.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    told = json.loads(answer.data)
    assert (told["start_url"], told["display"], told["scope"]) == ("/till", "standalone", "/")
    sizes = {(one["sizes"], one["purpose"]) for one in told["icons"]}
    assert {("192x192", "maskable"), ("512x512", "maskable"), ("512x512", "any")} <= sizes
    for icon in told["icons"]:
        picture = client.get(icon["src"], buffered=True)
        assert picture.status_code == 200
        if icon["type"] == "image/png":
            wide, high = struct.unpack(">II", picture.data[16:24])
            assert icon["sizes"] == f"{wide}x{high}"


def test_the_worker_keeps_files_that_are_there_and_nothing_else(app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/till-worker.js")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    told = json.loads(answer.text.split(";\n")[0].removeprefix("self.SHELL = "))
    assert told["offline"] == "/till/offline"
    assert all(one.startswith("/static/") for one in told["files"])
    for path in told["files"]:
        assert client.get(path, buffered=True).status_code == 200, path


def test_another_file_makes_another_worker() -> None:
    assert shell.digest() == shell.digest.__wrapped__()
    assert Path(shell.STATIC / "worker.js").is_file()
    assert "js/till.js" in shell.kept()


def test_the_page_without_a_host_names_nobody_and_promises_nothing(app: Flask) -> None:
    text = app.test_client().get("/till/offline").text
    assert "No connection to the till's host" in text
    assert "Nothing is charged from this screen." in text
    assert "csrf" not in text
