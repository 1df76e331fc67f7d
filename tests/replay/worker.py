"""The worker of a site in travelled time: what is due is sent when it is due, and the housekeeping is done."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from time_machine import Traveller

from blogapp.core.clock import now
from blogapp.digest import planning
from blogapp.scheduler import DAY, timetable
from tests.worker import send_all

# Of what the real one does daily nothing here depends on the day.
HOUSEKEEPING = timedelta(days=7)


class Worker:
    """Does what the real one does, only that the time between does not pass."""

    def __init__(self, travel: Traveller) -> None:
        self.travel = travel
        idle: Any = SimpleNamespace(wake=lambda: None)
        self.daily = [job.call for job in timetable(idle, idle) if job.every_seconds == DAY]
        self.next_cleaning = now() + HOUSEKEEPING

    def work_until(self, at: datetime) -> None:
        """Let every digest leave that is due by then, each at its own moment, and arrive at `at`."""
        while (due := planning.next_due()) is not None and due <= at:
            self.travel.move_to(due)
            send_all()
        self.travel.move_to(at)
        if at >= self.next_cleaning:
            self.next_cleaning = at + HOUSEKEEPING
            for call in self.daily:
                call()
