"""The blueprint that the admins' pages are registered on."""

from flask import Blueprint

bp = Blueprint("admin", __name__)
