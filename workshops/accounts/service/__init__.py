"""The use cases of staff accounts, one file each for accounts, links, passwords and sign-ins."""

from __future__ import annotations

from workshops.accounts.service.accounts import (
    Created,
    change_account,
    change_own_calendar,
    change_own_name,
    create_account,
    invite,
    reason_not_to_send,
)
from workshops.accounts.service.links import (
    accept_invitation,
    make_link,
    send_link,
    send_new_password_link,
    set_password_by_link,
    sign_in_by_link,
)
from workshops.accounts.service.passwords import change_password, hash_password, is_right
from workshops.accounts.service.sign_ins import (
    Credentials,
    TooManySignIns,
    count_link_request,
    count_try,
    credentials_of,
    end_all_sign_ins,
    end_sign_in,
    forget_old_sign_ins,
    sign_in,
    touch_sign_in,
)

__all__ = [
    "Created",
    "Credentials",
    "TooManySignIns",
    "accept_invitation",
    "change_account",
    "change_own_calendar",
    "change_own_name",
    "change_password",
    "count_link_request",
    "count_try",
    "create_account",
    "credentials_of",
    "end_all_sign_ins",
    "end_sign_in",
    "forget_old_sign_ins",
    "hash_password",
    "invite",
    "is_right",
    "make_link",
    "reason_not_to_send",
    "send_link",
    "send_new_password_link",
    "set_password_by_link",
    "sign_in",
    "sign_in_by_link",
    "touch_sign_in",
]
