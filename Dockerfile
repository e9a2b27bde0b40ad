# The service without any Asterisk: it talks to the one named in its settings.
# `make pin` renews what it is made from; another image of the same kind can be given as DEBIAN.
ARG DEBIAN
FROM ${DEBIAN:-debian:trixie-slim} AS python
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/*

FROM python AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        python3-pip python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv --without-pip /opt/uapi-bridge
# The secret is optional: a pip.conf for those who have a package index of their own.
# The locked dependencies first: a change of our code does not install them again.
COPY requirements.lock requirements-build.lock /build/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    pip --python /opt/uapi-bridge/bin/python install --no-cache-dir \
        --require-hashes --requirement /build/requirements.lock \
        --requirement /build/requirements-build.lock
COPY pyproject.toml README.md LICENSE /build/
COPY bridge /build/bridge
# Nothing is fetched for it: what builds it has come with its hash. It is not needed afterwards.
RUN pip --python /opt/uapi-bridge/bin/python install --no-cache-dir \
        --no-index --no-deps --no-build-isolation /build \
    && pip --python /opt/uapi-bridge/bin/python uninstall --yes setuptools

FROM python
# The group is that of asterisk-conf/Dockerfile: who is in it may read the generated secrets.
RUN groupadd --system --gid 5038 pbx-secrets \
    && useradd --system --user-group --groups pbx-secrets \
        --home-dir /state --no-create-home bridge \
    && install -d -o bridge -g bridge -m 0700 /state
COPY --from=build /opt/uapi-bridge /opt/uapi-bridge
USER bridge
ENV PATH=/opt/uapi-bridge/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 \
    BRIDGE_STATE_DIR=/state BRIDGE_HTTP_HOST=0.0.0.0 BRIDGE_HTTP_PORT=8080 \
    BRIDGE_ASTERISK=external
# To be kept in a volume: /state.
EXPOSE 8080
# Linked to the PBX and able to place calls.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD python3 -c "import os,urllib.request as r; \
r.urlopen('http://127.0.0.1:'+os.environ['BRIDGE_HTTP_PORT']+'/health/ready',timeout=4)"
ENTRYPOINT ["uapi-bridge"]
CMD ["serve"]
