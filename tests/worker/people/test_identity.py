"""Who somebody is: what an identity provider says, who was let in, and that all else is nobody."""

import pytest

from dashboard.shared import sign_in
from db import acting
from db.engine import begin
from db.errors import InvalidSetting, NotSignedIn
from db.settings import Settings, settings
from db.types import Person, Role
from worker.people import actions, identity

CONFIG = Settings.model_validate(
    {
        "oidc_url": "https://id.example.com",
        "oidc_client_id": "us",
        "oidc_client_secret": "x",
        "oidc_cookie_secret": "x" * 32,
        "admins": "Ada@example.com, group:owners",
        "analysts": "anna@example.com,group:big makers",
    }
)
SIGNED_IN = {"is_logged_in": True, "iat": 1_000_000, "email": "anna@example.com", "email_verified": True}
NOW = 1_000_000 + 3600


def _of(**claims):
    return identity.of_claims(SIGNED_IN | claims, CONFIG, now=NOW)


def test_names_groups_and_roles_come_from_the_claims():
    assert _of() == Person("anna@example.com", Role.ANALYST)
    assert _of(email="ADA@example.com") == Person("ada@example.com", Role.ADMIN)
    assert _of(email="x@example.com", groups=["big makers"]).role is Role.ANALYST
    assert _of(groups=["owners", 3]) == Person("anna@example.com", Role.ADMIN, frozenset({"owners"}))
    assert _of(groups="owners").role is Role.ADMIN


def test_whoever_the_lists_do_not_name_is_let_in_only_where_a_role_waits_for_all():
    with pytest.raises(NotSignedIn, match="nobody has let x@example.com in"):
        _of(email="x@example.com")
    open_to_all = CONFIG.model_copy(update={"default_role": "viewer"})
    assert identity.of_claims(SIGNED_IN | {"email": "x@e.com"}, open_to_all, now=NOW).role is Role.VIEWER


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"is_logged_in": False}, "You are not signed in"),
        ({"iat": None}, "says no time"),
        ({"iat": "soon"}, "says no time"),
        ({"iat": True}, "says no time"),
        ({"iat": NOW - 12 * 3600 - 1}, "more than 12 hours ago"),
        ({"email": ""}, "did not say your name"),
        ({"email": None}, "did not say your name"),
        ({"email": ["anna@example.com"]}, "did not say your name"),
        ({"email": "group:owners"}, "did not say your name"),
        ({"email_verified": False}, "has not verified"),
    ],
)
def test_who_is_not_known_for_certain_is_nobody(claims, sentence):
    with pytest.raises(NotSignedIn, match=sentence):
        _of(**claims)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"oidc_client_id": ""}, "PRICEWRIGHT_OIDC_CLIENT_ID"),
        ({"oidc_client_secret": ""}, "PRICEWRIGHT_OIDC_CLIENT_SECRET"),
        ({"oidc_cookie_secret": "short"}, "32 random letters"),
        ({"admins": " , "}, "Nobody would be an admin"),
    ],
)
def test_settings_that_let_nobody_or_anybody_in_are_refused(change, sentence):
    identity.check(CONFIG)
    with pytest.raises(InvalidSetting, match=sentence):
        identity.check(CONFIG.model_copy(update=change))


@pytest.fixture
def signing_in(monkeypatch):
    """People sign in here, for as long as the test lasts."""

    def forget():
        settings.cache_clear()
        identity.of_terminal.cache_clear()

    for name, value in {"OIDC_URL": "https://id.example.com", "ADMINS": "ada"}.items():
        monkeypatch.setenv(f"PRICEWRIGHT_{name}", value)
    forget()
    yield monkeypatch
    monkeypatch.undo()
    forget()


def test_a_terminal_without_a_token_that_acts_is_refused(database, signing_in):
    acting.identify(identity.of_terminal)
    with pytest.raises(NotSignedIn, match="set PRICEWRIGHT_TOKEN"), begin():
        pass
    signing_in.setenv("PRICEWRIGHT_TOKEN", "pw_guessed")
    settings.cache_clear()
    with pytest.raises(NotSignedIn, match="is no token that acts now"), begin():
        pass


def test_a_terminal_acts_for_whom_its_token_says(database, signing_in):
    token, _ = actions.make_token("ben", Role.VIEWER, 1)
    signing_in.setenv("PRICEWRIGHT_TOKEN", token)
    settings.cache_clear()
    assert identity.of_terminal() == Person("ben", Role.VIEWER)


def test_the_pages_process_reaches_nothing_outside_of_a_session(database, signing_in):
    acting.identify(sign_in.person)
    with pytest.raises(NotSignedIn), begin():
        pass


def test_without_sign_in_the_user_of_the_machine_is_an_admin():
    assert identity.of_terminal() == identity.system_user() == sign_in.person()
    assert identity.system_user().role is Role.ADMIN
