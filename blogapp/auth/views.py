"""Pages of `auth`: parse, call one use case, redirect or render."""

from flask import Blueprint

bp = Blueprint("auth", __name__)
