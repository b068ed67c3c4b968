"""What deploy/ brings for whoever runs the bot: units that systemd takes, scripts that do what they say."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.ledger import migrate
from tests.ledgers import InPostgres
from tests.postgres import Postgres, programs
from tests.rules.sources import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted(path.name for path in DEPLOY.iterdir() if path.suffix in (".service", ".timer"))
SCRIPTS = sorted(path.name for path in DEPLOY.iterdir() if path.read_bytes().startswith(b"#!/bin/sh"))
COPY = re.compile(r"ledger-\d{8}T\d{6}Z\.dump")


def program(name: str, package: str) -> str:
    """Return a program's name; skip the test where it is not installed, which is a failure in CI."""
    if not shutil.which(name):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no {name} here (Debian: apt install {package})")
    return name


def stand_in(folder: Path, name: str, does: str) -> None:
    """Put a script in the place of a program."""
    (folder / name).write_text(f"#!/bin/sh\n{does}\n")
    (folder / name).chmod(0o755)


# Units --------------------------------------------------------------------------------------------------------------


def install(folder: Path, name: str, source: str | None = None) -> None:
    """Install a unit as the papers say, with a program that is here in the place of the bot's."""
    text = (DEPLOY / (source or name)).read_text("utf-8")
    text = re.sub(
        r"/opt/notpanel-bot/\S+", "/bin/true", re.sub(r"(?m)^WorkingDirectory=.*", "WorkingDirectory=/", text)
    )
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def verify(folder: Path, names: Sequence[str]) -> None:
    """Have systemd read units as it would load them."""
    systemd = program("systemd-analyze", "systemd")
    environment = {"PATH": os.environ["PATH"], "SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_LOG_LEVEL": "warning"}
    done = subprocess.run(
        [systemd, "verify", "--man=no", *names], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    for name in UNITS:
        install(tmp_path, name)
    verify(tmp_path, UNITS)
    install(tmp_path, "notpanel-bot-backup.service.d/postgresql.conf", "notpanel-bot-backup-postgresql.conf")
    verify(tmp_path, ["notpanel-bot-backup.service"])


def test_the_unit_is_a_template_for_several_processes(tmp_path: Path) -> None:
    install(tmp_path, "notpanel-bot@.service", "notpanel-bot.service")
    (tmp_path / "notpanel-bot@.service.d").mkdir()
    (tmp_path / "notpanel-bot@.service.d/shard.conf").write_text(
        "[Service]\nEnvironment=SHARD_IDS=%i HTTP_PORT=808%i\n"
    )
    verify(tmp_path, ["notpanel-bot@0.service", "notpanel-bot@1.service"])


def lines_of(unit: str) -> set[str]:
    """Return a unit's settings."""
    return set(re.findall(r"^\w+=.*$", (DEPLOY / unit).read_text("utf-8"), re.MULTILINE))


def test_the_backup_may_do_no_more_than_the_bot() -> None:
    """What the bot's unit forbids, its backup's forbids as well, but for what it has no need to open."""
    of_its_own = {"Type", "ExecStart", "LoadCredential", "Restart", "RestartSec", "RestartPreventExitStatus"}
    of_its_own |= {"StateDirectory", "TimeoutStopSec", "LimitNOFILE", "IPAddressDeny", "IPAddressAllow", "TasksMax"}
    of_its_own |= {"ProcSubset", "RestrictAddressFamilies"}
    service = {line for line in lines_of("notpanel-bot.service") if line.split("=")[0] not in of_its_own}
    service -= {line for line in service if re.match(r"Description|After|Wants|WantedBy|StartLimit", line)}
    assert sorted(service - lines_of("notpanel-bot-backup.service")) == []


# Scripts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_plain_shell(script: str) -> None:
    subprocess.run(["sh", "-n", DEPLOY / script], check=True)
    checked = subprocess.run([program("shellcheck", "shellcheck"), DEPLOY / script], capture_output=True, check=False)
    assert checked.stdout.decode() == ""
    assert os.access(DEPLOY / script, os.X_OK)


@pytest.fixture
def stand_ins(tmp_path: Path) -> Path:
    """Programs in the place of systemd's: what the unit says, and what systemd would have been asked to run."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, does in {
        "systemctl": f"""case "$*" in
            "cat notpanel-bot" | "cat notpanel-bot@"*) cat {DEPLOY / "notpanel-bot.service"} {tmp_path / "more.conf"} ;;
            *) exit 1 ;;
        esac""",
        "systemd-run": 'for word; do echo "$word"; done',
        "id": "echo ${PRETEND:-0}",
    }.items():
        stand_in(folder, name, does)
    (tmp_path / "more.conf").write_text(
        "\n[Service]\nExecStart=\nExecStart=-/srv/bot/python -m bot\n"
        "LoadCredential=encryption_keys:/etc/bot/encryption_keys\nEnvironment=TEXT='two words' HTTP_PORT=8080\n"
    )
    return folder


def as_the_unit(stand_ins: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run deploy/notpanel-bot."""
    path = f"{stand_ins}:{os.environ['PATH']}"
    return subprocess.run(
        [DEPLOY / "notpanel-bot", *words],
        env={"PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_runs_with_the_units_user_folder_settings_and_secrets(stand_ins: Path) -> None:
    ran = as_the_unit(stand_ins, "backup", "a file of two  words")
    assert ran.returncode == 0
    words = ran.stdout.splitlines()
    assert words[-6:] == ["--", "/srv/bot/python", "-m", "bot", "backup", "a file of two  words"]
    properties = [words[n + 1] for n, word in enumerate(words) if word == "--property"]
    assert properties == [
        "User=notpanel-bot",
        "Group=notpanel-bot",
        "WorkingDirectory=/opt/notpanel-bot",
        "Environment=DATA_DIR=/var/lib/notpanel-bot PYTHONDONTWRITEBYTECODE=1",
        "EnvironmentFile=-/etc/notpanel-bot/settings",
        "LoadCredential=discord_token:/etc/notpanel-bot/discord_token",
        "StateDirectory=notpanel-bot",
        "StateDirectoryMode=0700",
        "UMask=0077",
        "LoadCredential=encryption_keys:/etc/bot/encryption_keys",
        "Environment=TEXT='two words' HTTP_PORT=8080",
    ]


@pytest.mark.parametrize("unit", ["notpanel-bot@0", "notpanel-bot@0.service"])
def test_a_command_of_one_of_several_processes_has_its_shards(stand_ins: Path, unit: str) -> None:
    (stand_ins.parent / "more.conf").write_text("[Service]\nEnvironment=SHARD_IDS=%i HTTP_PORT=808%i\n")
    assert "Environment=SHARD_IDS=0 HTTP_PORT=8080" in as_the_unit(stand_ins, "doctor", UNIT=unit).stdout.splitlines()


def test_a_command_is_refused_where_it_would_do_harm(stand_ins: Path) -> None:
    for words in ((), ("run",)):
        assert "usage: sudo notpanel-bot" in as_the_unit(stand_ins, *words).stderr
    ran = as_the_unit(stand_ins, "doctor", PRETEND="1000")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "sudo notpanel-bot doctor" in ran.stderr
    assert as_the_unit(stand_ins, "doctor", UNIT="another").returncode == 1


# PostgreSQL ---------------------------------------------------------------------------------------------------------


class Job:
    """deploy/postgres-backup.sh on a database of the tests' server."""

    def __init__(self, below: InPostgres, folder: Path) -> None:
        self.folder = folder / "backups"
        self.folder.mkdir()
        found = programs()
        assert found
        self.environment = {
            "PATH": f"{folder}:{found}:{os.environ['PATH']}",
            "TMPDIR": str(folder),
            "PGHOST": str(below.server.folder),
            "PGUSER": "bot",
            "PGDATABASE": below.url.split("?")[0].rsplit("/", 1)[1],
            "BACKUP_FOLDER": str(self.folder),
            "BACKUP_KEEP": "2",
            "CREDENTIALS_DIRECTORY": str(folder),
        }

    def run(self, **more: str) -> subprocess.CompletedProcess[str]:
        """Make one copy."""
        return subprocess.run(
            ["sh", DEPLOY / "postgres-backup.sh"],
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def names(self) -> list[str]:
        """Return what is in the folder of copies."""
        return sorted(file.name for file in self.folder.iterdir())


@pytest.fixture
def job(postgres: Postgres, tmp_path: Path) -> "Job":
    """A job on a ledger with a fact in it."""
    below = InPostgres(postgres)
    below.sql("INSERT INTO facts VALUES ('who', 'the first')")
    below.close()
    return Job(below, tmp_path)


def test_a_copy_of_postgresql_is_whole_private_and_restores(job: Job, postgres: Postgres, tmp_path: Path) -> None:
    secret = "s3:cret\\word"
    (tmp_path / "ledger_password").write_text(f"{secret}\n")
    seen = tmp_path / "seen"
    binaries = programs()
    # What anybody sees of pg_dump while it runs, and what it is told in a file.
    stand_in(
        tmp_path,
        "pg_dump",
        f'echo "$*" > {seen}\nenv >> {seen}\ncat "$PGPASSFILE" > {seen}.file\nexec {binaries}/pg_dump "$@"',
    )
    done = job.run()
    assert (done.returncode, done.stderr) == (0, "")
    (name,) = job.names()
    assert COPY.fullmatch(name)
    assert f"{name}: complete" in done.stdout
    assert (job.folder / name).stat().st_mode & 0o077 == 0
    assert secret not in seen.read_text()
    assert (tmp_path / "seen.file").read_text() == "*:*:*:*:s3\\:cret\\\\word\n"
    assert not list(tmp_path.glob("tmp.*"))
    new = InPostgres(postgres, migrated=False)
    new.close()
    database = new.url.split("?")[0].rsplit("/", 1)[1]
    subprocess.run(
        [
            f"{binaries}/pg_restore",
            "--no-owner",
            "--exit-on-error",
            "--single-transaction",
            "-d",
            database,
            job.folder / name,
        ],
        env=job.environment,
        check=True,
    )
    assert new.sql("SELECT value FROM facts") == [("the first",)]
    assert migrate(SecretStr(new.url))
    new.drop()


def test_copies_of_postgresql_take_turns_and_nothing_else_is_touched(job: Job) -> None:
    mine = ["ledger.dump", "ledger-20260101.dump", "notes"]
    old = [f"ledger-2026010{n}T000000Z.dump" for n in range(1, 4)]
    for name in [*mine, *old, ".ledger-20260104T000000Z.dump.half"]:
        (job.folder / name).touch()
    done = job.run()
    assert done.returncode == 0, done.stderr
    new = [name for name in job.names() if name not in (*mine, *old)]
    assert len(new) == 1
    assert job.names() == sorted([*mine, old[-1], *new])


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ({"PGHOST": "/nowhere"}, "/nowhere"),
        ({"PGDATABASE": "another"}, "another"),
        ({"BACKUP_KEEP": "0"}, "BACKUP_KEEP must be"),
        ({"BACKUP_FOLDER": "/nowhere"}, "/nowhere: there is no such folder"),
        ({"df": "echo; echo x 1 1 1"}, "too little free space, 1 KB for a database of"),
        ({"pg_dump": 'touch "${3#--file=}"; exit 1'}, ""),
        ({"pg_dump": 'echo torn > "${3#--file=}"'}, "does not appear to be a valid archive"),
    ],
    ids=["no server", "no database", "keep", "no folder", "no room", "dump fails", "torn"],
)
def test_a_copy_of_postgresql_that_fails_leaves_nothing_and_removes_nothing(
    job: Job, tmp_path: Path, trouble: dict[str, str], says: str
) -> None:
    before = [f"ledger-2026010{n}T000000Z.dump" for n in range(1, 5)]
    for name in before:
        (job.folder / name).touch()
    for name, does in trouble.items():
        if not name.isupper():
            stand_in(tmp_path, name, does)
    done = job.run(**{name: value for name, value in trouble.items() if name.isupper()})
    assert done.returncode != 0
    assert says in done.stderr
    assert job.names() == before
    assert not list(tmp_path.glob("tmp.*"))


def test_the_daily_job_makes_up_for_what_was_missed_and_no_more(job: Job, tmp_path: Path) -> None:
    stand_in(tmp_path, "sleep", 'echo waiting\nexec /bin/sleep "$@"')
    assert daily(job) == 1
    (first,) = job.names()
    assert daily(job) == 1  # a container that was restarted
    old = (job.folder / first).rename(job.folder / "ledger-20260101T000000Z.dump")
    os.utime(old, (time.time() - 86_400,) * 2)
    assert daily(job) == 2


def test_a_copy_of_the_future_keeps_nobody_from_making_the_next(job: Job, tmp_path: Path) -> None:
    """As it is left by a clock that was wrong for a while."""
    stand_in(tmp_path, "sleep", 'echo waiting\nexec /bin/sleep "$@"')
    ahead = job.folder / "ledger-20990505T000000Z.dump"
    ahead.touch()
    os.utime(ahead, (time.time() + 86_400 * 999,) * 2)
    assert daily(job) == 2
    assert daily(job) == 2


def test_a_copy_that_hangs_is_given_up_and_said(job: Job, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stand_in(tmp_path, "sleep", 'echo waiting\nexec /bin/sleep "$@"')
    stand_in(tmp_path, "timeout", f'shift 3\nexec {shutil.which("timeout")} -k 10 1 "$@"')
    stand_in(tmp_path, "pg_dump", 'touch "${3#--file=}"\nexec /bin/sleep 60')
    assert daily(job) == 0
    assert "no copy was made (exit code 124); it is tried again in 15 minutes" in capfd.readouterr().err
    assert not list(tmp_path.glob("tmp.*"))


def test_a_copy_does_not_wait_for_ever_for_a_locked_table(job: Job, tmp_path: Path) -> None:
    stand_in(tmp_path, "pg_dump", f'exec {programs()}/pg_dump "$1" "$2" "$3" "${{4%60000}}200"')
    holds = ["psql", "--command", "BEGIN; LOCK TABLE facts", "--command", "SELECT 'held'", "--command", "\\! cat"]
    with subprocess.Popen(
        [*holds, "--no-psqlrc"], env=job.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert " held\n" in iter(other.stdout.readline, "")
        done = job.run()
        other.communicate()
    assert done.returncode != 0
    assert "statement timeout" in done.stderr
    assert job.names() == []
    assert job.run().returncode == 0


def daily(job: Job) -> int:
    """Let the daily job run until it waits for the next day; return how many copies there are."""
    command = ["sh", str(DEPLOY / "postgres-backup.sh"), "daily"]
    with subprocess.Popen(command, env=job.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert "waiting\n" in iter(process.stdout.readline, "")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    return len(job.names())
