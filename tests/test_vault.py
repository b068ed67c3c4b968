"""The vault: only the right key, purpose and user open a secret; the key file is never harmed."""

import base64
import os
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.settings import BadSettings, Settings
from bot.vault import (
    KEY_FILE,
    BadKeyFile,
    Purpose,
    Tampered,
    UnknownKey,
    Vault,
    VaultError,
    add_key,
    open_vault,
)

OLD, NEW = bytes(range(32)), bytes(range(200, 232))
TOKEN = Purpose.INTERACTION_TOKEN
SECRET = SecretStr("np-hunter2")
USER, ACCOUNT = 80351110224678912, 5


def seal(vault: Vault, secret: SecretStr = SECRET) -> bytes:
    return vault.seal(Purpose.PANEL_KEY, USER, secret, ACCOUNT)


def opened(vault: Vault, sealed: bytes) -> str:
    return vault.open(Purpose.PANEL_KEY, USER, sealed, ACCOUNT).get_secret_value()


def settings(folder: Path, keys: str | None = None) -> Settings:
    return Settings.model_construct(data_dir=folder, encryption_keys=SecretStr(keys) if keys else None)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(Purpose), st.integers(0, 2**64))
def test_opens_what_it_sealed(text: str, purpose: Purpose, user: int) -> None:
    vault = Vault([NEW, OLD])
    sealed = vault.seal(purpose, user, SecretStr(text))
    assert vault.open(purpose, user, sealed).get_secret_value() == text


def test_never_seals_twice_alike() -> None:
    vault = Vault([OLD])
    assert len({seal(vault) for _ in range(100)}) == 100


def test_layout_holds_no_plain_text() -> None:
    sealed = seal(Vault([OLD]))
    assert sealed[0] == 1
    assert len(sealed) == 1 + 4 + 12 + len(SECRET) + 16
    assert b"hunter2" not in sealed
    assert sealed[1:5] not in OLD


@pytest.mark.parametrize(
    ("purpose", "user", "account"),
    [
        (Purpose.PANEL_KEY, USER + 1, ACCOUNT),
        (Purpose.INTERACTION_TOKEN, USER, ACCOUNT),
        (Purpose.PANEL_KEY, USER, ACCOUNT + 1),
        (Purpose.PANEL_KEY, USER, None),
    ],
)
def test_cannot_be_moved_to_another(purpose: Purpose, user: int, account: int | None) -> None:
    vault = Vault([OLD])
    with pytest.raises(Tampered):
        vault.open(purpose, user, seal(vault), account)


def test_unknown_key() -> None:
    with pytest.raises(UnknownKey):
        opened(Vault([NEW]), seal(Vault([OLD])))


@given(st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    vault = Vault([OLD])
    sealed = bytearray(seal(vault))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(VaultError):
        opened(vault, bytes(sealed))


@given(st.integers(0, 42))
def test_any_cut_is_noticed(length: int) -> None:
    vault = Vault([OLD])
    with pytest.raises(Tampered):
        opened(vault, seal(vault)[:length])


@given(st.binary())
def test_any_bytes_are_refused(sealed: bytes) -> None:
    with pytest.raises(VaultError):
        opened(Vault([OLD]), sealed)


def test_newest_key_seals_and_any_opens() -> None:
    both = Vault([NEW, OLD])
    old = Vault([OLD]).seal(TOKEN, USER, SecretStr("a token"))
    new = both.reseal(TOKEN, USER, old)
    assert both.open(TOKEN, USER, old) == both.open(TOKEN, USER, new) == Vault([NEW]).open(TOKEN, USER, new)
    assert (both.is_newest(old), both.is_newest(new)) == (False, True)
    assert both.reseal(TOKEN, USER, new) == new


def test_reseal_moves_nothing_to_another_user() -> None:
    with pytest.raises(Tampered):
        Vault([NEW, OLD]).reseal(TOKEN, USER + 1, Vault([OLD]).seal(TOKEN, USER, SecretStr("a token")))


def test_an_earlier_secret_does_not_open_in_the_place_of_a_later_one() -> None:
    vault = Vault([OLD])
    versions = {
        version: vault.seal(Purpose.PANEL_KEY, USER, SecretStr("x"), ACCOUNT, version) for version in (None, 1, 2)
    }
    for version, sealed in versions.items():
        for other in versions:
            if other == version:
                assert vault.open(Purpose.PANEL_KEY, USER, sealed, ACCOUNT, other).get_secret_value() == "x"
            else:
                with pytest.raises(Tampered):
                    vault.open(Purpose.PANEL_KEY, USER, sealed, ACCOUNT, other)


@given(st.text(max_size=40), st.text(max_size=40))
def test_fingerprints_are_the_same_for_the_same_key_alone(one: str, other: str) -> None:
    prints = [Vault([NEW, OLD]).fingerprint(SecretStr(text)) for text in (one, other)]
    assert (prints[0] == prints[1]) == (one == other)
    assert Vault([OLD]).fingerprint(SecretStr(one)) != prints[0]


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, NEW[:31]]])
def test_keys_of_a_wrong_length(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(keys)


def test_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    sealed = seal(open_vault(settings(folder)))
    file = folder / KEY_FILE
    text = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert opened(open_vault(settings(folder)), sealed) == "np-hunter2"
    assert file.read_bytes() == text
    assert list(folder.iterdir()) == [file]


def test_slower_process_takes_the_quicker_ones_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal(open_vault(settings(tmp_path)))
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert opened(open_vault(settings(tmp_path)), sealed) == "np-hunter2"
    assert len(list(tmp_path.iterdir())) == 1


def test_open_key_file_is_closed_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    open_vault(settings(tmp_path))
    file = tmp_path / KEY_FILE
    file.chmod(0o644)
    caplog.clear()
    open_vault(settings(tmp_path))
    assert file.stat().st_mode & 0o777 == 0o600
    assert "could be read by others" in caplog.text
    assert file.read_text().strip() not in caplog.text


GOOD = base64.b64encode(OLD).decode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# only a comment\n",
        b"hunter2!\n",
        b"aHVudGVyMg==\n",
        f"{GOOD}\n{GOOD[:-8]}\n".encode(),
        b"\xff",
    ],
)
def test_corrupt_key_file_is_refused_and_untouched(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / KEY_FILE
    file.write_bytes(content)
    for use in (open_vault, add_key):
        with pytest.raises(BadKeyFile) as caught:
            use(settings(tmp_path))
        assert str(file) in str(caught.value)
        assert "backup" in str(caught.value)
        assert "hunter2" not in str(caught.value)
        assert GOOD[:8] not in str(caught.value)
    assert file.read_bytes() == content


def test_key_file_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(BadKeyFile):
        open_vault(settings(tmp_path / "data"))


def test_added_key_seals_and_older_ones_still_open(tmp_path: Path) -> None:
    first = open_vault(settings(tmp_path))
    file = tmp_path / KEY_FILE
    file.write_text(f"# made on a Monday\n\n  {file.read_text()}")
    text = file.read_text()
    sealed = seal(first)
    add_key(settings(tmp_path))
    vault = open_vault(settings(tmp_path))
    assert opened(vault, sealed) == "np-hunter2"
    assert not vault.is_newest(sealed)
    assert file.read_text().endswith(text)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_keys_of_the_environment_need_no_file(tmp_path: Path) -> None:
    unpadded = base64.urlsafe_b64encode(b"\xff" * 32).decode().rstrip("=")
    named = settings(tmp_path, f"{base64.b64encode(NEW).decode()},\n {unpadded} ,")
    add_key(named)
    vault = open_vault(named)
    assert opened(vault, seal(Vault([b"\xff" * 32]))) == "np-hunter2"
    assert vault.is_newest(seal(Vault([NEW])))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keys", ["hunter2", f"{GOOD},aHVudGVyMg", ","])
def test_bad_keys_of_the_environment(tmp_path: Path, keys: str) -> None:
    with pytest.raises(BadSettings, match=r"^ENCRYPTION_KEYS: ") as caught:
        open_vault(settings(tmp_path, keys))
    assert "hunter2" not in str(caught.value)
    assert GOOD[:8] not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_nothing_secret_in_reprs() -> None:
    key = secrets.token_bytes(32)
    vault = Vault([key])
    shown = f"{vault!r} {vault} {vars(vault)}"
    assert all(text not in shown for text in (repr(key)[2:-1], key.hex(), base64.b64encode(key).decode()))


@pytest.mark.parametrize(
    "weak", [bytes(32), b"\x01\x02" * 16, bytes(range(200, 216)) * 2, b"correct horse battery staple 1234"[:32]]
)
def test_a_key_that_can_be_guessed_seals_nothing_but_still_opens(tmp_path: Path, weak: bytes) -> None:
    text, strong = base64.b64encode(weak).decode(), base64.b64encode(NEW).decode()
    with pytest.raises(BadSettings, match="can be guessed") as caught:
        open_vault(settings(tmp_path, text))
    assert text not in str(caught.value)
    (tmp_path / KEY_FILE).write_text(f"{text}\n")
    with pytest.raises(BadKeyFile, match="can be guessed"):
        open_vault(settings(tmp_path))
    (tmp_path / KEY_FILE).write_text(f"{strong}\n{text}\n")
    assert opened(open_vault(settings(tmp_path)), seal(Vault([weak]))) == SECRET.get_secret_value()


def test_a_key_file_half_written_before_a_kill_is_cleared_away(tmp_path: Path) -> None:
    dead, living = tmp_path / f".{KEY_FILE}.dead.half", tmp_path / f".{KEY_FILE}.living.half"
    dead.write_text("a key")
    living.write_text("a key")
    os.utime(dead, (0, 0))
    open_vault(settings(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == [living.name, KEY_FILE]
