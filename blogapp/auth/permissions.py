"""Who may do what: one table.

A row is an act, a column a role. ANY: on anybody's things. OWN: on what they wrote. DRAFT: on their own drafts, never
on what readers can see. A blank is a no. Readers and subscribers are no members and stand in no row.
"""

from blogapp.auth.models import Member
from blogapp.core.errors import NotAllowed

ANY, OWN, DRAFT, NO = "any", "own", "draft", ""

TABLE: dict[str, tuple[str, str, str, str]] = {
    #                      admin  editor author contributor
    "post.write":         (ANY,   ANY,   ANY,   ANY),    # begin a new post
    "post.see":           (ANY,   ANY,   ANY,   ANY),    # read drafts and withdrawn posts, and their revisions
    "post.edit":          (ANY,   ANY,   OWN,   DRAFT),  # save, restore a revision, attach files
    "section.add":        (ANY,   ANY,   ANY,   ANY),    # add a signed section to a draft, change or remove one's own
    "note.add":           (ANY,   ANY,   ANY,   ANY),    # leave a note on a draft, mark one as done, say "looks good"
    "post.publish":       (ANY,   ANY,   OWN,   NO),
    "post.withdraw":      (ANY,   ANY,   OWN,   NO),
    "post.delete":        (ANY,   ANY,   OWN,   DRAFT),  # and bring it back within 30 days
    "post.credit":        (ANY,   ANY,   NO,    NO),     # make somebody else its author
    "tag.manage":         (ANY,   ANY,   NO,    NO),     # rename a tag, or make one of two
    "link.manage":        (ANY,   ANY,   NO,    NO),     # give a reference link another address or label everywhere
    "week.explain":       (ANY,   ANY,   ANY,   NO),     # say why there is no note about a week
    "rota.manage":        (ANY,   ANY,   NO,    NO),     # the order, who takes which week, the week's template
    "rota.away":          (ANY,   ANY,   OWN,   OWN),    # say when somebody is away
    "digest.see":         (ANY,   ANY,   ANY,   ANY),    # how it is doing, and the digest itself before it leaves
    "digest.test":        (ANY,   ANY,   OWN,   OWN),    # a test copy to oneself
    "digest.control":     (ANY,   ANY,   OWN,   NO),     # send now, hold, cancel
    "member.see":         (ANY,   NO,    NO,    NO),
    "member.manage":      (ANY,   NO,    NO,    NO),     # invite, change a role, make inactive
    "subscriber.see":     (ANY,   NO,    NO,    NO),
    "subscriber.manage":  (ANY,   NO,    NO,    NO),
    "site.settings":      (ANY,   NO,    NO,    NO),
    "site.port":          (ANY,   NO,    NO,    NO),     # import and export in the background
}  # fmt: skip

COLUMN = {"admin": 0, "editor": 1, "author": 2, "contributor": 3}


def may(member: Member | None, act: str, *, owner_id: int | None = None, public: bool = False) -> bool:
    """Whether `member` may do `act`.

    Args:
        owner_id: who wrote the thing; None where the act is on nothing in particular.
        public: whether readers can see the thing.
    """
    if member is None or not member.active:
        return False
    scope = TABLE[act][COLUMN[member.role]]
    if scope == ANY:
        return True
    own = owner_id is not None and owner_id == member.id
    return own and (scope == OWN or (scope == DRAFT and not public))


def demand(member: Member | None, act: str, *, owner_id: int | None = None, public: bool = False) -> Member:
    """The member, if they may.

    Raises:
        NotAllowed: they may not.
    """
    if member is None or not may(member, act, owner_id=owner_id, public=public):
        raise NotAllowed("Your role does not allow this. An editor or an admin of the team can do it.")
    return member
