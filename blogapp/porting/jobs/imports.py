"""The imports that can be begun in the browser: each hands the job to its use case."""

from functools import partial

from blogapp.core.errors import Invalid
from blogapp.porting.elsewhere import import_posts
from blogapp.porting.jobs.context import Running
from blogapp.porting.jobs.kinds import Kind
from blogapp.porting.jobs.lists import TICKS, subscribers
from blogapp.porting.lists.words import SAID


def posts(job: Running, origin: str) -> None:
    """Posts of one origin, or of whatever it is found to be."""
    with job.unpacked() as found, job.unpacked("images") as images:
        if found is None:
            raise Invalid("There is no file to import.")
        import_posts(
            found, origin, images=images, by=job.by, dry_run=job.dry_run, report=job.report, on_progress=job.on_progress
        )


KINDS = (
    Kind(
        name="import.snips",
        label="Snips",
        run=partial(posts, origin="snips"),
        about="Markdown or HTML files that end in :key: value lines. A .zip of their folders, or one file.",
        takes=(".zip", ".snip.markdown", ".snip.md", ".snip.html"),
        images=True,
    ),
    Kind(
        name="import.ghost",
        label="Ghost",
        run=partial(posts, origin="ghost"),
        about="The .json file of Settings, Advanced, Import/Export. Its content/images goes along as a .zip.",
        takes=(".json", ".zip"),
        images=True,
    ),
    Kind(
        name="import.wordpress",
        label="WordPress",
        run=partial(posts, origin="wordpress"),
        about="The .xml file of Tools, Export. Its wp-content/uploads goes along as a .zip.",
        takes=(".xml", ".zip"),
        images=True,
    ),
    Kind(
        name="import.markdown",
        label="Jekyll, Hugo, Markdown",
        run=partial(posts, origin="markdown"),
        about="A .zip of the site’s folder: Markdown with front matter, and its images.",
        takes=(".zip", ".md", ".markdown"),
    ),
    Kind(
        name="import.substack",
        label="Substack",
        run=partial(posts, origin="substack"),
        about="The .zip of Settings, Import/Export, as it is.",
        takes=(".zip",),
        images=True,
    ),
    Kind(
        name="import.subscribers",
        label="Subscribers",
        run=subscribers,
        about="A .csv file of Ghost, Mailchimp, Buttondown, Substack, listmonk or anything else. Who has unsubscribed "
        "or bounced stays so; nobody is mailed unless you ask for it.",
        takes=(".csv", ".txt"),
        brings="subscribers",
        ticks=TICKS,
        words={str(outcome): words for outcome, words in SAID.items()},
    ),
)
