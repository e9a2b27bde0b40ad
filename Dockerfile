# The service without any Asterisk: it talks to the one named in its settings.
FROM python:3.13-slim

WORKDIR /opt/uapi-bridge
# The locked dependencies first: a change of our code does not install them again.
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY bridge bridge
RUN pip install --no-cache-dir --no-deps .

RUN useradd --system --user-group --home-dir /state --no-create-home bridge \
    && install -d -o bridge -g bridge -m 0700 /state
USER bridge
ENV BRIDGE_STATE_DIR=/state PYTHONUNBUFFERED=1
VOLUME ["/state"]
EXPOSE 8080
ENTRYPOINT ["uapi-bridge"]
CMD ["serve"]
