"""The worker of a site in travelled time: what is due is sent when it is due, and the day's housekeeping is done."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

from time_machine import Traveller

from blogapp.core.clock import now
from blogapp.digest import planning
from blogapp.scheduler import DAY, timetable
from tests.worker import send_all


class Worker:
    """Does what the real one does, only that the time between does not pass."""

    def __init__(self, travel: Traveller) -> None:
        self.travel = travel
        idle: Any = SimpleNamespace(wake=lambda: None)
        self.daily = [job.call for job in timetable(idle, idle) if job.every_seconds == DAY]
        self.cleaned_on = now().date()

    def work_until(self, at: datetime) -> None:
        """Let every digest leave that is due by then, each at its own moment, and arrive at `at`."""
        while (due := planning.next_due()) is not None and due <= at:
            self.travel.move_to(due)
            send_all()
        self.travel.move_to(at)
        if at.date() != self.cleaned_on:
            self.cleaned_on = at.date()
            for call in self.daily:
                call()
