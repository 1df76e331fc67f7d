"""The blueprint that the pages of `auth` are registered on."""

from flask import Blueprint

bp = Blueprint("auth", __name__)

# Where members begin. A page of a floor above, so it is known by its address only.
DESK = "/write"
