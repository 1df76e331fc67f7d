"""The people of a history: everybody who signs a document or has a page of their own, as members of the site."""

from blogapp.auth.members import add_member, deactivate, find_member, reactivate
from blogapp.auth.profile import edit_profile
from blogapp.core.errors import NotFound
from blogapp.porting.snips.templating import humanise
from tests.replay.documents import name_of, read_file
from tests.replay.history import Step


class Team:
    """A co-op of equals: all are editors, who may mend anybody's text; an admin owns what nobody signed."""

    def __init__(self) -> None:
        self.admin_id = add_member("Cleo Clerk", "clerk@team.test", role="admin").id
        self.ids: dict[str, int] = {}

    def member(self, slug: str) -> int:
        """The id of the member with this slug, who joins the site when they are first heard of."""
        if slug not in self.ids:
            self.ids[slug] = add_member(humanise(slug), f"{slug}@team.test", role="editor", slug=slug).id
        return self.ids[slug]

    def show(self, step: Step) -> None:
        """A page about somebody is their profile; without it they have left the team."""
        number = self.member(name_of(step.path))
        member = find_member(number)
        if step.act == "deleted":
            deactivate(number, by=self.admin_id)
            return
        if not member.active:
            reactivate(number, by=self.admin_id)
            member = find_member(number)
        assert member.email
        edit_profile(
            number,
            member.version,
            name=member.name,
            email=member.email,
            slug=member.slug,
            bio=read_file(step.path, step.content).body,
            by=number,
        )


def bio_of(slug: str) -> str | None:
    """What the page of the active member with this slug says."""
    try:
        member = find_member(slug)
    except NotFound:
        return None
    return member.bio if member.active else None
