# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# llama.cpp with RPC of Debian's own packages, on the processor: amd64, arm64, and whatever else Debian has them for.
#   docker build --tag registry.example.org/llama.cpp-rpc:0.7.0 --file debian.Dockerfile .
# Of another base image, such as that of a registry of your own: --build-arg BASE_IMAGE=…
ARG BASE_IMAGE=docker.io/library/debian:forky-slim
FROM ${BASE_IMAGE}

RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      ca-certificates libggml0-backend-rpc llama.cpp-examples llama.cpp-tools llama.cpp-tools-extra python3-minimal libpython3-stdlib \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir /app \
 && for name in llama-server llama-cli llama-completion llama-embedding; do ln -s "/usr/bin/$name" "/app/$name"; done \
 && ln -s /usr/libexec/*/llama/bin/ggml-rpc-server /app/ggml-rpc-server

ENV PATH=/app:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /app
USER 65534:65534
ENTRYPOINT ["/app/llama-server"]
