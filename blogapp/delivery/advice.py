"""What to do about a relay's trouble, guessed from its words."""

import re

# What it looks like -> what to do about it. The first that fits is said.
ADVICE = [
    (r"refused", "Nothing listens there. Is the relay running, and is this its port (25, 587, or 465 with smtps://)?"),
    (r"name or service|nodename|no address|resolution", "No host has this name: look at the host in BLOG_SMTP_URL."),
    (r"certificate", "The relay cannot prove that it is this host. Use the name that its certificate is for."),
    (r"offers? no log-in|504|538", "The relay wants another way to log in, or wants encryption first."),
    (r"\b53[45]\b|AUTH|credential|authentication", "The relay does not accept the name or password of BLOG_SMTP_URL."),
    (r"does not offer STARTTLS", "Use smtps:// with port 465 if it has that, or ?starttls=never on this machine only."),
    (r"no SMTP reply|handshake|wrong version", "What answers there speaks no SMTP, or no TLS: port 465 needs smtps://."),
    (r"in time|took longer|timed out", "A firewall may be in between (many hosts block port 25), or port 465 wants smtps://."),
    (r"relay(ing)? (access )?(is )?(denied|not)|unable to relay|not permitted|not allowed",
     "The relay does not send for BLOG_MAIL_FROM, or not for this machine."),
    (r"hung up|reset", "The relay hangs up: it may not want this machine, or the port wants smtps://."),
]  # fmt: skip


def advice_for(reason: str) -> str:
    """A sentence for people; empty where nothing is known."""
    return next((advice for pattern, advice in ADVICE if re.search(pattern, reason, re.IGNORECASE)), "")
