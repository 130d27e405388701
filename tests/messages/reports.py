"""Reports about mail that did not arrive, as mail servers write them."""

from __future__ import annotations

POSTFIX = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: events@example.org
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; mairi@example.org
Original-Recipient: rfc822;mairi@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {words}

--b
Content-Type: {returned}

Message-ID: {message_id}
Subject: You have a place

{rest}
--b--
"""

EXIM = """\
Return-path: <>
X-Failed-Recipients: mairi@example.org
From: Mail Delivery System <Mailer-Daemon@mx.example.org>
To: events@example.org
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

  mairi@example.org
    SMTP error from remote mail server after RCPT TO:<mairi@example.org>:
    550 5.1.1 No such user here

------ This is a copy of the message, including all the headers. ------

Message-ID: {message_id}
Subject: You have a place
"""

AWAY = """\
Return-Path: <>
From: mairi@example.org
To: events@example.org
Subject: Away until Monday
Auto-Submitted: auto-replied
In-Reply-To: {message_id}

I am away. Ring 0131 555 5.1.1 for help.
"""


def report(
    message_id: str, *, action: str = "failed", status: str = "5.1.1", words: str = "550 5.1.1 No such user",
    returned: str = "message/rfc822", rest: str = "",
) -> bytes:
    """A report as Postfix writes it (RFC 3464)."""
    return POSTFIX.format(
        message_id=message_id, action=action, status=status, words=words, returned=returned, rest=rest
    ).encode()
