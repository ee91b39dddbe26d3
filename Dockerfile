# One image for every Python process of the system; docker-compose.yml says which one a container runs.

# ---- build: uv, and what it installs; none of the tools reach the image ----
FROM python:3.13-slim AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_PYTHON=/usr/local/bin/python UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 \
    UV_PROJECT_ENVIRONMENT=/venv
WORKDIR /build

# The locked dependencies: made anew only when the lock changes.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-install-project --no-default-groups --group workshop

# The packages that pyproject.toml names, and nothing else of the checkout.
COPY . .
# Whatever the umask was when the checkout was made: another user than root runs it.
RUN uv pip install --no-deps --target /code . && chmod -R a+rX /code

# ---- the image ----
FROM python:3.13-slim
# /data is where the provider keeps its file, /logs where the services write for the console, /secrets where they find
# theirs; a volume mounted there gets this owner and mode. pip has done its work.
RUN useradd --system --uid 10001 --no-create-home app \
 && install -d -o app -g app /data /logs \
 && install -d -o app -g app -m 700 /secrets \
 && pip uninstall --yes --quiet --root-user-action ignore pip
COPY --from=build /venv /venv
COPY --from=build /code /app
# Bytecode was compiled above: at run time nothing can be, and need not be, written.
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER app
