"""The people of the tests: alice (admin), erin (editor), bob (author), carol (contributor)."""

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.core.addresses import claim_slug
from blogapp.core.db import transaction

PASSWORD = "correct horse battery staple"
# As weak as argon2 goes: what a test needs is a password that fits, not one that lasts.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
QUICK_HASH = QUICK.hash(PASSWORD)


def member(name: str, role: str) -> Member:
    slug = name.lower().replace(" ", "-")
    with transaction() as session:
        person = Member(
            name=name,
            slug=slug,
            role=role,
            email=f"{slug.split('-')[0]}@blog.test",
            password_hash=QUICK_HASH,
        )
        session.add(person)
        session.flush()
        claim_slug(session, slug, f"member:{person.id}")
    return person


def alice() -> Member:
    return member("Alice Archer", "admin")


def erin() -> Member:
    return member("Erin Eames", "editor")


def bob() -> Member:
    return member("Bob Barker", "author")


def carol() -> Member:
    return member("Carol Cole", "contributor")


def log_in(app: Flask, person: Member) -> FlaskClient:
    """A browser in which `person` has logged in through the form."""
    client = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    response = client.post("/login", data={"email": person.email, "password": PASSWORD})
    assert response.status_code == 303, response.text
    return client
