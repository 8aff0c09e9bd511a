# Runs the README's two commands, on CPUs:
#   docker build --tag macro-to-micro .
#   docker run --rm macro-to-micro                  one cell: make repro
#   docker run --rm macro-to-micro make grid        the study
# Results stay in the container: mount a volume at /work/.dvc/cache, or copy metrics/ out with `docker cp`.
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make gcc g++ \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home m2m \
    && install --directory --owner=m2m /work

USER m2m
WORKDIR /work

# First what changes rarely: the packages stay cached while code changes.
COPY --chown=m2m Makefile constraints.txt ./
RUN PIP_NO_CACHE_DIR=1 PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make install

# With .git: DVC keeps its experiments there.
COPY --chown=m2m . .
RUN touch .venv/pins \
    && git config --global user.name m2m \
    && git config --global user.email m2m@localhost

ENV PATH=/work/.venv/bin:$PATH
CMD ["make", "repro"]
