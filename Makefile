# `make` alone lists what there is to make.
PYTHON ?= python3

python := .venv/bin/python
sources := bot cogs tests
install = $(python) -m pip install --quiet --disable-pip-version-check --require-hashes -r
# No machine's own configuration may leak into the locks, nor a release that nobody has looked at yet (SECURITY.md): an
# index that tells no upload times has nothing to offer then, and uv says so.
compile = .venv/bin/uv pip compile pyproject.toml --quiet --no-config --universal --generate-hashes \
	--python-version 3.11 --exclude-newer '$(AGE)' --no-emit-index-url --no-emit-find-links \
	--custom-compile-command 'make lock'

babel = .venv/bin/pybabel --quiet
catalogues = -d bot/cards/locale -D bot

.PHONY: help install postgres run demo test test-quick test-other soak swarm outages abuse webhook-abuse upgrade bench check lint types format messages queries lock audit sbom screenshots clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 22

install: .venv/run ## install what the bot needs into .venv

postgres: .venv/postgres ## install what a ledger in PostgreSQL needs as well

run: .venv/run ## run the bot; needs DISCORD_TOKEN in .env or the environment
	@$(python) -m bot

demo: .venv/demo ## try the bot in a browser; needs neither a token nor a key
	@$(python) -m bot demo

LEDGER ?= sqlite
test: .venv/dev ## run the tests, all that have a ledger on SQLite (LEDGER=postgresql: those, and no others, on PostgreSQL)
	$(python) -m pytest -n auto --dist worksteal $(if $(LEDGER),--ledger $(LEDGER))

test-quick: .venv/dev ## run the tests that need no whole bot, socket or PostgreSQL: under a minute
	$(python) -m pytest -q -n auto --dist worksteal --quick

test-other: ## run the quick tests on another Python: make test-other PYTHON=python3.13
	$(PYTHON) -m venv --clear .venv/other
	.venv/other/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	.venv/other/bin/python -m pytest -q -n auto --dist worksteal --quick

KILLS ?= 2000
soak: .venv/dev ## kill the bot at every step and at random, and print what was lost (KILLS=200 for a short run)
	$(python) -m tests.wire.soak --kills $(KILLS)

ABUSE ?=
abuse: .venv/dev ## play every attack that once got through, and print what it does now (ABUSE=--short: the quick ones)
	$(python) -m tests.abuse $(ABUSE)

webhook-abuse: .venv/dev ## flood, forge and replay webhooks, and print what that cost
	$(python) -m pytest -q -s tests/ops/test_webhook_abuse.py

ORDERS ?= 20000
swarm: .venv/dev ## run four processes on one PostgreSQL, kill one every few seconds, and print what was lost
	$(python) -m tests.wire.swarm --orders $(ORDERS)

OUTAGES ?=
outages: .venv/dev ## take network, Discord, panel, PostgreSQL and disk away for up to an hour, and print how the bot comes back
	$(python) -m tests.wire.outages $(OUTAGES)

upgrade: .venv/dev ## open the ledgers that earlier releases have left, on both engines, and go on with them
	$(python) -m pytest -v --no-header tests/ledger/test_upgrade.py

bench: .venv/dev ## measure the schedule, and everything else against bare loops and the least there is
	$(python) -m tests.benchmarks.schedule
	$(python) -m tests.benchmarks

check: lint types test ## check style, types and tests: what CI runs first; then it runs the tests on PostgreSQL

lint: .venv/dev ## check style and format
	.venv/bin/ruff check $(sources)
	.venv/bin/ruff format --check $(sources)

types: .venv/dev ## check types
	.venv/bin/basedpyright

format: .venv/dev ## format the code and repair what can be repaired
	.venv/bin/ruff check --fix $(sources)
	.venv/bin/ruff format $(sources)

messages: .venv/dev ## collect the texts for the translators, and compile the translations
	texts=$$(mktemp) && trap "rm -f $$texts" EXIT && \
	$(babel) extract --no-location -k plural:1,2 -k locale_str -c NOTE: -o $$texts bot cogs && \
	$(babel) update -i $$texts $(catalogues) --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(babel) compile $(catalogues)

queries: .venv/dev ## write down the types of the named queries
	$(python) -m tests.query_stub

AGE ?= 7 days
lock: .venv/dev ## bring the pinned versions up to date (AGE='0 days' for a fix that cannot wait)
	$(compile) --upgrade --extra demo --group dev -o requirements-dev.txt
	$(compile) --extra demo -c requirements-dev.txt -o requirements-demo.txt
	$(compile) --extra postgres -c requirements-dev.txt -o requirements-postgres.txt
	$(compile) -c requirements-dev.txt -o requirements.txt

AUDIT ?=
audit: .venv/dev ## ask whether a pinned version is known to be vulnerable (AUDIT=--if-reachable: pass where nobody can be asked)
	$(python) -m tests.audit $(AUDIT)

LOCK ?= requirements.txt
sbom: .venv/dev ## write sbom.json: all that a release is made of, with licences (CycloneDX)
	@rm -rf .venv/release && $(PYTHON) -m venv --without-pip .venv/release
	@$(python) -m pip --python .venv/release install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	.venv/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o sbom.json .venv/release

screenshots: .venv/dev ## make the pictures in the documentation anew
	$(python) -m tests.screenshots

clean: ## remove all that was made here: .venv, caches, sbom.json; settings, secrets and ledger stay
	rm -rf .venv .ruff_cache .pytest_cache .hypothesis sbom.json
	find $(sources) -name __pycache__ -prune -exec rm -rf {} +

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'This needs Python 3.11 or newer; name one: make PYTHON=python3.12 …' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo 'This Python has no venv. On Debian and Ubuntu: sudo apt-get install python3-venv' >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

# A larger lock holds the smaller ones in the same versions, so it counts as all of them.
.venv/run: .venv/made requirements.txt
	@echo 'Installing what the bot needs …'
	@$(install) requirements.txt
	@touch $@

.venv/postgres: .venv/made requirements-postgres.txt
	@echo 'Installing what the bot and a ledger in PostgreSQL need …'
	@$(install) requirements-postgres.txt
	@touch .venv/run $@

.venv/demo: .venv/made requirements-demo.txt
	@echo 'Installing what the demo needs …'
	@$(install) requirements-demo.txt
	@touch .venv/run $@

.venv/dev: .venv/made requirements-dev.txt
	@echo 'Installing what the development needs …'
	@$(install) requirements-dev.txt
	@touch .venv/run .venv/postgres .venv/demo $@
