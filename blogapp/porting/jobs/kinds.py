"""What a kind of job is: what it takes, how it is called, and the function that does it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from blogapp.porting.jobs.context import Running


class Run(Protocol):
    """Does the job: calls a use case, hands it `job.report` and `job.on_progress`, raises what the use case raises.

    It may be run again after it was stopped or killed at any point, and then does what is left to do.
    """

    def __call__(self, job: Running, /) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of job.

    name: `import.snips`: what it does, then what with.
    about: a sentence for the page on which it is begun.
    takes: endings of the file that is uploaded for it; empty where there is none.
    images: whether a second .zip, of pictures, may come with it.
    previews: whether it can say what it would do before it does it.
    brings: `posts` or `subscribers`: under which heading it is offered.
    ticks: name -> label of what can be chosen for it; the options of the job hold true or false.
    words: result -> how its report calls that, where it is not about posts.
    """

    name: str
    label: str
    run: Run
    about: str
    takes: tuple[str, ...] = ()
    images: bool = False
    brings: str = "posts"
    previews: bool = True
    ticks: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def does(self) -> str:
        """`import` or `export`."""
        return self.name.partition(".")[0]

    @property
    def what(self) -> str:
        """The name without what it does: a part of addresses."""
        return self.name.partition(".")[2]
