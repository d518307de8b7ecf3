"""Flask saying hello: what a web server of Python does at its quickest, beside which others are measured."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    """Say it."""
    return "hello"
