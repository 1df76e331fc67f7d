"""Pages of `admin`: parse, call one use case, redirect or render."""

from flask import Blueprint

bp = Blueprint("admin", __name__)
