"""What a developer writes in an afternoon: Flask, the ORM, a template. The yardstick below `benchmarks/reading.py`.

It reads the same database with the same models and shows the same words, without a cache, an ETag or compression.
"""

from datetime import UTC, datetime
from typing import Any

from flask import Flask, abort, render_template_string, request
from sqlalchemy import select

from blogapp.core import config
from blogapp.core.db import db, init_db
from blogapp.posts.models import Post

FRAME = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<link rel="stylesheet" href="/static/site.css"></head><body>
<header><a href="/">Home</a></header><main><h1>{{ title }}</h1>
%s</main></body></html>"""
LIST = FRAME % (
    '{% for post in posts %}<article><h2><a href="/{{ post.slug }}">{{ post.title }}</a></h2>'
    "<p>{{ post.author.name }}, {{ post.published_at.date() }}</p><p>{{ post.summary }}</p></article>{% endfor %}"
)
ONE = FRAME % "<p>{{ post.author.name }}, {{ post.published_at.date() }}</p>{{ post.html | safe }}"
FEED = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Feed</title>{% for post in posts %}<entry>
<title>{{ post.title }}</title><id>{{ post.id }}</id><updated>{{ post.updated_at.isoformat() }}</updated>
<content type="html">{{ post.html }}</content></entry>{% endfor %}</feed>"""


def make() -> Flask:
    """The application; settings from the environment, as blogapp's own."""
    app = Flask("plain")
    app.extensions[config.EXTENSION] = chosen = config.load()
    init_db(app, chosen.database_url)

    def newest(limit: int, *conditions: Any) -> list[Post]:
        query = select(Post).where(Post.state == "published", *conditions).order_by(Post.published_at.desc())
        return list(db.session.execute(query.limit(limit)).unique().scalars())

    @app.get("/")
    def home() -> str:
        return render_template_string(LIST, title="Home", posts=newest(24))

    @app.get("/archive")
    def archive() -> str:
        return render_template_string(LIST, title="Archive", posts=newest(800, Post.kind == "week"))

    @app.get("/archive/<int:year>")
    def one_year(year: int) -> str:
        start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
        about = newest(400, Post.published_at >= start, Post.published_at < end)
        return render_template_string(LIST, title=str(year), posts=about)

    @app.get("/search")
    def search() -> str:
        return render_template_string(LIST, title="Search", posts=newest(20, Post.body.contains(request.args["q"])))

    @app.get("/feed.atom")
    def feed() -> str:
        return render_template_string(FEED, posts=newest(20))

    @app.get("/<slug>")
    def one(slug: str) -> str:
        post = db.session.execute(select(Post).where(Post.slug == slug)).unique().scalar_one_or_none()
        return render_template_string(ONE, title=post.title, post=post) if post else abort(404)

    return app
