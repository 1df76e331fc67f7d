"""Pages of `authoring`: parse, call one use case, redirect or render."""

from flask import Blueprint

bp = Blueprint("authoring", __name__)
