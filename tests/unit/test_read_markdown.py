"""Reading folders of Jekyll, Hugo and plain Markdown."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blogapp.porting.documents import BadDocument, Document, Item, Leftover, Person, Refusal
from blogapp.porting.services.front import split
from blogapp.porting.services.frontmatter import read
from blogapp.porting.services.templates import translate_hugo, translate_liquid
from blogapp.posts.weeks import Weeks

Put = Callable[..., None]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write a file of the site."""

    def put(name: str, text: str | bytes = "") -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return put


def documents(path: Path) -> dict[str, Document]:
    return {item.name: item for item in read(path) if isinstance(item, Document)}


def only(path: Path) -> Document:
    (found,) = documents(path).values()
    return found


def refusals(path: Path) -> dict[str, str]:
    return {item.path: item.reason for item in read(path) if isinstance(item, Refusal)}


def test_a_post_of_jekylls_has_its_date_and_slug_from_its_name(put: Put, tmp_path: Path) -> None:
    put("_posts/2018-02-09-week-473.md", "---\ntags: baking bread\nauthor: Bob Barker\n---\n\nWe baked.\n")
    found = only(tmp_path)
    at = datetime(2018, 2, 9, tzinfo=UTC)
    assert (found.kind, found.weeks, found.title, found.slug) == ("week", Weeks(473, 473), "Week 473", "week-473")
    assert (found.body, found.format, found.draft) == ("We baked.", "markdown", False)
    assert (found.created_at, found.published_at, found.author) == (at, at, "bob-barker")
    assert (found.tags, found.old_paths) == (("baking", "bread"), ("2018/02/09/week-473.html",))
    assert found.name == found.path == "_posts/2018-02-09-week-473.md"
    assert found.meta == (("tags", "baking bread"), ("author", "Bob Barker"))
    assert found.content.startswith(b"---\ntags")


def test_the_settings_of_a_site_count_for_its_posts(put: Put, tmp_path: Path) -> None:
    put(
        "_config.yml",
        "permalink: pretty\ncollections:\n  recipes: {output: true}\n  notes:\n"
        "defaults:\n  - scope: {path: '', type: posts}\n    values: {author: carol, published: true}\n",
    )
    put("bread/_posts/2018-02-09-rye.md", "---\ntitle: Rye\n---\nDark.")
    put("_recipes/rolls.md", "---\ntitle: Rolls\n---\nFlour.")
    put("_notes/secret.md", "---\ntitle: Secret\n---\nYeast.")
    found = documents(tmp_path)
    rye = found["bread/_posts/2018-02-09-rye.md"]
    assert (rye.author, rye.tags, rye.old_paths) == ("carol", ("bread",), ("bread/2018/02/09/rye",))
    assert (found["_recipes/rolls.md"].kind, found["_recipes/rolls.md"].draft) == ("page", False)
    assert found["_notes/secret.md"].draft
    assert "collection was not published" in found["_notes/secret.md"].warnings[0][1]


@pytest.mark.parametrize(
    ("name", "front", "reason"),
    [
        ("_drafts/idea.md", "title: Idea", ""),
        ("_posts/2018-02-09-a.md", "published: false", ""),
        ("content/posts/a.md", "draft: true\ndate: 2018-02-09", ""),
        ("content/posts/a.md", "date: 2999-01-01", "in the future"),
        ("content/posts/a.md", "date: 2018-02-09\npublishDate: 2999-01-01T10:00:00Z", "in the future"),
        ("content/posts/a.md", "date: 2018-02-09\nexpiryDate: 2019-01-01", "has expired"),
        ("content/posts/a.md", "date: 2018-02-09\nheadless: true", "no page of its own"),
        ("content/posts/a.md", "date: 2018-02-09\nbuild: {render: never}", "no page of its own"),
        ("content/posts/a.md", "date: 2018-02-09\nprivate: true", "not for everybody"),
        ("_posts/2999-02-09-a.md", "title: A", "in the future"),
    ],
)
def test_what_nobody_could_read_there_comes_in_as_a_draft(
    put: Put, tmp_path: Path, name: str, front: str, reason: str
) -> None:
    put(name, f"---\n{front}\n---\nText.")
    found = only(tmp_path)
    assert found.draft
    assert found.published_at is None or found.published_at < datetime.now(UTC)
    assert [text for _, text in found.warnings if reason not in text] == []
    assert bool(found.warnings) == bool(reason)


@pytest.mark.parametrize(
    "cascade",
    [
        "cascade:\n  draft: true",
        "cascade:\n- target: {path: /x}\n  params: {draft: true}",
        "cascade: {build: {render: never}}",
    ],
)
def test_what_a_section_of_hugos_hides_stays_hidden(put: Put, tmp_path: Path, cascade: str) -> None:
    put("hugo.toml", "")
    put("content/private/_index.md", f"---\n{cascade}\n---\n")
    put("content/private/deep/a.md", "---\ndate: 2018-02-09\n---\nNot for everybody.")
    put("content/private/deep/b.md", "---\ndate: 2018-02-09\ndraft: false\nbuild: {}\n---\nFor everybody.")
    put("content/posts/c.md", "---\ndate: 2018-02-09\n---\nFor everybody.")
    found = documents(tmp_path)
    drafts = [found[f"content/{name}"].draft for name in ("private/deep/a.md", "private/deep/b.md", "posts/c.md")]
    assert drafts == [True, False, False]


def test_a_page_bundle_of_hugos_is_one_document_with_the_files_beside_it(put: Put, tmp_path: Path) -> None:
    put(
        "content/posts/bread/index.md",
        '+++\ntitle = "Bread"\ndate = 2018-02-09T10:00:00+01:00\naliases = ["/old/bread/", "x?a=1"]\n'
        'slug = "our-bread"\n+++\n![loaf](loaf.jpg) ![map](/img/map.png) ![gone](gone.png)\n',
    )
    put("content/posts/bread/loaf.jpg")
    put("content/posts/bread/notes.md", "Only for us.")
    put("static/img/map.png")
    put("content/posts/_index.md", "---\ntitle: Posts\n---\n")
    items = list(read(tmp_path))
    assert [type(item) for item in items] == [Leftover, Document]
    found = only(tmp_path)
    assert found.body == ("![loaf](/content/posts/bread/loaf.jpg) ![map](/static/img/map.png) ![gone](gone.png)")
    assert found.image_roots == ("/",)
    assert (found.slug, found.old_paths) == ("our-bread", ("posts/our-bread", "old/bread", "x"))
    assert found.published_at == datetime(2018, 2, 9, 9, tzinfo=UTC)
    assert only(tmp_path / "content").name == found.name


def test_json_front_matter_authors_and_links_between_files_are_understood(put: Put, tmp_path: Path) -> None:
    put("content/about.md", '{"title": "About", "author": {"name": "Zoë O\'Neill", "email": "z@example.org"}}\n\nUs.')
    put("content/posts/2018-01-02-hi.md", "---\nauthors: [Bob, Carol]\n---\nSee [us](../about.md#who).")
    people = [item for item in read(tmp_path) if isinstance(item, Person)]
    assert [(p.slug, p.name, p.email) for p in people] == [
        ("zoe-o-neill", "Zoë O'Neill", "z@example.org"),
        ("bob", "Bob", ""),
        ("carol", "Carol", ""),
    ]
    found = documents(tmp_path)
    assert (found["content/about.md"].kind, found["content/about.md"].author) == ("page", "zoe-o-neill")
    hi = found["content/posts/2018-01-02-hi.md"]
    assert (hi.body, hi.author, hi.signers, hi.slug) == ("See [us](/about#who).", "bob", frozenset({"carol"}), "hi")
    assert hi.published_at == datetime(2018, 1, 2, tzinfo=UTC)


def test_listed_authors_are_named_by_their_keys(put: Put, tmp_path: Path) -> None:
    put("_data/authors.yml", "bob:\n  name: Bob Barker\n  email: bob@example.org\n")
    put("_posts/2018-02-09-a.md", "---\nauthor: bob\n---\nText.")
    person, document = read(tmp_path)
    assert isinstance(person, Person)
    assert isinstance(document, Document)
    assert (person.name, person.email, document.author) == ("Bob Barker", "bob@example.org", person.slug)


def test_values_are_what_was_written_and_not_what_yaml_makes_of_them(put: Put, tmp_path: Path) -> None:
    put("_posts/2018-02-09-a.md", "---\ntitle: 10:30\nnorway: No\ndate: 2018-02-09 10:22 +0100\n---\nText.")
    put("_posts/2018-02-10-b.md", "---\ntitle: <script>alert(1)</script>\n---\nText.")
    first, second = documents(tmp_path).values()
    assert (first.title, first.published_at) == ("10:30", datetime(2018, 2, 9, 9, 22, tzinfo=UTC))
    assert ("norway", "No") in first.meta
    assert second.title == "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("---\na: &a [x, x]\nb: [*a, *a]\n---\n", "anchor"),
        ("---\na: !!python/object/apply:os.system [ls]\n---\n", "cannot be read"),
        ("---\na: !own x\n---\n", "tag of its own"),
        ("---\ntitle: a\ntitle: b\n---\n", "`title` a second time"),
        ("---\na: " + "[" * 40 + "]" * 40 + "\n---\n", "20 levels"),
        ("---\na: " + "x" * 70_000 + "\n---\n", "larger than 64 kB"),
        ("---\n- a\n---\n", "no list of"),
        ("---\ntitle: a\n", "no end"),
        ("---\ndate: 2018-13-45\n---\n", "month"),
        ("---\ndate: soon\n---\n", "`date` is not a date"),
        ("---\ndraft: perhaps\n---\n", "true or false"),
        ("+++\na = [[[\n+++\n", "cannot be read"),
        ("+++\na = " + "[" * 9000 + "\n+++\n", "cannot be read"),
        ('{"a": ' + "[" * 9000, "no JSON"),
        (b"---\ntitle: caf\xe9\n---\n", "not UTF-8"),
        (b"\x89PNG\0\0", "binary"),
        (b"x" * 5_000_001, "larger than 5 MB"),
        ("---\ntitle: a\n---\n" + "word " * 300_000, "longer than"),
        ("---\ntitle: a\n---\n" + "{{< a " * 3000, "template tags"),
    ],
)
def test_a_hostile_file_is_refused_by_name_and_the_next_one_is_read(
    put: Put, tmp_path: Path, text: str | bytes, reason: str
) -> None:
    put("content/posts/bad.md", text)
    put("content/posts/good.md", "---\ntitle: Good\ndate: 2018-02-09\n---\nFine.")
    assert reason in refusals(tmp_path)["content/posts/bad.md"]
    assert only(tmp_path).title == "Good"


def test_links_out_of_the_folder_are_refused_and_never_followed(put: Put, tmp_path: Path) -> None:
    put("secret.md", "---\ntitle: Secret\n---\nSecret.")
    put("secret.png")
    put("site/content/posts/a.md", "---\ndate: 2018-02-09\n---\n![x](../../../secret.png) ![y](y.png)")
    (tmp_path / "site/content/posts/b.md").symlink_to(tmp_path / "secret.md")
    (tmp_path / "site/content/posts/c").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "site/content/posts/y.png").symlink_to(tmp_path / "secret.png")
    assert set(refusals(tmp_path / "site")) == {"content/posts/b.md", "content/posts/c"}
    assert only(tmp_path / "site").body == "![x](../../../secret.png) ![y](y.png)"


def test_files_that_are_no_documents_are_left_alone_or_named(put: Put, tmp_path: Path) -> None:
    put("_config.yml", "title: x")
    put("_layouts/post.html", "---\n---\n{{ content }}")
    put("_site/old.md", "---\n---\nBuilt.")
    put("README.md", "How to build.")
    put("index.html", "---\nlayout: home\n---\n{% for p in site.posts %}{% endfor %}")
    put("notes.md", "No front matter.")
    put("guide.adoc", "= Guide")
    items: list[Item] = list(read(tmp_path))
    assert [type(item) for item in items] == [Refusal, Leftover, Refusal]
    assert refusals(tmp_path) == {
        "guide.adoc": "it is written in AsciiDoc, which is not read here",
        "notes.md": "it has no front matter",
    }


def test_liquid_is_said_plainly_and_the_rest_is_named_with_its_line() -> None:
    text = (
        "![a]({{ site.baseurl }}/a.png)\n{% highlight ruby %}\nputs '{{ x }}'\n{% endhighlight %}\n"
        "{% raw %}{{ kept }}{% endraw %}\n[b]({% post_url 2018-01-02-hello %}) {% include c.html %}"
    )
    assert translate_liquid(text, 10) == (
        "![a](/a.png)\n```ruby\nputs '{{ x }}'\n```\n{{ kept }}\n[b](/hello) {% include c.html %}",
        ((15, "{% include c.html %} stays as text"),),
    )


def test_shortcodes_are_said_plainly_and_the_rest_is_named_with_its_line() -> None:
    text = (
        '{{< figure src="a.png" caption="A > b" >}}\n{{< ref "x/hello.md#there" >}} {{</* as/it/is */>}}\n{{% note %}}'
    )
    assert translate_hugo(text) == (
        '<figure><img src="a.png" alt="A &gt; b"><figcaption>A &gt; b</figcaption></figure>\n'
        "/hello#there {{< as/it/is >}}\n{{% note %}}",
        ((3, "{{% note %}} stays as text"),),
    )


def test_front_matter_needs_no_keys_and_no_front_matter_is_all_body() -> None:
    assert split("---\n---\nText").body == "Text"
    assert split("Text\n---\nmore").body == "Text\n---\nmore"
    assert split("\ufeff---\r\ntitle: x\r\n---\r\nText").text("title") == "x"
    with pytest.raises(BadDocument):
        split("---\ntitle: x")
