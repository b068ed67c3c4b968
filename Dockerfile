# The bot as an image: no compiler, no pip, no user who may do more than run it. docs/operating.md tells how to use it.
# Base images are named by version; Renovate pins them to a digest.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
# requirements-postgres.txt for a ledger in PostgreSQL.
ARG LOCK=requirements.txt
WORKDIR /build
COPY ${LOCK} lock.txt
# Wheels alone, each of the hash that the lock names: nothing runs at install time.
RUN python -m venv --without-pip /opt/venv \
    && python -m pip --python /opt/venv install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --require-hashes -r lock.txt
COPY bot /opt/app/bot
COPY cogs /opt/app/cogs
# Compiled here, since nothing can be written there; readable whatever the modes of the checkout were.
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/app /opt/venv \
    && chmod -R a+rX /opt/app \
    && mkdir -m 0700 /data

FROM python:${PYTHON}
# The base brings pip, and leaves out the bytecode of Python's own library, which nobody can write later (14 MB; without it
# each health check takes half a second of a processor).
RUN groupadd --gid 10001 bot \
    && useradd --uid 10001 --gid bot --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bot \
    && library=$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
    && python -m pip uninstall --quiet --yes --root-user-action ignore pip setuptools wheel \
    && rm -r "$library/ensurepip" \
    && python -m compileall -q --invalidation-mode unchecked-hash "$library"
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/app /opt/app
COPY --from=build --chown=bot:bot /data /data
COPY LICENSE /opt/app/
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    SQLITE_TMPDIR=/data \
    HTTP_PORT=8080
WORKDIR /opt/app
USER 10001:10001
VOLUME /data
STOPSIGNAL SIGTERM
# The process and its ledger; a Discord that is away does not make it unhealthy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"HTTP_PORT\"]}/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "bot"]
