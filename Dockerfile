# One image for every server and role: the farm, one environment alone, the making of trajectories.
# Build on another base by --build-arg BASE=...; pin it by its digest where builds have to be repeatable.
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
WORKDIR /source
RUN python3 -m venv /envfactory
COPY pyproject.toml README.md LICENSE CHANGELOG.md registry.json ./
COPY envfactory_client envfactory_client
COPY servers servers
COPY synthesis synthesis
RUN /envfactory/bin/pip install --no-cache-dir '.[synthesis]'

FROM ${BASE}
LABEL org.opencontainers.image.title="EnvFactory" \
      org.opencontainers.image.description="Executable tool environments as MCP servers, and trajectories made from them" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin envfactory \
    && install --directory --owner=10001 --group=10001 /state
COPY --from=build /envfactory /envfactory
ENV PATH=/envfactory/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /state
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "servers.probe"]
CMD ["python", "-m", "servers", "--host", "0.0.0.0", "--port", "8000"]
