"""Who writes what readers can see: every use case that writes, by introspection, and what its transactions do."""

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType

from sqlalchemy import Connection, Engine, event, inspect

import blogapp

# The tables that public pages are made of (a test holds this to what they ask for).
PUBLIC_TABLES = frozenset(["site", "posts", "members", "tags", "post_tags", "missed_weeks", "post_credits"])
# Use cases that write these tables without raising the version, because readers see nothing of it, or not always:
# a scenario runs each and compares what readers see (test_versions.py).
COMPARED = frozenset(
    """
    admin.logo.remove_logo admin.logo.set_logo admin.site.choose
    auth.authentication._renew
    auth.members.add_member auth.members.change_role auth.members.deactivate auth.members.invite
    auth.members.invite_new auth.members.reactivate auth.members.set_password
    auth.faces.remove_face auth.faces.set_face
    auth.profile.change_password auth.profile.edit_profile
    auth.resets.choose_password
    digest.publishing.delete digest.publishing.open_to_all digest.publishing.publish digest.publishing.withdraw
    digest.scheduling._publish
    porting.making._write porting.making.keep_leftover porting.matching.adopt porting.people._bring
    porting.portraits._give
    posts.attachments.attach posts.attachments.bring_back_attachment
    posts.attachments.remove_attachment posts.sweeping._sweep_some
    posts.contributing._change posts.contributing.add_section
    posts.deleted._purge posts.deleted.restore_post
    posts.joining.join_next posts.missed.forget_missed posts.missed.record_missed posts.monday.begin_week
    posts.rendering._renew posts.retagging._in_one_act
    posts.rotachanges.skip_week posts.rotachanges.swap_weeks posts.rotachanges.undo_change
    posts.writing.create_post posts.writing.restore_revision posts.writing.save_post
    """.split()
)
# All others. They may write no public table without raising the version: every test that runs them is watched.
ELSEWHERE = frozenset(
    """
    auth.logins.begin_login auth.logins.end_login auth.logins.end_other_logins auth.logins.forget_ended_logins
    auth.logins.note_seen auth.resets.ask_for_reset
    core.heartbeat.beat core.throttle.count_try core.throttle.forgive core.throttle.sweep
    delivery.outbox._claim delivery.outbox._renew delivery.outbox._write delivery.outbox.forget_old_mail
    digest.claims.claim_batches digest.claims.claim_retries digest.claims.release_retries digest.claims.renew_batches
    digest.claims.renew_retries digest.compose.send_test_copy digest.controls.resume_now digest.controls.settle_doubts
    digest.controls.resume_sending_now
    digest.feedback.take_in
    digest.instance.resume_sending
    digest.beginning._holds digest.beginning._postpone digest.beginning.unchanged digest.correcting.send_correction
    digest.planning._plan_next
    digest.holding._control digest.publishing.send_digest
    digest.scheduling._stop digest.scheduling.schedule digest.scheduling.unschedule
    digest.settling._finish digest.settling.pause digest.settling.rest digest.settling.resume
    digest.settling.settle_batches digest.settling.settle_retry
    posts.nudging.nudge posts.rotaorder.come_back posts.rotaorder.go_away posts.rotaorder.join_rota
    posts.rotaorder.leave_rota posts.rotaorder.move_in_rota posts.weektemplate.save_template
    posts.noting.add_note posts.noting.answer_note posts.noting.delete_note posts.noting.say_looks_good
    posts.noting.settle_thread posts.noting.take_back_looks_good
    posts.presence.note_presence posts.presence.end_presence
    porting.jobs.claims.claim porting.jobs.queue.begin_job porting.jobs.queue.delete_job
    porting.jobs.queue.forget_old_jobs porting.jobs.queue.go_on porting.jobs.queue.preview_again
    porting.jobs.queue.run_for_real porting.jobs.queue.stop_job porting.jobs.running.Pulse._write
    porting.jobs.running._settle porting.jobs.running.run_next porting.lists.importing.import_subscribers
    posts.sweeping._discard_here posts.hub._claim posts.hub._settle posts.links._forget
    posts.outside._claim posts.outside._note posts.outside._put_back posts.outside.ask_outside
    posts.outside.forget_outside_links
    posts.relinking._take_step posts.retagging._index_posts posts.searching.rebuild
    posts.sharelinks.share posts.sharelinks.withdraw_link
    subscribing.adding.add_subscribers subscribing.managing.ask_for subscribing.managing.lift_suppression
    subscribing.managing.note_export subscribing.managing.suppress_address subscribing.managing.unsubscribe_for
    subscribing.moving.change_address subscribing.moving.confirm_address subscribing.moving.keep_address
    subscribing.privacy.erase subscribing.privacy.forget_pending
    subscribing.signing_up.ask_again subscribing.signing_up.confirm subscribing.signing_up.sign_up
    subscribing.subscribers.choose_frequency
    subscribing.subscribers.come_back subscribing.subscribers.pause subscribing.subscribers.resume
    subscribing.subscribers.unsubscribe
    """.split()
)
WRITE = re.compile(r'\s*(?:WITH\b.*?\)\s*)?(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.DOTALL)
RAISES = "SET version = version + 1"
ROOT = Path(blogapp.__file__).parent


@cache
def writers() -> frozenset[str]:
    """Every function of the program that begins a writing transaction, as `posts.writing.save_post`."""
    found: set[str] = set()

    def visit(node: ast.AST, name: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                visit(child, f"{name}.{child.name}")
                continue
            if isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id == "transaction":
                found.add(name)
            visit(child, name)

    for path in ROOT.rglob("*.py"):
        source = path.read_text("utf-8")
        if "transaction(" in source:  # parsing all of them takes a second
            visit(ast.parse(source), ".".join(path.relative_to(ROOT).with_suffix("").parts))
    return frozenset(found)


@dataclass
class Watch:
    """What has been seen since it began."""

    ran: set[str] = field(default_factory=set)
    # Writers that changed a public table and did not raise the version, with the tables.
    unraised: dict[str, set[str]] = field(default_factory=dict)


@contextmanager
def watched(engine: Engine) -> Iterator[Watch]:
    """Watch every transaction of the use cases on this engine."""
    watch = Watch()

    def wrote(connection: Connection, _: object, statement: str, *__: object) -> None:
        found = WRITE.match(statement)
        if found:
            if "watched" not in connection.info:  # The first of a transaction: looking through the stack is dear.
                connection.info["watched"] = set(), _writer(sys._getframe())
            connection.info["watched"][0].add("raised" if RAISES in statement else found[1])

    def committed(connection: Connection) -> None:
        tables, writer = connection.info.pop("watched", (set(), None))
        if writer is None:
            # A test's own, which means to be seen; or a migration that has taken the table away with all others.
            if tables & PUBLIC_TABLES and inspect(connection).has_table("site"):
                connection.connection.cursor().execute("UPDATE site SET version = version + 1")
            return
        watch.ran.add(writer)
        if "raised" not in tables and (seen := tables & PUBLIC_TABLES):
            watch.unraised.setdefault(writer, set()).update(seen)

    def undone(connection: Connection) -> None:
        if not connection.invalidated:  # Given up: what it knew went with it.
            connection.info.pop("watched", None)

    events = (("before_cursor_execute", wrote), ("commit", committed), ("rollback", undone))
    for name, call in events:
        event.listen(engine, name, call)
    yield watch
    for name, call in events:
        event.remove(engine, name, call)


def _writer(frame: FrameType | None) -> str | None:
    """The use case whose transaction this is: the innermost function on the stack that begins one."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("blogapp."):
            name = f"{module.removeprefix('blogapp.')}.{frame.f_code.co_qualname}"
            if name in writers():
                return name
        frame = frame.f_back
    return None
