"""Pages of `reading`: parse, call one use case, redirect or render."""

from flask import Blueprint

bp = Blueprint("reading", __name__)
