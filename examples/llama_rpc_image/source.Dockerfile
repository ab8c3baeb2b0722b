# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# llama.cpp with RPC of the archive of its sources that you name, on the processor or with CUDA. SHA256 is that of the archive: fetch it once, and look at it.
#   docker build --tag registry.example.org/llama.cpp-rpc:b11176 --build-arg BUILD=11176 --build-arg SHA256=… --file source.Dockerfile .
# With CUDA, for workers and heads that have GPUs, of the same archive:
#   … --build-arg CUDA=ON --build-arg BUILD_IMAGE=docker.io/nvidia/cuda:12.8.1-devel-ubuntu24.04 --build-arg RUN_IMAGE=docker.io/nvidia/cuda:12.8.1-runtime-ubuntu24.04
ARG BUILD_IMAGE=docker.io/library/ubuntu:24.04
ARG RUN_IMAGE=docker.io/library/ubuntu:24.04

FROM ${BUILD_IMAGE} AS build
ARG BUILD
ARG SHA256
ARG CUDA=OFF
ARG REPOSITORY=https://github.com/ggml-org/llama.cpp
RUN apt-get update && apt-get install --yes --no-install-recommends build-essential ca-certificates cmake curl libssl-dev
# An archive has no history, by which a build knows its number: it is told. In the place of the commit stand the first digits of the archive's hash, so that two
# builds are one only where their sources are.
RUN test -n "${BUILD}" && test "$(printf %s "${SHA256}" | wc -c)" = 64 \
 && curl --fail --location --silent --show-error --output /llama.cpp.tar.gz "${REPOSITORY}/archive/refs/tags/b${BUILD}.tar.gz" \
 && echo "${SHA256}  /llama.cpp.tar.gz" | sha256sum --check \
 && mkdir /llama.cpp && tar --extract --strip-components=1 --directory=/llama.cpp --file=/llama.cpp.tar.gz \
 && cmake -S /llama.cpp -B /build -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_RPATH='$ORIGIN' -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON \
      -DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined -DGGML_RPC=ON -DGGML_CUDA="${CUDA}" -DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON \
      -DGGML_CPU_ALL_VARIANTS=ON -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_NUMBER="${BUILD}" -DLLAMA_BUILD_COMMIT="$(printf %.12s "${SHA256}")" \
 && cmake --build /build --config Release --parallel \
 && mkdir /app && find /build -name '*.so*' -exec cp --no-dereference {} /app \; \
 && for name in llama-server llama-cli llama-completion llama-embedding; do cp "/build/bin/$name" /app; done \
 # Older builds call it rpc-server.
 && { cp /build/bin/ggml-rpc-server /app 2>/dev/null || cp /build/bin/rpc-server /app/ggml-rpc-server; }

FROM ${RUN_IMAGE}
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates libgomp1 libssl3 python3-minimal libpython3-stdlib && rm -rf /var/lib/apt/lists/*
COPY --from=build /app /app
ENV PATH=/app:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /app
USER 65534:65534
ENTRYPOINT ["/app/llama-server"]
