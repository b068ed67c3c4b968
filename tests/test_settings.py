"""Settings: the shipped example, what is refused, and that no message shows a value."""

import re
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from bot.ledger import describe
from bot.settings import BadSettings, Settings, list_unknown_settings, load_settings
from bot.settings_faults import token_fault
from tests.sealed import PRETENDED

_URLS = ["panel_url", "panel_proxy", "public_url"]
EXAMPLE = Path(__file__).parent.parent / ".env.example"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of settings to work in, apart from this machine's own."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secrets))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, *lines: str) -> None:
    (folder / ".env").write_text("\n".join(lines), encoding="utf-8")


def test_example_names_every_setting_in_order() -> None:
    names = re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert names == [name.upper() for name in Settings.model_fields]


@pytest.mark.parametrize("uncommented", [False, True])
def test_example_parses_to_the_defaults(folder: Path, uncommented: bool) -> None:
    example = EXAMPLE.read_text(encoding="utf-8")
    write(folder, re.sub(r"^#(?=[A-Z_]+=)", "", example, flags=re.MULTILINE) if uncommented else example)
    assert load_settings() == Settings.model_construct()


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_blank_is_default_and_unknown_is_ignored(folder: Path) -> None:
    write(folder, "CONFIRM_ABOVE=", "DATA_DIR=   ", 'LOG_FORMAT=""', "NO_SUCH_SETTING=1")
    (folder / "secrets" / "discord_token").write_text("\n")
    assert load_settings() == Settings.model_construct()


def test_blank_variable_does_not_hide_a_secret_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "")
    (folder / "secrets" / "discord_token").write_text("from-a-file\n")
    token = load_settings().discord_token
    assert token is not None
    assert token.get_secret_value() == "from-a-file"


@pytest.mark.parametrize(
    "line",
    ['DISCORD_TOKEN="abc.def"', "discord_token='abc.def'", "\ufeffexport DISCORD_TOKEN = abc.def # mine"],
)
def test_env_file_as_people_write_it(folder: Path, line: str) -> None:
    write(folder, line)
    token = load_settings().discord_token
    assert token is not None
    assert token.get_secret_value() == "abc.def"


def test_environment_beats_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "CONFIRM_ABOVE=3", "log_level=debug")
    monkeypatch.setenv("CONFIRM_ABOVE", "7")
    settings = load_settings()
    assert (settings.confirm_above, settings.log_level) == (7, "DEBUG")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("PANEL_URL=http://notpanel.com/api/v2", "PANEL_URL must be an https address"),
        ("PANEL_URL=https://:hunter2@notpanel.com/", "PANEL_URL must be a plain address"),
        ("PANEL_URL=https://notpanel.com/?key=hunter2", "PANEL_URL must be a plain address"),
        ("PANEL_URL=https://a\u2100b:hunter2@x/", "PANEL_URL is not an address"),
        ("PANEL_URL=https://notpanel.com:hunter2/", "PANEL_URL is not an address"),
        ("PUBLIC_URL=https://bot.example:hunter2/", "PUBLIC_URL is not an address"),
        ("PUBLIC_URL=https://:hunter2@bot.example/", "PUBLIC_URL must be a plain https address"),
        ("PUBLIC_URL=http://hunter2.example/", "PUBLIC_URL must be a plain https address"),
        ('DISCORD_TOKEN="hunter2\nhunter2"', "DISCORD_TOKEN must be one word"),
        ("DISCORD_TOKEN=hünter2", "DISCORD_TOKEN must be one word"),
        ("DATABASE_URL=mysql://bot:hunter2@db/bot", "DATABASE_URL must be sqlite:///path or postgresql://"),
        ("DATABASE_URL=postgresql://bot:8/hunter2@db/bot", "DATABASE_URL in user and password / must be written as"),
        ("DATABASE_URL='postgresql://bot:8#hunter2@db/bot'", "DATABASE_URL in user and password / must be written as"),
        ("DATABASE_URL=sqlite:///", "DATABASE_URL must be sqlite:///path"),
        ("DATABASE_WITHOUT_TLS=hunter2hunter2", "DATABASE_WITHOUT_TLS must be yes or no"),
        ("PANEL_IP_LIMIT=0", "PANEL_IP_LIMIT must be a whole number above 0; it is '0'"),
        ("PANEL_KEY_LIMIT=hunter2hunter2", "PANEL_KEY_LIMIT must be a whole number above 0"),
        ("WATCH_MIN_INTERVAL=901", "WATCH_MIN_INTERVAL must not be larger than WATCH_MAX_INTERVAL"),
        ("WATCH_MAX_INTERVAL=inf", "WATCH_MAX_INTERVAL must be a number above 0 and at most 86400; it is 'inf'"),
        ("NOTIFY_WINDOW=nan", "NOTIFY_WINDOW must be a number above 0 and at most 86400; it is 'nan'"),
        ("CONFIRM_ABOVE=-1", "CONFIRM_ABOVE must be a whole number of at least 0; it is '-1'"),
        ("HTTP_PORT=abc", "HTTP_PORT must be a whole number from 1 to 65535; it is 'abc'"),
        ("HTTP_PORT=99999", "HTTP_PORT must be a whole number from 1 to 65535; it is '99999'"),
        ("LOG_LEVEL=hunter2hunter2", "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR"),
        ("LOG_FORMAT=xml", "LOG_FORMAT must be console or json; it is 'xml'"),
    ],
)
def test_bad_value_is_named_and_no_secret_shown(folder: Path, line: str, message: str) -> None:
    write(folder, "DISCORD_TOKEN=hunter2", line)
    with pytest.raises(BadSettings) as caught:
        load_settings()
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_one_line_for_each_bad_setting(folder: Path) -> None:
    write(folder, "PANEL_IP_LIMIT=none", "CONFIRM_ABOVE=many", "LOG_FORMAT=xml")
    with pytest.raises(BadSettings) as caught:
        load_settings()
    assert [line.split()[0] for line in str(caught.value).splitlines()] == [
        "PANEL_IP_LIMIT",
        "CONFIRM_ABOVE",
        "LOG_FORMAT",
    ]


def test_every_number_and_choice_has_words_of_its_own(folder: Path) -> None:
    """Those of pydantic name neither what is wanted nor what is there."""
    kinds = {"int": "many", "float": "many", "bool": "perhaps", "Literal": "xml"}
    names = [name for name, field in Settings.model_fields.items() if re.search("|".join(kinds), str(field.annotation))]
    write(folder, *(f"{name.upper()}=perhaps" for name in names if name != "shard_ids"))
    with pytest.raises(BadSettings) as caught:
        load_settings()
    lines = str(caught.value).splitlines()
    assert len(lines) == len(names) - 1
    assert [line for line in lines if not re.fullmatch(r"[A-Z_]+ must be .+; it is '(perhaps|PERHAPS)'", line)] == []


def test_unreadable_file_is_named(folder: Path) -> None:
    (folder / ".env").write_bytes("DISCORD_TOKEN=hunter2".encode("utf-16"))
    with pytest.raises(BadSettings, match=r"\.env can't be read as UTF-8"):
        load_settings()
    (folder / ".env").unlink()
    (folder / "secrets" / "discord_token").write_bytes("hunter2".encode("utf-16"))
    with pytest.raises(BadSettings, match=r"secrets/discord_token can't be read as UTF-8"):
        load_settings()


def test_a_folder_that_docker_made_for_want_of_the_secret_file_is_named(folder: Path) -> None:
    (folder / "secrets" / "discord_token").mkdir()
    with pytest.raises(BadSettings, match=r"secrets/discord_token is a folder, not a file. Docker makes one"):
        load_settings()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("DISCORD_TOKN=hunter2", ".env line 3 is ignored: DISCORD_TOKN is no setting (did you mean DISCORD_TOKEN?)"),
        ("panel_ul=hunter2", ".env line 3 is ignored: panel_ul is no setting (did you mean PANEL_URL?)"),
        ("TOKEN=hunter2", ".env line 3 is ignored: TOKEN is no setting (did you mean DISCORD_TOKEN?)"),
        ("COMPOSE_PROFILES=hunter2", ".env line 3 is ignored: COMPOSE_PROFILES is no setting"),
        ("hunter2.hunter2.hunter2", ".env, line 3: ignored, not a setting as in NAME=value"),
        ("hunterhunterHUNTERtwo=", ".env, line 3: ignored, not a setting as in NAME=value"),
        ("hunter2 hunter2", ".env, line 3: ignored, not a setting as in NAME=value"),
    ],
)
def test_a_name_that_is_no_setting_is_warned_of(folder: Path, line: str, said: str) -> None:
    write(folder, "# mine", "", line, "Confirm_Above=3")
    assert list_unknown_settings() == [said]
    assert load_settings().confirm_above == 3


def test_lines_that_set_nothing_are_named_at_once(folder: Path) -> None:
    write(folder, "hunter2", "LOG_LEVEL=INFO", "h3jK=hunter2")
    assert list_unknown_settings() == [".env, line 1, 3: ignored, not a setting as in NAME=value"]


def test_a_variable_that_is_nearly_a_setting_is_warned_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANEL_URLS", "hunter2")
    monkeypatch.setenv("HTTP_PROXY", "http://hunter2")
    monkeypatch.setenv("XDG_DATA_DIRS", "hunter2")
    said = "PANEL_URLS in the environment is ignored: it is no setting (did you mean PANEL_URL?)"
    assert list_unknown_settings() == [said]


def test_the_example_is_warned_of_nowhere(folder: Path) -> None:
    write(folder, re.sub(r"^#(?=[A-Z_]+=)", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert list_unknown_settings() == []


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("1" * 19, "that looks like the Application ID"),
        ("0123456789abcdef" * 4, "that looks like the Public Key"),
        ("aB3-" * 8, "that looks like the Client Secret"),
        ("bogus", "three parts with dots between"),
        ("not.a.token", "three parts with dots between"),
        (f"{PRETENDED}.x", "three parts with dots between"),
        (PRETENDED.rpartition(".")[0] + ".", "three parts with dots between"),
        (PRETENDED, ""),
        (f" {PRETENDED} ", ""),
    ],
)
def test_what_can_be_no_token_is_seen_by_its_shape(token: str, said: str) -> None:
    fault = token_fault(token)
    assert bool(said) == bool(fault)
    assert said in fault
    assert token not in fault


def test_pydantics_own_message_shows_no_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"encryption_keys": ["hunter2"], "panel_key_limit": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_in_the_repr(folder: Path) -> None:
    write(folder, "DISCORD_TOKEN=hunter2", "ENCRYPTION_KEYS=hunter2")
    assert "hunter2" not in repr(load_settings()) + str(load_settings())


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("", "./data/ledger.sqlite3"),
        ("sqlite:///there/my.db", "there/my.db"),
        ("sqlite:////srv/my.db", "/srv/my.db"),
    ],
)
def test_where_the_ledgers_file_is(folder: Path, url: str, path: str) -> None:
    write(folder, f"DATABASE_URL={url}")
    assert load_settings().database == Path(path)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_ledger_in_postgresql(folder: Path, scheme: str) -> None:
    url = f"{scheme}://bot:hunter2@db.internal:5433/ledger?sslmode=require"
    write(folder, f"DATABASE_URL={url}")
    database = load_settings().database
    assert isinstance(database, SecretStr)
    assert database.get_secret_value() == url
    assert describe(database) == "PostgreSQL database ledger on db.internal:5433"
    assert "hunter2" not in repr(load_settings()) + str(load_settings())


@pytest.mark.parametrize("url", ["postgresql://a:b%2Fc@one:1,two:2/ledger", "postgresql:///ledger?host=/run&user=a@b"])
def test_other_ways_to_name_a_database(folder: Path, url: str) -> None:
    write(folder, f"DATABASE_URL={url}")
    assert load_settings().database == SecretStr(url)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
def test_plain_http_on_this_machine(folder: Path, host: str) -> None:
    write(folder, f"PANEL_URL=http://{host}/api/v2")
    assert load_settings().panel_url == f"http://{host}/api/v2"


PG = "DATABASE_URL=postgresql://bot@db/ledger"


@pytest.mark.parametrize(("text", "shards"), [("0", (0,)), ("0,2", (0, 2)), ("3, 0-1", (0, 1, 3))])
def test_shards(folder: Path, text: str, shards: tuple[int, ...]) -> None:
    write(folder, PG, f"SHARD_IDS={text}", "SHARD_COUNT=4")
    assert load_settings().shard_ids == shards


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((PG, "SHARD_IDS=0"), "SHARD_IDS needs SHARD_COUNT"),
        ((PG, "SHARD_IDS=4", "SHARD_COUNT=4"), "SHARD_IDS needs SHARD_COUNT, and numbers below it"),
        ((PG, "SHARD_IDS=0-1,3-2", "SHARD_COUNT=4"), "SHARD_IDS must be numbers and ranges"),
        ((PG, "SHARD_IDS=one", "SHARD_COUNT=4"), "SHARD_IDS must be numbers and ranges"),
        (("SHARD_IDS=0", "SHARD_COUNT=4"), "needs a ledger that processes can share"),
    ],
)
def test_shards_that_cannot_be(folder: Path, lines: tuple[str, ...], message: str) -> None:
    write(folder, *lines)
    with pytest.raises(BadSettings, match=re.escape(message)):
        load_settings()


def test_a_share_of_the_address_is_said_by_its_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "PANEL_IP_LIMIT=75")
    assert load_settings().panel_ip_limit == 75
    monkeypatch.setenv("panel_ip_share", "0.25")  # of 0.1.0: to leave it out in silence would break the limit
    with pytest.raises(BadSettings, match="PANEL_IP_LIMIT say how many"):
        load_settings()
    monkeypatch.delenv("panel_ip_share")
    write(folder, "PANEL_IP_SHARE=1")
    with pytest.raises(BadSettings, match="PANEL_IP_LIMIT say how many"):
        load_settings()


@pytest.mark.parametrize("name", ["PANEL_URL", "PANEL_PROXY", "PUBLIC_URL"])
@pytest.mark.parametrize("part", ["\t", "\x00", "\x7f", " ", "\u200b", "ü", "hunter2" * 400])
def test_an_address_with_what_no_address_has(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, part: str
) -> None:
    write(folder, "HTTP_PORT=8080")
    for setting in ("PANEL_URL", "PANEL_PROXY", "PUBLIC_URL"):
        monkeypatch.delenv(setting, raising=False)
    address = f"https://panel{part}hunter2.example/api"
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None, **{name.lower(): address, "http_port": 8080})
    assert "is not an address" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", _URLS)
@pytest.mark.parametrize(
    "host",
    ["[::1]x", "256.1.1.1", "xn--a", "xn--", "a..b", "a" * 64 + ".example", "panel:0", "panel:65536", "[zz]", "a%41<b"],
)
def test_an_address_that_nobody_can_call(name: str, host: str) -> None:
    """Two readers of addresses differ on some of them: the one that calls would raise, or call another host."""
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None, **{name: f"https://{host}/api", "http_port": 8080})
    assert "is not an address" in str(caught.value)
    assert host not in str(caught.value)


@given(st.text(st.sampled_from("aZ09-._~:/?#[]@!$&'()*+,;=%\\|^`<>{}\"\t\x00 ü"), max_size=30), st.sampled_from(_URLS))
def test_an_address_is_refused_or_can_be_called(text: str, name: str) -> None:
    url = f"https://{text}"
    with suppress(ValidationError):
        Settings(_env_file=None, **{name: url, "http_port": 8080})
        assert httpx.Request("POST", url).headers["Host"]


@pytest.mark.parametrize("name", ["DATA_DIR", "DATABASE_URL", "HTTP_HOST"])
@pytest.mark.parametrize("part", ["\t", "\x00", "\x1b[2J", "\u202e", "hunter2" * 150_000])
def test_a_path_or_a_host_with_what_none_has(name: str, part: str) -> None:
    value = f"sqlite:///there{part}hunter2"
    with pytest.raises(ValidationError, match="is too long, or has control characters") as caught:
        Settings(_env_file=None, **{name.lower(): value})
    assert "hunter2" not in str(caught.value)


def test_a_proxy_never_hears_a_key_in_clear(folder: Path) -> None:
    write(folder, "PANEL_PROXY=http://me:hunter2@proxy:3128", "PANEL_URL=http://127.0.0.1:8080/api")
    with pytest.raises(BadSettings, match="keys would pass the proxy in clear") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_a_ledger_elsewhere_is_not_reached_in_clear_unasked(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://bot:hunter2@db/ledger?sslmode={mode}")
    with pytest.raises(BadSettings, match="in clear") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://bot:hunter2@127.0.0.1/ledger?sslmode={mode}")
    load_settings()


def test_a_ledger_elsewhere_is_reached_in_clear_where_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://bot:hunter2@db/ledger?sslmode=disable")
    monkeypatch.setenv("DATABASE_WITHOUT_TLS", "yes")
    load_settings()
