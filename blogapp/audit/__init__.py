"""Who did what, when: append-only, written in the transaction of the act itself."""

from blogapp.audit.models import AuditEntry, record

__all__ = ["AuditEntry", "record"]
