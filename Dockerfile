# The farm with all its environments. Build with another base by --build-arg BASE=...
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
WORKDIR /source
RUN python -m venv /farm
COPY pyproject.toml README.md LICENSE CHANGELOG.md registry.json ./
COPY envfactory_client envfactory_client
COPY servers servers
COPY synthesis synthesis
RUN /farm/bin/pip install --no-cache-dir '.[farm]'

FROM ${BASE}
LABEL org.opencontainers.image.title="EnvFactory farm" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin farm
COPY --from=build /farm /farm
ENV PATH=/farm/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /tmp
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["python", "-m", "servers", "--host", "0.0.0.0", "--port", "8000"]
