"""The team's pages for admins: who is in it, inviting, roles, shutting out."""

from collections.abc import Callable
from datetime import datetime

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blogapp.admin.blueprint import bp
from blogapp.auth import members as team
from blogapp.auth.blueprint import DESK
from blogapp.auth.forms import AddressForm, InviteForm, MemberForm, ProfileForm, RoleForm, show_problem
from blogapp.auth.links import INVITATION, invitation_expired
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand, may
from blogapp.auth.profile import edit_profile
from blogapp.auth.session import asking, log_out, members_only, tell
from blogapp.core.errors import BlogError, Conflict
from blogapp.core.web import local


@bp.get("/admin/members")
@members_only
def members() -> ResponseReturnValue:
    """Everybody, with role and state."""
    demand(asking(), "member.see")
    return render_template("admin/members.html", members=team.list_members(), state_in_words=state_in_words)


@bp.route("/admin/members/invite", methods=["GET", "POST"])
@members_only
def invite_member() -> ResponseReturnValue:
    """Make a member and mail them an invitation."""
    me = demand(asking(), "member.manage")
    form = InviteForm()
    status, headers = 422 if form.is_submitted() else 200, dict[str, str]()
    if form.validate_on_submit():
        try:
            member, _ = team.invite_new(form.name.data, form.email.data, form.role.data, by=me.id)
        except BlogError as error:
            status, headers = show_problem(form, error)
        else:
            tell(f"{member.name} is invited; the mail is on its way.")
            return redirect(url_for("admin.member", member_id=member.id), code=303)
    return render_template("admin/members_invite.html", form=form), status, headers


@bp.get("/admin/members/<int(max=2147483647):member_id>")
@members_only
def member(member_id: int) -> ResponseReturnValue:
    """One member: what they are, and what can be done about it."""
    demand(asking(), "member.see")
    return _member_page(team.find_member(member_id))


@bp.route("/admin/members/<int(max=2147483647):member_id>/edit", methods=["GET", "POST"])
@members_only
def edit_member(member_id: int) -> ResponseReturnValue:
    """Change a member's name, addresses or text for them."""
    me = demand(asking(), "member.manage")
    member = team.find_member(member_id)
    form = ProfileForm(obj=member)
    saved = None
    status, headers = 422 if form.is_submitted() else 200, dict[str, str]()
    if form.validate_on_submit():
        try:
            edit_profile(member_id, by=me.id, **form.changes())
        except BlogError as error:
            status, headers = show_problem(form, error)
            if isinstance(error, Conflict):
                saved = member
                form.renew_version(member.version)
        else:
            tell(f"The profile of {member.name} is saved.")
            return redirect(url_for("admin.member", member_id=member_id), code=303)
    return render_template("admin/members_edit.html", form=form, member=member, saved=saved), status, headers


@bp.post("/admin/members/<int(max=2147483647):member_id>/role")
@members_only
def change_role(member_id: int) -> ResponseReturnValue:
    """Give a member another role."""
    me = asking()
    form = RoleForm()
    return _act(
        form, member_id, lambda: team.change_role(member_id, form.role.data, by=me.id), "{name} has another role now."
    )


@bp.post("/admin/members/<int(max=2147483647):member_id>/invite")
@members_only
def invite_again(member_id: int) -> ResponseReturnValue:
    """Send an invitation once more, or for the first time to a member that an import made."""
    me = asking()
    form = AddressForm() if team.find_member(member_id).email is None else MemberForm()
    email = form.email.data if isinstance(form, AddressForm) else None
    told = "{name} is invited; the mail is on its way. The links of earlier invitations no longer work."
    return _act(form, member_id, lambda: team.invite(member_id, me.id, email=email), told)


@bp.post("/admin/members/<int(max=2147483647):member_id>/deactivate")
@members_only
def deactivate_member(member_id: int) -> ResponseReturnValue:
    """Shut a member out."""
    me = asking()
    told = "{name} is inactive now, and logged out everywhere."
    answer = _act(MemberForm(), member_id, lambda: team.deactivate(member_id, by=me.id), told)
    if not me.active:
        log_out()
        return redirect("/", code=303)
    return answer


@bp.post("/admin/members/<int(max=2147483647):member_id>/reactivate")
@members_only
def reactivate_member(member_id: int) -> ResponseReturnValue:
    """Let a member in again."""
    me = asking()
    return _act(MemberForm(), member_id, lambda: team.reactivate(member_id, by=me.id), "{name} can log in again.")


def state_in_words(member: Member) -> str:
    """`active`, `invited 3 March, until 17 March`, `invitation ran out 17 March`, `inactive`, …"""
    if member.state != "invited":
        return "inactive, never invited" if member.email is None else member.state
    if member.invited_at is None:
        return "not invited yet"
    end = _day(member.invited_at + INVITATION)
    if invitation_expired(member):
        return f"invitation ran out {end}"
    return f"invited {_day(member.invited_at)}, until {end}"


def _act(form: MemberForm, member_id: int, use_case: Callable[[], object], told: str) -> ResponseReturnValue:
    """Do one thing to a member and go back to their page; a refusal is shown there."""
    demand(asking(), "member.manage")
    member = team.find_member(member_id)
    if not form.validate_on_submit():
        return _member_page(member, form), 422
    try:
        use_case()
    except BlogError as error:
        status, headers = show_problem(form, error)
        return _member_page(team.find_member(member_id), form), status, headers
    tell(told.format(name=member.name))
    if not may(asking(), "member.see"):
        return redirect(DESK, code=303)
    return redirect(url_for("admin.member", member_id=member_id), code=303)


def _member_page(member: Member, form: MemberForm | None = None) -> str:
    """The page of one member; `form` is the one of its forms that was refused."""
    role_form = form if isinstance(form, RoleForm) else RoleForm(formdata=None, role=member.role)
    address_form = form if isinstance(form, AddressForm) else AddressForm(formdata=None)
    return render_template(
        "admin/member.html",
        member=member,
        state=state_in_words(member),
        link=team.invitation_link(member.id, asking().id),
        refused=form,
        role_form=role_form,
        address_form=address_form,
    )


def _day(at: datetime) -> str:
    return f"{local(at).day} {local(at):%B}"
