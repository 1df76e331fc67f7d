"""What lets readers find a post: tags' pages, posts that share its links, the glossary, the search; and its credits."""

from sqlalchemy.orm import Session

from blogapp.posts.credits import keep_credits
from blogapp.posts.glossary import keep_glossary
from blogapp.posts.links import keep_links
from blogapp.posts.models import Post
from blogapp.posts.searching import index_post
from blogapp.posts.tags import show_tags


def keep_findable(session: Session, post: Post) -> None:
    """Follow what a post says and who sees it. Every write that changes either calls it, as the last of its acts.

    It joins the caller's transaction, and flushes what that has changed.
    """
    session.flush()
    keep_credits(session, post)
    show_tags(session, post)
    keep_links(session, post)
    keep_glossary(session, post)
    index_post(session, post)
