"""That a draft is to be published by itself: what a floor above plans, handed down by `app.py`."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, current_app
from sqlalchemy.orm import Session

from blogapp.posts.models import Post

EXTENSION = "blogapp.plans"


@dataclass(frozen=True)
class Plans:
    """`live`: whether it still happens by itself. `forget`: it never will, in the caller's transaction."""

    live: Callable[[Session, Post], bool]
    forget: Callable[[Session, Post], None]


def hand_down_plans(app: Flask, plans: Plans) -> None:
    """Let this floor ask and end what the floor above plans."""
    app.extensions[EXTENSION] = plans


def is_planned(session: Session, post: Post) -> bool:
    """Whether the post is to be published by itself."""
    plans: Plans = current_app.extensions[EXTENSION]
    return plans.live(session, post)


def forget_plan(session: Session, post: Post) -> None:
    """End whatever was to happen to a post by itself, tried and stopped or not."""
    plans: Plans = current_app.extensions[EXTENSION]
    plans.forget(session, post)
