"""What comes back, as mail servers and providers write it: each made for one of our mails.

`sender` is the mail's envelope sender, `to` whom it was for, `original` its header as it left.
"""

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True)
class Sent:
    """A mail of ours that something comes back of."""

    sender: str = "bounces+d1-1-aaaaaaaaaaaaaaaa@notes.test"
    to: str = "ann@reader.test"
    message_id: str = "1.1.0123456789abcdef@blog.test"
    unsubscribe: str = "http://blog.test/unsubscribe/1-aaaaaaaaaaaaaaaaaaaaaaaaaa"

    @property
    def original(self) -> str:
        return (
            f"Return-Path: <{self.sender}>\nFrom: The Notebook <notes@blog.test>\nTo: {self.to}\nSubject: Week 7\n"
            f"Message-ID: <{self.message_id}>\nList-Unsubscribe: <{self.unsubscribe}>\nMIME-Version: 1.0\n"
            "Content-Type: text/plain; charset=us-ascii\n"
        )


def whole(head: str, body: str) -> bytes:
    return f"{dedent(head).strip()}\n\n{body}".replace("\n", "\r\n").encode()


def dsn(sent: Sent, fields: str, *, text: str = "I'm sorry.", sender: str = "MAILER-DAEMON@mx.test") -> bytes:
    """A delivery status notification as RFC 3464 has it; `fields` are the recipient's."""
    head = f"""
    Return-Path: <>
    From: Mail Delivery System <{sender}>
    To: {sent.sender}
    Subject: Undelivered Mail Returned to Sender
    Auto-Submitted: auto-replied
    MIME-Version: 1.0
    Content-Type: multipart/report; report-type=delivery-status;
     boundary="=_b1/mx.test"
    """
    body = (
        f"This is a MIME-encapsulated message.\n\n--=_b1/mx.test\nContent-Type: text/plain\n\n{text}\n"
        "--=_b1/mx.test\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.test\nX-Postfix-Queue-ID: 4Xy\nArrival-Date: Fri, 9 Feb 2018 10:22:25 +0000\n\n"
        f"{dedent(fields).strip()}\n"
        f"--=_b1/mx.test\nContent-Type: message/rfc822\n\n{sent.original}\nWe mended the door.\n--=_b1/mx.test--\n"
    )
    return whole(head, body)


def postfix(sent: Sent, status: str = "5.1.1", said: str = "550 5.1.1 <ann@reader.test>: User unknown") -> bytes:
    return dsn(
        sent,
        f"""
        Final-Recipient: rfc822; {sent.to}
        Original-Recipient: rfc822;{sent.to}
        Action: failed
        Status: {status}
        Remote-MTA: dns; mx.reader.test
        Diagnostic-Code: smtp; {said}
        """,
    )


def full(sent: Sent) -> bytes:
    return postfix(sent, "5.2.2", "552 5.2.2 Mailbox is over quota")


def exchange(sent: Sent) -> bytes:
    return dsn(
        sent,
        f"""
        Original-Recipient: rfc822;{sent.to}
        Final-Recipient: rfc822;{sent.to}
        Action: failed
        Status: 5.1.10
        Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {sent.to} not found by SMTP address
         lookup
        """,
        sender="postmaster@reader.test",
    )


def gmail(sent: Sent) -> bytes:
    return dsn(
        sent,
        f"""
        Final-Recipient: rfc822; {sent.to}
        Action: failed
        Status: 5.1.1
        Remote-MTA: dns; gmail-smtp-in.l.google.test. (192.0.2.27, the server for the domain.)
        Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try
         550-5.1.1 double-checking the recipient's email address for typos or
         550 5.1.1 unnecessary spaces. - gsmtp
        Last-Attempt-Date: Fri, 09 Feb 2018 02:22:26 -0800 (PST)
        """,
    )


def exim(sent: Sent, said: str = "550 5.1.1 Unknown user") -> bytes:
    """Without MIME, as Exim wrote for decades."""
    head = f"""
    Return-path: <>
    Auto-Submitted: auto-replied
    X-Failed-Recipients: {sent.to}
    From: Mail Delivery System <Mailer-Daemon@mx.test>
    To: {sent.sender}
    Subject: Mail delivery failed: returning message to sender
    """
    body = (
        "This message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. "
        f"The following address(es) failed:\n\n  {sent.to}\n    SMTP error from remote mail server after RCPT "
        f"TO:<{sent.to}>:\n    host mx.reader.test [192.0.2.1]: {said}\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\n"
        f"{sent.original}\nThe quota of the door: no such user.\n"
    )
    return whole(head, body)


def qmail(sent: Sent, said: str = "Sorry, no mailbox here by that name. (#5.1.1)") -> bytes:
    head = f"""
    Return-Path: <>
    From: MAILER-DAEMON@mx.test
    To: {sent.sender}
    Subject: failure notice
    """
    body = (
        "Hi. This is the qmail-send program at mx.test.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        f"This is a permanent error; I've given up. Sorry it didn't work out.\n\n<{sent.to}>:\n{said}\n\n"
        f"--- Below this line is a copy of the message.\n\n{sent.original}\nWe mended the door.\n"
    )
    return whole(head, body)


def complaint(sent: Sent, kind: str = "abuse", *, redacted: bool = False) -> bytes:
    """A feedback report (RFC 5965), as Yahoo sends it to the address that was signed up for it."""
    head = """
    From: Yahoo! Mail AntiSpam Feedback <feedback@arf.mail.test>
    To: abuse@blog.test
    Subject: FW: Week 7
    MIME-Version: 1.0
    Content-Type: multipart/report; boundary="feedback_part"; report-type=feedback-report
    """
    who = "" if redacted else f"Original-Mail-From: <{sent.sender}>\nOriginal-Rcpt-To: {sent.to}\n"
    body = (
        "--feedback_part\nContent-Type: text/plain; charset=US-ASCII\n\nThis is an email abuse report.\n\n"
        "--feedback_part\nContent-Type: message/feedback-report\n\n"
        f"Feedback-Type: {kind}\nUser-Agent: Yahoo!-Mail-Feedback/2.0\nVersion: 1\n{who}"
        f"Received-Date: Fri, 9 Feb 2018 10:22:25 PST\nSource-IP: 192.0.2.7\n\n"
        f"--feedback_part\nContent-Type: message/rfc822\nContent-Disposition: inline\n\n"
        f"{sent.original}\nWe mended the door.\n--feedback_part--\n"
    )
    return whole(head, body)


def outlook_complaint(sent: Sent) -> bytes:
    """As Outlook.com's junk reporting programme sends it: the mail as an attachment, and no report."""
    head = """
    From: staff@hotmail.test
    To: abuse@blog.test
    Subject: complaint about message from 192.0.2.7
    MIME-Version: 1.0
    Content-Type: multipart/mixed; boundary="_Part_1"
    """
    body = (
        f"--_Part_1\nContent-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: {sent.to}\n{sent.original}\n"
        "We mended the door.\n--_Part_1--\n"
    )
    return whole(head, body)


def vacation(sent: Sent) -> bytes:
    head = f"""
    Return-Path: <>
    From: Ann <{sent.to}>
    To: {sent.sender}
    Subject: Auto: Week 7
    Auto-Submitted: auto-replied (vacation)
    In-Reply-To: <{sent.message_id}>
    """
    return whole(head, "I am away until Monday. My old address does not exist any more.\n")


def out_of_office(sent: Sent) -> bytes:
    head = f"""
    From: Ann <{sent.to}>
    To: {sent.sender}
    Subject: Automatic reply: Week 7
    X-Auto-Response-Suppress: All
    """
    return whole(head, "I have left the company. For sales write to sales@reader.test.\n")


def letter(to: str, text: str = "Hello there.") -> bytes:
    head = f"""
    From: Ann <ann@reader.test>
    To: {to}
    Subject: unsubscribe
    """
    return whole(head, text)
