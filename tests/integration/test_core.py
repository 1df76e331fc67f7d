"""The ground floor on both databases."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from blogapp.auth.models import Member
from blogapp.core import migrate
from blogapp.core.addresses import Redirect, claim_slug
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.errors import Conflict, Invalid, TooMany
from blogapp.core.site import site_version
from blogapp.core.throttle import count_try, forgive
from tests import readers


def test_models_and_migrations_agree(app: Flask) -> None:
    assert migrate.differences() == []


def test_every_migration_goes_down_and_up_again(app: Flask) -> None:
    assert migrate.move_to("base") == "base"
    assert migrate.move_to("head") == migrate.wanted_revision()
    assert migrate.differences() == []


def test_the_version_rises_with_what_readers_see_and_only_then(app: Flask) -> None:
    before = site_version()
    with transaction() as session:
        bump_version(session)
    with transaction():
        pass
    assert site_version() == before + 1


def test_a_transaction_that_fails_leaves_nothing_behind(app: Flask, bob: Member) -> None:
    before = site_version()
    with pytest.raises(RuntimeError), transaction() as session:
        person = session.get(Member, bob.id)
        assert person is not None
        person.name = "Somebody Else"
        bump_version(session)
        raise RuntimeError
    assert db.session.get_one(Member, bob.id).name == "Bob Barker"
    assert site_version() == before


def test_transactions_do_not_nest(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="inside another"), transaction(), transaction():
        pass


def test_of_two_who_save_the_same_row_the_second_is_told(app: Flask, bob: Member) -> None:
    number = bob.id
    with pytest.raises(Conflict), transaction() as session:
        person = session.get_one(Member, number)
        session.execute(text("UPDATE members SET version = version + 1"))
        person.name = "Rob Barker"
        session.flush()
    assert db.session.get_one(Member, number).name == "Bob Barker"


def test_of_two_who_take_the_same_thing_at_once_the_second_is_told(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("writers take turns there")
    readers.subscriber("ann@example.org")
    with pytest.raises(Conflict, match="Somebody else"):
        readers.subscriber("ann@example.org")


def test_what_is_broken_in_another_way_is_nobody_elses_doing(app: Flask) -> None:
    with pytest.raises(IntegrityError):
        readers.subscriber("ann@example.org", "lost")


def test_no_two_own_the_same_address(app: Flask, bob: Member) -> None:
    with pytest.raises(Invalid, match="taken"), transaction() as session:
        claim_slug(session, "bob-barker", "post:1")


@pytest.mark.parametrize("slug", ["login", "static", "Bob", "a b", "", "-x", "x" * 200])
def test_an_address_that_cannot_be_one_is_refused(app: Flask, slug: str) -> None:
    with pytest.raises(Invalid), transaction() as session:
        claim_slug(session, slug, "post:1")


def test_a_moved_address_leads_on_however_often_it_moved(app: Flask) -> None:
    for old, new in [(None, "one"), ("one", "two"), ("two", "three")]:
        with transaction() as session:
            claim_slug(session, new, "post:1", moved_from=old)
    targets = {r.path: r.target for r in db.session.execute(db.select(Redirect)).scalars()}
    assert targets == {"one": "three", "two": "three"}


def test_a_throttle_counts_in_the_database_and_forgives(app: Flask) -> None:
    for _ in range(3):
        count_try("log-in:bob", 3, 3600, "Too often.")
    with pytest.raises(TooMany) as refused:
        count_try("log-in:bob", 3, 3600, "Too often.")
    assert 0 < refused.value.retry_after <= 3600
    forgive("log-in:bob")
    count_try("log-in:bob", 3, 3600, "Too often.")


def test_a_stranger_sees_an_honest_404(reader: FlaskClient) -> None:
    response = reader.get("/no/such/page")
    assert response.status_code == 404
    assert "Set-Cookie" not in response.headers


def test_an_address_that_a_route_with_a_number_answers_is_refused(app: Flask) -> None:
    with pytest.raises(Invalid, match="page of the site itself"), transaction() as session:
        claim_slug(session, "sitemap-1.xml", "post:1")
    with transaction() as session:
        claim_slug(session, "sitemap-one.xml", "post:1")
