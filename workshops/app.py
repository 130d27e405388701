"""create_app: settings, extensions, blueprints, error pages. No logic."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask_login import current_user
from flask_migrate import Migrate
from flask_wtf.csrf import generate_csrf

from workshops import cli, wiring
from workshops.accounts.views import blueprint as accounts
from workshops.accounts.views import login_manager
from workshops.attendance.views import blueprint as attendance
from workshops.config import PROJECT, Settings, load_settings
from workshops.core.db import configure_engine, db, engine_options
from workshops.evidence.views import blueprint as evidence
from workshops.feeds.views import blueprint as feeds
from workshops.followup.views import blueprint as followup
from workshops.messages.render import init_mail_templates
from workshops.proposals.views import blueprint as proposals
from workshops.registration.views import blueprint as registration
from workshops.schedule.views import blueprint as schedule
from workshops.web.access import refuse_undeclared_routes
from workshops.web.assets import init_assets
from workshops.web.converters import init_converters
from workshops.web.errors import init_errors
from workshops.web.filters import init_filters
from workshops.web.guards import init_guards
from workshops.web.headers import init_headers
from workshops.web.responses import Keep
from workshops.web.views import blueprint as site

BLUEPRINTS = (site, accounts, schedule, registration, proposals, attendance, followup, feeds, evidence)

#: A whole request; the forms say what each field may hold. Spreadsheets and calendars are the largest.
MAX_BODY_BYTES = 6 * 1024 * 1024
#: Fields that are no file, all together.
MAX_FORM_BYTES = 1024 * 1024
#: How long a form may stay open before it is given back, filled, to be sent again.
FORM_TOKEN_LIFE = timedelta(hours=8)


def create_app(settings: Settings | None = None) -> Flask:
    """The application for these settings, or for those of the environment.

    Raises SettingsError, AssetsMissing or UndeclaredRoutes, each with one sentence, when it cannot start.
    """
    settings = settings or load_settings()
    app = Flask(
        "workshops",
        root_path=str(PROJECT),
        template_folder=str(PROJECT / "templates"),
        static_folder=None,
        instance_path=str(settings.instance),
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        MAX_FORM_PARTS=500,
        WTF_CSRF_TIME_LIMIT=int(FORM_TOKEN_LIFE.total_seconds()),
        WTF_CSRF_SSL_STRICT=False,
        SESSION_COOKIE_NAME="__Host-session" if settings.is_https else "session",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PREFERRED_URL_SCHEME=settings.base_url.split(":")[0],
    )
    app.extensions["workshops.settings"] = settings
    app.extensions["workshops.keep"] = Keep()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["csrf_token"] = generate_csrf
    db.init_app(app)
    with app.app_context():
        configure_engine(db.engine)
    Migrate(app, db, directory=str(PROJECT / "workshops" / "migrations"), render_as_batch=True)
    # lazy: a page that does not ask who is signed in touches neither session nor database
    login_manager.init_app(app, add_context_processor=False)
    # there is no remember cookie here, and looking for one would make every public answer vary by cookie
    app.after_request_funcs[None].remove(login_manager._update_remember_cookie)
    app.jinja_env.globals["current_user"] = current_user
    init_assets(app, PROJECT / "static" / "dist")
    init_guards(app)
    init_headers(app)
    init_errors(app)
    init_filters(app)
    init_mail_templates(PROJECT / "templates" / "emails")
    init_converters(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    cli.init_commands(
        app, due_work=wiring.DUE_WORK, checks=wiring.SEND_CHECKS, mail_handlers=wiring.MAIL_HANDLERS
    )
    wiring.connect()
    refuse_undeclared_routes(app)
    return app
