"""The WSGI entry point, found by `flask` and by the production server."""

from __future__ import annotations

import gc
import os
import sys

# nothing that is made while loading is garbage, and looking for some takes a fifth of a start
gc.disable()

from workshops.app import create_app  # noqa: E402
from workshops.config import SettingsError  # noqa: E402
from workshops.web.assets import AssetsMissing  # noqa: E402

# database, mail files and backups hold personal data: what this process makes is for its own user alone
os.umask(0o077)

try:
    app = create_app()
except (SettingsError, AssetsMissing) as error:
    # one sentence, no traceback: the person who starts it has to change a setting, not read code
    sys.stderr.write(f"{error}\n")
    raise SystemExit(1) from None

gc.enable()
