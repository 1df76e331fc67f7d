"""The permissions walk: every route and method, for every role and a stranger, against a table written by hand."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp.auth.models import Login, Member
from blogapp.core.clock import now
from blogapp.core.db import transaction
from blogapp.core.site import link_key
from blogapp.core.tokens import link_token
from blogapp.digest.models import Digest, Schedule, Sending
from blogapp.porting.jobs.files import new_folder, path_of
from blogapp.porting.jobs.models import Job
from blogapp.posts.models import Attachment, Post, Revision, post_attachments
from blogapp.posts.notes import Note, NoteThread
from blogapp.posts.sections import Section
from blogapp.posts.sharelinks import ShareLink
from blogapp.posts.turnmodels import RotaAway, RotaMember
from tests import people, posts, readers

# One column a role: contributor, author, editor, admin. In each, one sign a case:
#   on a draft of somebody else's, on a public post of somebody else's, on an own draft, on an own public post
#   y: may.  -: may not (403).
ALL = ("yyyy", "yyyy", "yyyy", "yyyy")
EDIT = ("--y-", "--yy", "yyyy", "yyyy")
PUBLISH = ("----", "--yy", "yyyy", "yyyy")
OWN_OR_ANY = ("--yy", "--yy", "yyyy", "yyyy")
OWN_ONLY = ("--yy", "--yy", "--yy", "--yy")
POSTS: dict[tuple[str, str], tuple[str, str, str, str]] = {
    ("authoring.post", "GET"): ALL,
    ("authoring.revisions", "GET"): ALL,
    ("authoring.who_wrote", "GET"): ALL,
    ("authoring.presence", "POST"): EDIT,
    ("authoring.revision", "GET"): ALL,
    ("authoring.digest", "GET"): ALL,
    ("authoring.digest_html", "GET"): ALL,
    ("authoring.digest_progress", "GET"): ALL,
    ("authoring.edit", "GET"): EDIT,
    ("authoring.edit", "POST"): EDIT,
    ("authoring.upload", "POST"): EDIT,
    ("authoring.check_text", "POST"): ALL,
    ("authoring.check_outside", "POST"): EDIT,
    ("authoring.bring_back", "POST"): EDIT,
    ("authoring.delete", "POST"): EDIT,
    # What is deleted is public no more, so an own one is an own draft.
    ("authoring.restore", "POST"): OWN_OR_ANY,
    # Any member adds to any draft. The section in question is its author's own.
    ("authoring.add_section", "GET"): ALL,
    ("authoring.add_section", "POST"): ALL,
    ("authoring.section", "GET"): OWN_OR_ANY,
    ("authoring.section", "POST"): OWN_OR_ANY,
    ("authoring.move_section", "POST"): OWN_OR_ANY,
    ("authoring.remove_section", "POST"): OWN_OR_ANY,
    ("authoring.return_section", "POST"): OWN_OR_ANY,
    # The note in question is its author's own, and nobody deletes somebody else's.
    ("authoring.add_note", "POST"): ALL,
    ("authoring.answer_note", "POST"): ALL,
    ("authoring.settle_thread", "POST"): ALL,
    ("authoring.delete_note", "POST"): OWN_ONLY,
    ("authoring.looks_good", "POST"): ALL,
    ("authoring.publish", "POST"): PUBLISH,
    ("authoring.withdraw", "POST"): PUBLISH,
    ("authoring.open_to_all", "POST"): PUBLISH,
    ("authoring.schedule", "POST"): PUBLISH,
    ("authoring.share", "POST"): EDIT,
    ("authoring.unshare", "POST"): EDIT,
    ("authoring.unschedule", "POST"): PUBLISH,
    ("authoring.hold", "POST"): PUBLISH,
    ("authoring.cancel", "POST"): PUBLISH,
    ("authoring.send_now", "POST"): PUBLISH,
    ("authoring.send_digest", "POST"): PUBLISH,
    ("authoring.send_correction", "POST"): PUBLISH,
    ("authoring.resume", "POST"): PUBLISH,
    ("authoring.doubts", "POST"): PUBLISH,
    ("authoring.test_copy", "POST"): OWN_OR_ANY,
}
# The same columns, for what is about no post.
MEMBERS = ("y", "y", "y", "y")
AUTHORS = ("-", "y", "y", "y")
EDITORS = ("-", "-", "y", "y")
ADMINS = ("-", "-", "-", "y")
OTHERS: dict[tuple[str, str], tuple[str, str, str, str]] = {
    ("authoring.desk", "GET"): MEMBERS,
    ("authoring.new", "GET"): MEMBERS,
    ("authoring.new", "POST"): MEMBERS,
    ("authoring.preview", "POST"): MEMBERS,
    ("authoring.links", "GET"): MEMBERS,
    ("authoring.link", "GET"): MEMBERS,
    ("authoring.change_link", "POST"): EDITORS,
    ("authoring.suggest_links", "GET"): MEMBERS,
    ("authoring.links_typed", "POST"): MEMBERS,
    ("authoring.missed", "GET"): AUTHORS,
    ("authoring.missed", "POST"): AUTHORS,
    ("authoring.forget_missed", "POST"): AUTHORS,
    ("authoring.rota", "GET"): MEMBERS,
    ("authoring.join_rota", "POST"): EDITORS,
    ("authoring.place_in_rota", "POST"): EDITORS,
    ("authoring.skip_week", "POST"): EDITORS,
    ("authoring.swap_weeks", "POST"): EDITORS,
    ("authoring.undo_change", "POST"): EDITORS,
    ("authoring.save_template", "POST"): EDITORS,
    ("authoring.go_away", "POST"): MEMBERS,
    ("authoring.come_back", "POST"): EDITORS,
    ("authoring.join_weeks", "GET"): MEMBERS,
    ("authoring.join_weeks", "POST"): EDITORS,
    ("reading.rename", "POST"): EDITORS,
    ("auth.account", "GET"): MEMBERS,
    ("auth.account", "POST"): MEMBERS,
    ("auth.face", "POST"): MEMBERS,
    ("auth.no_face", "POST"): MEMBERS,
    ("auth.password", "GET"): MEMBERS,
    ("auth.password", "POST"): MEMBERS,
    ("auth.logins", "GET"): MEMBERS,
    ("auth.end_others", "POST"): MEMBERS,
    ("admin.index", "GET"): ADMINS,
    ("admin.members", "GET"): ADMINS,
    ("admin.member", "GET"): ADMINS,
    ("admin.invite_member", "GET"): ADMINS,
    ("admin.invite_member", "POST"): ADMINS,
    ("admin.edit_member", "GET"): ADMINS,
    ("admin.edit_member", "POST"): ADMINS,
    ("admin.change_role", "POST"): ADMINS,
    ("admin.invite_again", "POST"): ADMINS,
    ("admin.deactivate_member", "POST"): ADMINS,
    ("admin.reactivate_member", "POST"): ADMINS,
    ("admin.subscribers", "GET"): ADMINS,
    ("admin.subscriber", "GET"): ADMINS,
    ("admin.change_subscriber", "POST"): ADMINS,
    ("admin.add", "GET"): ADMINS,
    ("admin.add", "POST"): ADMINS,
    ("admin.export", "POST"): ADMINS,
    ("admin.suppressions", "GET"): ADMINS,
    ("admin.suppressions", "POST"): ADMINS,
    ("admin.lift", "POST"): ADMINS,
    ("admin.mail", "GET"): ADMINS,
    ("admin.resume_mail", "POST"): ADMINS,
    ("admin.site", "GET"): ADMINS,
    ("admin.site", "POST"): ADMINS,
    ("admin.logo", "GET"): ADMINS,
    ("admin.logo", "POST"): ADMINS,
    ("admin.no_logo", "POST"): ADMINS,
    ("admin.importing", "GET"): ADMINS,
    ("admin.import_form", "GET"): ADMINS,
    ("admin.begin_import", "POST"): ADMINS,
    ("admin.exporting", "GET"): ADMINS,
    ("admin.begin_export", "POST"): ADMINS,
    ("admin.job", "GET"): ADMINS,
    ("admin.job_progress", "GET"): ADMINS,
    ("admin.job_report", "GET"): ADMINS,
    ("admin.job_file", "GET"): ADMINS,
    ("admin.job_columns", "POST"): ADMINS,
    ("admin.job_step", "POST"): ADMINS,
}
# Open to everybody. What they show to whom is the leak walk's business (test_leaks.py).
OPEN = {
    *((f"reading.{name}", "GET") for name in (
        "home", "page", "archive", "year", "atom", "rss", "json_feed", "feed_by_another_name", "rss_by_another_name",
        "sitemap", "sitemap_file", "robots", "favicon", "attachment", "picture", "theme", "own",
        "face", "logo", "post_card", "site_card", "member_card", "archive_card",
        "search", "opensearch",
        "month", "tags", "tag", "member_feed", "tag_feed", "shared",
    )),
    ("health.healthz", "GET"), ("health.readyz", "GET"), ("static", "GET"),
    ("auth.login", "GET"), ("auth.login", "POST"), ("auth.logout", "POST"),
    ("auth.forgot", "GET"), ("auth.forgot", "POST"),
    ("auth.choose_password", "GET"), ("auth.choose_password", "POST"),
    ("subscribing.sign_up", "GET"), ("subscribing.sign_up", "POST"),
    ("subscribing.confirm", "GET"), ("subscribing.confirm_now", "POST"), ("subscribing.ask_again", "POST"),
    ("subscribing.confirm_address", "GET"), ("subscribing.confirm_address_now", "POST"),
    ("subscribing.unsubscribe", "GET"), ("subscribing.unsubscribe_now", "POST"), ("subscribing.undo", "POST"),
    ("subscribing.preferences", "GET"), ("subscribing.data", "GET"), ("subscribing.change_address", "POST"),
    ("subscribing.choose_frequency", "POST"),
    ("subscribing.keep_address", "POST"), ("subscribing.pause", "POST"), ("subscribing.resume", "POST"),
    ("subscribing.leave", "POST"), ("subscribing.come_back", "POST"),
    ("subscribing.erase", "GET"), ("subscribing.erase_now", "POST"),
}  # fmt: skip
# Their own log-ins only: nobody, of whatever role, can end somebody else's.
OWN_LOGIN = ("auth.end_one", "POST")


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


class World:
    """What the routes' addresses name, made afresh where a request would use it up."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.number = self.link = 0
        self.section = self.thread = self.note = 1
        self.zoe = people.member("Zoe Zephyr", "author")
        posts.article(self.zoe, "tagged", tags=["Zoe Zephyr"])
        self.subscriber = readers.subscriber("ann@example.org")
        self.job = self._job()
        with transaction() as session:
            session.add(RotaMember(member_id=self.zoe.id, position=1))
        self.catch_up = self._catch_up()

    def _catch_up(self) -> int:
        """A month's catch-up that rests."""
        with transaction() as session:
            rests = Sending(subject="Weeks", kind="catch-up", message=b"", last_subscriber_id=1, state="paused")
            session.add(rests)
            session.flush()
            return rests.id

    def _job(self) -> int:
        """An export that is done, with its file."""
        folder = new_folder()
        (path_of(folder) / "notes.zip").write_bytes(b"words")
        with transaction() as session:
            job = Job(kind="export.test", folder=folder, state="done", result="notes.zip", finished_at=now())
            session.add(job)
            session.flush()
            return job.id

    def post(self, author: Member, public: bool, endpoint: str = "") -> int:
        """A post with a revision and a digest, in the state in which the route finds something to do."""
        self.number += 1
        state = "published" if public and endpoint != "authoring.restore" else "draft"
        deleted_at = now() if endpoint == "authoring.restore" else None
        post = posts.article(author, f"article-{self.number}", state=state, deleted_at=deleted_at)
        with transaction() as session:
            session.add(Revision(post_id=post.id, number=1, member_id=author.id, title="One", body="One"))
            sleeps = "waiting" if state == "published" else "withdrawn"
            session.add(Digest(post_id=post.id, state=sleeps, due_at=now() + timedelta(days=1)))
            section = Section(post_id=post.id, member_id=author.id, position=1, title="Boats")
            session.add(section)
            thread = NoteThread(post_id=post.id, quote="Some words.", words="Some words.", place=0)
            thread.notes = [Note(member_id=author.id, body="Which?")]
            session.add(thread)
            session.flush()
            self.section, self.thread, self.note = section.id, thread.id, thread.notes[0].id
            plan = {"publish_at": now() + timedelta(days=1), "with_digest": True}
            session.add(Schedule(post_id=post.id, member_id=author.id, **plan))
            link = ShareLink(post_id=post.id, member_id=author.id, expires_at=now() + timedelta(days=1))
            session.add(link)
            session.flush()
            self.link = link.id
            return post.id

    def away(self) -> int:
        """An absence of Zoe's."""
        with transaction() as session:
            away = RotaAway(member_id=self.zoe.id, first_week=1, last_week=9999)
            session.add(away)
            session.flush()
            return away.id

    def two_drafts(self) -> int:
        """The first of two weeks that Zoe has drafts of."""
        self.number += 2
        for week in (self.number, self.number + 1):
            posts.week(self.zoe, week, state="draft")
        return self.number

    def address(self, endpoint: str, post_id: int = 1) -> str:
        values = {
            "post_id": post_id, "number": 1, "member_id": self.zoe.id, "subscriber_id": self.subscriber,
            "link": self.link,
            "login_id": 1, "act": "ask", "slug": "zoe-zephyr", "year": 2018, "attachment_id": 1, "filename": "x.png",
            "section_id": self.section, "thread_id": self.thread, "note_id": self.note,
            "away_id": self.away() if endpoint == "authoring.come_back" else 1,
            "month": 2, "week": self.two_drafts() if endpoint == "authoring.join_weeks" else 1,
            "kind": "atom", "sending_id": self.catch_up,
            "job_id": self.job, "step": "stop", "what": "archive" if "export" in endpoint else "snips",
            "token": link_token(link_key(), "preferences", self.subscriber),
        }  # fmt: skip
        rule = next(r for r in self.app.url_map.iter_rules() if r.endpoint == endpoint)
        with self.app.test_request_context():
            built = rule.build({name: values[name] for name in rule.arguments})
        assert built is not None
        return built[1]


def verdict(response: object) -> str:
    """`y`, `-` (403) or `?` (asked to log in)."""
    status = getattr(response, "status_code", 0)
    location = getattr(response, "headers", {}).get("Location", "")
    if status == 401 or (status in (302, 303) and location.startswith("/login")):
        return "?"
    assert status < 500, status
    assert status != 404, "the walk has to reach the thing"
    return "-" if status == 403 else "y"


def ask(client: FlaskClient, method: str, address: str) -> str:
    data = {"version": "1", "file": (io.BytesIO(b"words"), "words.txt")} if method == "POST" else None
    return verdict(client.open(address, method=method, data=data, buffered=True))


@pytest.fixture
def world(app: Flask) -> World:
    return World(app)


def test_every_route_stands_in_the_table(app: Flask) -> None:
    assert POSTS.keys() | OTHERS.keys() | OPEN | {OWN_LOGIN} == routes(app)


# Who may is decided by one table in this program, whatever the database.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_posts_every_role_may_what_the_table_says(
    app: Flask,
    world: World,
    log_in: Callable[[Member], FlaskClient],
    carol: Member,
    bob: Member,
    erin: Member,
    alice: Member,
) -> None:
    wrong = []
    for column, member in enumerate((carol, bob, erin, alice)):
        client = log_in(member)
        for (endpoint, method), row in POSTS.items():
            cases = [(world.zoe, False), (world.zoe, True), (member, False), (member, True)]
            found = "".join(
                ask(client, method, world.address(endpoint, world.post(author, public, endpoint)))
                for author, public in cases
            )
            if found != row[column]:
                wrong.append(f"{method} {endpoint} as {member.role}: {found}, not {row[column]}")
    assert wrong == []


def test_elsewhere_every_role_may_what_the_table_says(
    app: Flask, world: World, carol: Member, bob: Member, erin: Member, alice: Member
) -> None:
    wrong = []
    for column, member in enumerate((carol, bob, erin, alice)):
        client = people.log_in(app, member)
        for (endpoint, method), row in OTHERS.items():
            found = ask(client, method, world.address(endpoint))
            if found != row[column]:
                wrong.append(f"{method} {endpoint} as {member.role}: {found}, not {row[column]}")
    assert wrong == []


def test_a_stranger_is_asked_to_log_in_wherever_members_work(app: Flask, world: World, reader: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    for public in (False, True):
        number = world.post(world.zoe, public)
        for endpoint, method in POSTS.keys() | OTHERS.keys() | {OWN_LOGIN}:
            assert ask(reader, method, world.address(endpoint, number)) == "?", (endpoint, method)


def test_a_member_made_inactive_is_a_stranger_at_once(app: Flask, world: World, bob: Member) -> None:
    client = people.log_in(app, bob)
    assert client.get("/write").status_code == 200
    with transaction() as session:
        session.get_one(Member, bob.id).active = False
    assert verdict(client.get("/write")) == "?"


def test_nobody_ends_a_log_in_of_somebody_elses(app: Flask, world: World, alice: Member, bob: Member) -> None:
    people.log_in(app, bob)
    with transaction() as session:
        (theirs,) = session.query(Login.id).where(Login.member_id == bob.id).one()
    response = people.log_in(app, alice).post(f"/account/logins/{theirs}/end")
    assert response.status_code == 404
    with transaction() as session:
        assert session.get(Login, theirs) is not None


def test_a_file_of_a_draft_is_for_members_whatever_their_role(
    app: Flask, world: World, reader: FlaskClient, carol: Member
) -> None:
    number = world.post(world.zoe, public=False)
    with transaction() as session:
        file = Attachment(filename="x.png", media_type="image/png", size_bytes=1, sha256="0" * 64)
        session.add(file)
        session.flush()
        session.execute(post_attachments.insert().values(post_id=number, attachment_id=file.id, shown=True))
        path = f"/files/{file.id}/x.png"
        assert session.get(Post, number) is not None
    assert reader.get(path).status_code == 404
