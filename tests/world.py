"""DNS as a test has it."""

from collections.abc import Mapping, Sequence

from blogapp.digest.doctor.names import Names, NoAnswer

Records = Mapping[str, Sequence[str] | str | None]


def world(records: Records) -> Names:
    """Names as `{"blog.test TXT": ["v=spf1 -all"], …}` has them; None: that look-up fails; all else does not exist."""

    def lookup(name: str, kind: str) -> list[str]:
        if name == "org.":
            return ["a0.org.afilias-nst.info."]
        found = records.get(f"{name.rstrip('.')} {kind}", [])
        if found is None:
            raise NoAnswer(f"{name} was not answered in time")
        return [found] if isinstance(found, str) else list(found)

    return Names(lookup)


def no_world() -> Names:
    """A machine whose resolver is not there."""

    def lookup(name: str, kind: str) -> list[str]:
        raise NoAnswer("no answer in time")

    return Names(lookup)
