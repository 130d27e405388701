"""The WSGI entry point, found by `flask` and by the production server."""

from __future__ import annotations

import sys

from workshops.app import create_app
from workshops.config import SettingsError
from workshops.web.assets import AssetsMissing

try:
    app = create_app()
except (SettingsError, AssetsMissing) as error:
    # one sentence, no traceback: the person who starts it has to change a setting, not read code
    sys.stderr.write(f"{error}\n")
    raise SystemExit(1) from None
