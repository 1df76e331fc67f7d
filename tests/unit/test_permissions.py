"""The table of permissions, said again in words: who changes one has to change the other."""

import pytest

from blogapp.auth.models import ROLES, Member
from blogapp.auth.permissions import COLUMN, TABLE, demand, may
from blogapp.core.errors import NotAllowed

EVERYBODY = set(ROLES)
EDITORS = {"admin", "editor"}
AUTHORS = {"admin", "editor", "author"}
ADMINS = {"admin"}

# sentence -> act, whose thing it is, whether readers see it, who may
OWN, OTHER = "own", "somebody else's"
WORDS: dict[str, tuple[str, str, bool, set[str]]] = {
    "begin a post": ("post.write", OWN, False, EVERYBODY),
    "read a colleague's draft": ("post.see", OTHER, False, EVERYBODY),
    "edit their own draft": ("post.edit", OWN, False, EVERYBODY),
    "edit their own published post": ("post.edit", OWN, True, AUTHORS),
    "edit a colleague's draft": ("post.edit", OTHER, False, EDITORS),
    "edit a colleague's published post": ("post.edit", OTHER, True, EDITORS),
    "publish their own draft": ("post.publish", OWN, False, AUTHORS),
    "publish a colleague's draft": ("post.publish", OTHER, False, EDITORS),
    "withdraw their own post": ("post.withdraw", OWN, True, AUTHORS),
    "withdraw a colleague's post": ("post.withdraw", OTHER, True, EDITORS),
    "delete their own draft": ("post.delete", OWN, False, EVERYBODY),
    "delete their own published post": ("post.delete", OWN, True, AUTHORS),
    "delete a colleague's draft": ("post.delete", OTHER, False, EDITORS),
    "make somebody else the author of their post": ("post.credit", OWN, False, EDITORS),
    "make somebody else the author of a colleague's post": ("post.credit", OTHER, True, EDITORS),
    "add a section to a colleague's draft": ("section.add", OTHER, False, EVERYBODY),
    "leave a note on a colleague's draft": ("note.add", OTHER, False, EVERYBODY),
    "rename a tag": ("tag.manage", OTHER, True, EDITORS),
    "change the rota": ("rota.manage", OTHER, True, EDITORS),
    "say when they are away from the rota": ("rota.away", OWN, True, EVERYBODY),
    "give a reference link another address": ("link.manage", OTHER, True, EDITORS),
    "say why there is no note about a week": ("week.explain", OTHER, True, AUTHORS),
    "see how a colleague's digest is doing": ("digest.see", OTHER, True, EVERYBODY),
    "send themselves a test copy of their own post": ("digest.test", OWN, False, EVERYBODY),
    "send themselves a test copy of a colleague's post": ("digest.test", OTHER, False, EDITORS),
    "hold the digest of their own post": ("digest.control", OWN, True, AUTHORS),
    "hold the digest of a colleague's post": ("digest.control", OTHER, True, EDITORS),
    "see the list of members": ("member.see", OTHER, False, ADMINS),
    "invite, promote or shut out a member": ("member.manage", OTHER, False, ADMINS),
    "see subscribers": ("subscriber.see", OTHER, False, ADMINS),
    "add or erase subscribers": ("subscriber.manage", OTHER, False, ADMINS),
    "change the site's settings": ("site.settings", OTHER, False, ADMINS),
    "import and export the site": ("site.port", OTHER, False, ADMINS),
}


def person(role: str, *, active: bool = True) -> Member:
    return Member(id=7, name="Pat", slug="pat", role=role, active=active)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("sentence", WORDS)
def test_who_may(sentence: str, role: str) -> None:
    act, whose, public, allowed = WORDS[sentence]
    owner_id = 7 if whose == OWN else 8
    assert may(person(role), act, owner_id=owner_id, public=public) == (role in allowed), f"{role}: {sentence}"


def test_every_act_and_every_role_is_said_in_words() -> None:
    assert {act for act, *_ in WORDS.values()} == set(TABLE)
    assert set(COLUMN) == set(ROLES)


@pytest.mark.parametrize("act", TABLE)
def test_a_stranger_and_an_inactive_admin_may_nothing(act: str) -> None:
    assert not may(None, act, owner_id=7)
    assert not may(person("admin", active=False), act, owner_id=7)


@pytest.mark.parametrize("role", ["author", "contributor"])
def test_what_belongs_to_nobody_is_not_ones_own(role: str) -> None:
    assert not may(person(role), "post.edit", owner_id=None)


def test_demand_gives_the_member_back_or_refuses() -> None:
    author = person("author")
    assert demand(author, "post.publish", owner_id=7) is author
    with pytest.raises(NotAllowed, match="editor or an admin"):
        demand(author, "post.publish", owner_id=8)
    with pytest.raises(NotAllowed):
        demand(None, "post.see")
