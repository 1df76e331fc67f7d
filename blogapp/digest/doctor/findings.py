"""What a check found: a verdict, a sentence, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`UNKNOWN`: from here, or at this moment, nobody can tell."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Finding:
    """`check` names what was looked at; `advice` is empty where there is nothing to do."""

    check: str
    verdict: Verdict
    text: str
    advice: str = ""


def ok(check: str, text: str) -> Finding:
    """It is as it should be."""
    return Finding(check, Verdict.OK, text)


def warning(check: str, text: str, advice: str = "") -> Finding:
    """It works, and could be better."""
    return Finding(check, Verdict.WARNING, text, advice)


def failed(check: str, text: str, advice: str = "") -> Finding:
    """Mail does not leave, or does not arrive."""
    return Finding(check, Verdict.FAILED, text, advice)


def unknown(check: str, text: str, advice: str = "") -> Finding:
    """It cannot be told."""
    return Finding(check, Verdict.UNKNOWN, text, advice)
