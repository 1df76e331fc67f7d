"""Pages of `subscribing`: parse, call one use case, redirect or render."""

from flask import Blueprint

bp = Blueprint("subscribing", __name__)
