# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a repository hold the same weights a second time, in a format that nobody reads who can have the first.

After vLLM's loader (vllm/model_executor/model_loader/default_loader.py, _prepare_weights): of the repository's own directory it takes *.safetensors, else
*.bin, else *.pt, whichever there is first; where consolidated*.safetensors lie there, it takes these, unless they are not there. transformers' files of a
model go before its maker's own (original/, consolidated*), because they have a config.json beside them.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Sequence

_CONSOLIDATED = re.compile(r"consolidated[^/]*\.safetensors(?:\.index\.json)?\Z")
# From the one that is taken first. Files of the repository's own directory only.
_FORMATS = (
    re.compile(r"(?!consolidated)[^/]+\.safetensors\Z"),
    re.compile(r"consolidated[^/]*\.safetensors\Z"),
    re.compile(r"(?!training_args|optimizer|openvino)[^/]+\.bin\Z"),
    re.compile(r"[^/]+\.pt\Z"),
)
# Weights for other programs, or as their maker trained them, wherever they lie.
_OTHERS = re.compile(
    r"(?:(?:original|onnx|openvino|coreml|metal|gguf|tflite|flax|tf)/.+"
    r"|(?:.*/)?(?:[^/]+\.(?:pth|ckpt|h5|msgpack|ot|onnx|onnx_data|tflite|mlmodel|mlpackage|nemo|npz|pkl)|openvino_[^/]+|consolidated[^/]*\.pth)"
    r"|(?:.*/)?(?:flax_model|tf_model)[^/]*\.index\.json"
    # Of TensorFlow, ONNX and TensorRT.
    r"|(?:variables|mlx|trt|tensorrt)/.+|(?:.*/)?(?:saved_model\.pb|[^/]+\.(?:ckpt\.[^/]+|onnx\.data|onnx_data_\d+|plan|engine))"
    # What training goes on from.
    r"|(?:checkpoint-|global_step)\d+/.+|(?:.*/)?(?:optimizer|scheduler|scaler|rng_state)[^/]*\.(?:bin|pt|pth))\Z",
    re.IGNORECASE,
)
# Where there are safetensors, beside them.
_BESIDE_SAFETENSORS = re.compile(r"(?:.*/)?[^/]+\.(?:(?:bin|pt)(?:\.index\.json)?|gguf|ggml)\Z", re.IGNORECASE)


# The same weights in other numbers, as transformers names them: model.fp16.safetensors.
_VARIANT = re.compile(
    r"(?P<stem>[^/]+?)\.(?:fp|bf|int)\d+(?:-\d{5}-of-\d{5})?\.(?P<end>(?:safetensors|bin)(?:\.index\.json)?)\Z"
)
# A part of a model of sentence-transformers, 2_Dense/pytorch_model.bin, has weights of its own.
_MODULE = re.compile(r"(?:.*/)?\d+_\w+\Z")


def told_apart(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is read, and what is left out."""
    taken = next((number for number, form in enumerate(_FORMATS) if any(form.match(path) for path in paths)), None)
    if taken is None:
        return list(paths), []
    left = {path for path in paths if _OTHERS.match(path)}
    left |= {path for path in paths if _is_variant(path, paths)}
    if taken == 0:
        left |= {path for path in paths if _CONSOLIDATED.match(posixpath.basename(path))}
    if taken < 2:
        folders = {posixpath.dirname(path) for path in paths if path.endswith(".safetensors")}
        alone = {
            path for path in paths if _MODULE.match(posixpath.dirname(path)) and posixpath.dirname(path) not in folders
        }
        left |= {path for path in paths if _BESIDE_SAFETENSORS.match(path)} - alone
    if taken == 2:
        left |= {path for path in paths if _FORMATS[3].match(path)}
    return [path for path in paths if path not in left], [path for path in paths if path in left]


def _is_variant(path: str, paths: Sequence[str]) -> bool:
    """Whether the weights are there under the plain name, whole or in parts."""
    found = _VARIANT.match(path)
    if not found:
        return False
    end = found["end"].partition(".")[0]
    plain = re.compile(rf"{re.escape(found['stem'])}(?:-\d{{5}}-of-\d{{5}})?\.{end}\Z")
    return any(plain.match(other) for other in paths)
