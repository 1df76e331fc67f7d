"""The blueprint that all pages for readers hang on."""

from flask import Blueprint

bp = Blueprint("reading", __name__)
