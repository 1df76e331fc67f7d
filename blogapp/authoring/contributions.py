"""The sections of a draft as its pages show them, and the form for another one."""

from dataclasses import dataclass
from typing import Any

from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import Optional
from wtforms.widgets import HiddenInput

from blogapp.auth.permissions import may
from blogapp.auth.session import asking
from blogapp.core.db import db
from blogapp.posts.contributing import may_change
from blogapp.posts.models import Post
from blogapp.posts.sections import Section, sections_of


class SectionForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    """What a section says. `version` is that of one that is changed."""

    title = StringField("Title", id="section-title")
    url = StringField("Link", id="section-url")
    body = TextAreaField("Comment", id="section-body")
    version = IntegerField(id="section-version", widget=HiddenInput(), validators=[Optional()])
    beside = HiddenField()


@dataclass(frozen=True)
class Row:
    """A section in the list; what the one who asks may do to it."""

    section: Section
    changeable: bool


def sections_shown(post: Post, form: SectionForm | None = None) -> dict[str, Any]:
    """What templates/authoring/_sections.html needs: of a draft its sections, and the form for another one."""
    if post.state != "draft" or post.deleted_at is not None:
        return {"sections": [], "section_form": None}
    rows = [Row(one, may_change(asking(), one, post)) for one in sections_of(db.session(), post.id)]
    takes = post.format == "markdown" and may(asking(), "section.add", owner_id=post.author_id)
    return {"sections": rows, "section_form": (form or SectionForm(formdata=None)) if takes else None}
