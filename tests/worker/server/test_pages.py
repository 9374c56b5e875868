"""What Streamlit needs to let people sign in lies in a file that only this user reads, and on no command line."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.settings import Settings
from worker.server import pages


@given(secret=st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_a_secret_holds_is_read_back(secret):
    config = Settings.model_validate(
        {
            "oidc_url": "https://id.example.com/",
            "oidc_client_secret": secret,
            "public_url": "https://prices.example.com/",
        }
    )
    assert tomllib.loads(pages.secrets_of(config))["auth"] == {
        "redirect_uri": "https://prices.example.com/oauth2callback",
        "cookie_secret": "",
        "client_id": "",
        "client_secret": secret,
        "server_metadata_url": "https://id.example.com/.well-known/openid-configuration",
    }


def test_an_address_of_metadata_is_taken_as_it_is():
    url = "https://id.example.com/.well-known/openid-configuration"
    auth = tomllib.loads(pages.secrets_of(Settings.model_validate({"oidc_url": url, "dashboard_port": 9})))["auth"]
    assert (auth["server_metadata_url"], auth["redirect_uri"]) == (url, "http://localhost:9/oauth2callback")


def test_the_file_is_this_users_alone(tmp_path):
    file = pages.write_secrets(Settings.model_validate({"data_dir": tmp_path, "oidc_url": "https://id.example.com"}))
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(("address", "public", "expected"), [
    ("127.0.0.1", "", ["127.0.0.1", "localhost", "::1"]),
    ("127.0.0.1", "https://prices.example.com", ["127.0.0.1", "localhost", "::1", "prices.example.com"]),
    ("0.0.0.0", "https://prices.example.com:8443", ["127.0.0.1", "localhost", "::1", "prices.example.com"]),
    ("0.0.0.0", "", []),  # nobody has said how it is called
])  # fmt: skip
def test_pages_are_asked_for_under_names_that_are_theirs(address, public, expected):
    assert pages.allowed_hosts(Settings.model_validate({"public_url": public}), address) == expected
