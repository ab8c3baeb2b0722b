# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.hearth.llm.plugins.module_utils._errors import InputError
from ansible_collections.hearth.llm.plugins.module_utils._fetch.copies import told_apart
from ansible_collections.hearth.llm.plugins.module_utils._fetch.sources import checked, parse, siblings

SPLIT = "q/x-00002-of-00003.gguf"


@pytest.mark.parametrize(
    ("text", "repository", "revision", "pattern"),
    [
        ("hf://o/r", "o/r", "main", ""),
        ("hf://o/r.v-1/a/b.gguf", "o/r.v-1", "main", "a/b.gguf"),
        ("hf://o/r@v1/*.gguf", "o/r", "v1", "*.gguf"),
        ("hf://o/r@refs%2Fpr%2F1/x", "o/r", "refs/pr/1", "x"),
        # Revisions of the hub's own, as its library and its pages write them, too.
        ("hf://o/r@refs/pr/1/x", "o/r", "refs/pr/1", "x"),
        ("hf://o/r@refs/pr/12", "o/r", "refs/pr/12", ""),
        ("https://huggingface.co/o/r/blob/refs/pr/1/q/x.gguf", "o/r", "refs/pr/1", "q/x.gguf"),
        ("https://huggingface.co/o/r/tree/refs/convert/parquet", "o/r", "refs/convert/parquet", ""),
        # A folder, with the slash that people write.
        ("hf://o/r/q/", "o/r", "main", "q/*"),
        ("hf://o/r@v1/a/q/", "o/r", "v1", "a/q/*"),
        ("hf://o/r/", "o/r", "main", ""),
    ],
)
def test_a_source_on_the_hub_has_a_repository_a_revision_and_a_pattern(
    text: str, repository: str, revision: str, pattern: str
) -> None:
    source = parse(text)
    assert (source.kind, source.repository, source.revision, source.pattern) == ("hf", repository, revision, pattern)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o/r",
        "hf://o",
        "hf://o/r@",
        "hf://o/r/../x",
        "https://host",
        "https://host/",
        "file://host/x",
        "file:///",
        "s3://b/x",
        "https://[::1/x",
    ],
)
def test_what_is_no_source_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(InputError, match="hf://owner/repository"):
        parse(text)


@pytest.mark.parametrize("text", ["file:/srv/x", "file://localhost/srv/x", "FILE:///srv/x"])
def test_a_file_may_be_written_as_programs_write_it(text: str) -> None:
    assert parse(text).text == "file:///srv/x"


def test_one_part_of_a_split_model_means_all_of_them() -> None:
    assert siblings(SPLIT) == [f"q/x-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    source = parse(f"hf://o/r/{SPLIT}")
    assert source.wants("q/x-00001-of-00003.gguf")
    assert not source.wants("q/y-00001-of-00003.gguf")
    assert source.entry([source.place(path) for path in siblings(SPLIT)]) == "x-00001-of-00003.gguf"


def test_folders_that_the_source_spells_out_are_left_away_and_others_kept() -> None:
    assert parse("hf://o/r/a/b/x.gguf").place("a/b/x.gguf") == "x.gguf"
    assert parse("hf://o/r/a/*/x.gguf").place("a/b/x.gguf") == "b/x.gguf"
    assert parse("hf://o/r/a/Q4*.gguf").place("a/Q4_0.gguf") == "Q4_0.gguf"
    assert parse("hf://o/r").place("a/b/x.gguf") == "a/b/x.gguf"
    assert parse("https://host/a/x%20y.gguf?sig=1").place("https://host/a/x%20y.gguf?sig=1") == "x y.gguf"


def test_an_engine_is_given_the_one_model_or_else_the_directory() -> None:
    assert parse("hf://o/r/x.gguf").entry(["x.gguf"]) == "x.gguf"
    assert parse("hf://o/r/*.gguf").entry(["x.gguf", "mmproj.gguf"]) == ""
    assert parse("hf://o/r").entry(["x.gguf"]) == ""


def test_a_key_has_no_secret_and_tells_narrowed_repositories_apart() -> None:
    assert parse("https://user:secret@host/x?sig=secret").key == "https://host/x"
    assert parse("hf://o/r", ["*.json", "*.gguf"]).key != parse("hf://o/r").key


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a//b", ".", "a/\0"])
def test_a_repository_cannot_make_us_write_elsewhere(path: str) -> None:
    with pytest.raises(InputError):
        checked(path)


COMMIT = "731a9fc8f06f5f5e2db8a0cf9d256197eb6e05d1"


@pytest.mark.parametrize(
    ("pasted", "means"),
    [
        ("https://huggingface.co/o/r-GGUF", "hf://o/r-GGUF"),
        ("https://huggingface.co/o/r-GGUF/", "hf://o/r-GGUF"),
        ("https://huggingface.co/o/r/blob/main/a/x.gguf", "hf://o/r/a/x.gguf"),
        ("https://huggingface.co/o/r/resolve/main/x.gguf?download=true", "hf://o/r/x.gguf"),
        (f"https://huggingface.co/o/r/blob/{COMMIT}/x.gguf#L1", f"hf://o/r@{COMMIT}/x.gguf"),
        ("https://huggingface.co/o/r/resolve/refs%2Fpr%2F1/x.gguf", "hf://o/r@refs%2Fpr%2F1/x.gguf"),
        ("https://huggingface.co/o/r/blob/main/my%20model.gguf", "hf://o/r/my model.gguf"),
        ("https://huggingface.co/o/r/tree/main", "hf://o/r"),
        ("https://huggingface.co/o/r/tree/v1.0", "hf://o/r@v1.0"),
        ("https://huggingface.co/o/r/tree/main/Q4_K_M", "hf://o/r/Q4_K_M/*"),
        ("https://huggingface.co/o/r?show_file_info=x.gguf", "hf://o/r/x.gguf"),
        ("https://huggingface.co/o/r/tree/main?show_file_info=x-Q4.gguf", "hf://o/r/x-Q4.gguf"),
        ("https://huggingface.co/o/r?library=transformers#files", "hf://o/r"),
        ("https://hf.co/o/r/blob/main/x.gguf", "hf://o/r/x.gguf"),
        ("HTTPS://HuggingFace.co/o/R/blob/main/x.gguf", "hf://o/R/x.gguf"),
        ("http://huggingface.co/o/r/blob/main/x.gguf", "hf://o/r/x.gguf"),
        ("https://www.huggingface.co/o/r", "hf://o/r"),
        ("huggingface.co/o/r/blob/main/x.gguf", "hf://o/r/x.gguf"),
        ("hf.co/o/r", "hf://o/r"),
        ("git+https://huggingface.co/o/r", "hf://o/r"),
        ("https://huggingface.co/o/r.git", "hf://o/r"),
        (" 'https://huggingface.co/o/r/blob/main/x.gguf' \n", "hf://o/r/x.gguf"),
        ("<https://huggingface.co/o/r>", "hf://o/r"),
        ("https://user:secret@huggingface.co/o/r/blob/main/x.gguf", "hf://o/r/x.gguf"),
        ("HF://o/r/x.gguf", "hf://o/r/x.gguf"),
        ("hf:o/r/x.gguf", "hf://o/r/x.gguf"),
        ("hf://huggingface.co/o/r/blob/main/x.gguf", "hf://o/r/x.gguf"),
        ("hf://models/o/r/x.gguf", "hf://o/r/x.gguf"),
        ("hf://o/r/blob/main/x.gguf", "hf://o/r/x.gguf"),
        ("hf://o/r/x.gguf?download=true", "hf://o/r/x.gguf"),
        # What is no business of the hub stays as it is.
        ("https://models.example.org/o/r/resolve/main/x.gguf", "https://models.example.org/o/r/resolve/main/x.gguf"),
        ("https://hf-mirror.com/o/r/resolve/main/x.gguf", "https://hf-mirror.com/o/r/resolve/main/x.gguf"),
        ("https://example.org/x.gguf?sig=1", "https://example.org/x.gguf?sig=1"),
        ("file:///srv/o/r/x.gguf", "file:///srv/o/r/x.gguf"),
    ],
)
def test_an_address_that_was_pasted_is_taken_for_what_it_means(pasted: str, means: str) -> None:
    source = parse(pasted)
    assert source.text == means
    assert source.key == means.partition("?")[0]
    if means.startswith("hf:"):
        assert (source.kind, source.repository.lower()) == ("hf", "o/r-gguf" if "GGUF" in means else "o/r")


def test_the_hub_that_is_asked_may_be_a_mirror() -> None:
    mirror = "https://hub.example.org:8443"
    assert parse(f"{mirror}/o/r/blob/main/x.gguf", endpoint=mirror).text == "hf://o/r/x.gguf"
    assert parse(f"{mirror}/o/r", endpoint=mirror).text == "hf://o/r"
    assert parse("https://huggingface.co/o/r/blob/main/x.gguf", endpoint=mirror).text == "hf://o/r/x.gguf"
    assert parse("https://hf-mirror.com/o/r/blob/main/x.gguf", endpoint=None).text == "hf://o/r/x.gguf"
    below = "https://art.example.org/api/huggingfaceml/hub"
    assert parse(f"{below}/o/r/resolve/main/x.gguf", endpoint=below).text == "hf://o/r/x.gguf"
    assert parse("https://art.example.org/generic/x.gguf", endpoint=below).kind == "web"
    # A file beside the repositories.
    assert parse(f"{mirror}/files/x.gguf", endpoint=mirror).kind == "web"


@pytest.mark.parametrize(
    ("pasted", "remedy"),
    [
        ("https://huggingface.co/o/r/raw/main/x.gguf", "pointers in place of large files. Write hf://o/r/x.gguf."),
        (f"https://huggingface.co/o/r/commit/{COMMIT}", f"Write hf://o/r@{COMMIT}."),
        ("https://huggingface.co/o/r/discussions/5", "Write hf://o/r."),
        ("https://huggingface.co/datasets/o/r", "Open the model's page"),
        ("https://huggingface.co/models?search=qwen", "Open the model's page"),
        ("https://hf-mirror.com/o/r/blob/main/x.gguf", "Write hf://o/r/x.gguf, and the mirror as hearth_hub_endpoint"),
        ("https://cdn-lfs-us-1.hf.co/repos/a/b/c?Expires=1&Signature=secret", "Write the file's own, hf://"),
        ("https://us.aws.cdn.hf.co/xet-bridge-us/a?Signature=secret", "Write the file's own, hf://"),
        ("https://modelscope.ai/models/o/r", "ModelScope is no Hugging Face hub. Here write"),
        ("HF_TOKEN=secret hf download o/r x.gguf", "Several words, as a command has them"),
        ("$ sudo wget https://example.org/secret", "Several words, as a command has them"),
        ("docker model run hf.co/o/r", "Several words, as a command has them"),
        ("https://cas-bridge.xethub.hf.co/xet-bridge-us/a?X-Amz-Signature=secret", "Write the file's own, hf://"),
        ("hf.co/o/r-GGUF:Q4_K_M", "hf://o/r-GGUF/*Q4_K_M*.gguf"),
        ("https://huggingface.co/o/r-GGUF:Q4_K_M", "hf://o/r-GGUF/*Q4_K_M*.gguf"),
        ("o/r-GGUF:Q4_K_M", "hf://o/r-GGUF/*Q4_K_M*.gguf"),
        ("hf://o/r-GGUF:Q4_K_M", "hf://o/r-GGUF/*Q4_K_M*.gguf"),
        ("o/r", "so hf://o/r where it lies on the hub"),
        ("o/r/x.gguf", "so hf://o/r/x.gguf"),
        ("/srv/models/x.gguf", "Write file:///path"),
        ("~/x.gguf", "Write file:///path"),
        ("https://www.modelscope.cn/models/o/r/resolve/master/x.gguf", "ModelScope is no Hugging Face hub. Here write"),
        ("modelscope://o/r", "ModelScope is no"),
        ("https://ollama.com/library/llama3.1", "Ollama's library is no Hugging Face hub. Here write"),
        ("ollama run llama3.1:8b", "Ollama's library is no"),
        ("docker://ai/gemma3", "a registry of containers"),
        ("s3://bucket/x.gguf", "s3 is not spoken here. Write hf://"),
        ("git@hf.co:o/r", "git is not spoken here"),
        ("hf://datasets/o/r/x.json", "no model's"),
        ("hf://o/r/x.gguf@v1", "Write hf://o/r@v1/x.gguf."),
        ("hf download o/r x.gguf --token secret", "Write what it fetches: hf://owner/repository/file.gguf"),
        ("curl -H 'Authorization: Bearer secret' https://huggingface.co/o/r", "Write what it fetches"),
    ],
)
def test_what_cannot_be_taken_for_a_source_is_refused_with_what_to_write(pasted: str, remedy: str) -> None:
    with pytest.raises(InputError) as refused:
        parse(pasted)
    assert remedy in refused.value.message
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    "name",
    [
        *("x.gguf.part1of2", "x.Q6_K.gguf.part-00001", "x.gguf-split-a", "x.gguf.split-aa", "x.gguf.001", "x.gguf.00"),
        *("x.gguf.aa", "x.part2of3", "x.part1of2.gguf", "x.gguf.part_b", "model.safetensors.part1", "x.gguf.1of3"),
        *("x.ggufaa", "x.ggufab", "x.gguf00"),
    ],
)
@pytest.mark.parametrize("place", ["hf://o/r/q/", "https://example.org/", "file:///srv/"])
def test_a_piece_that_was_cut_by_bytes_is_never_taken_for_a_model(place: str, name: str) -> None:
    with pytest.raises(
        InputError, match=r"is a piece of a file that was cut by bytes.*join them in their order.*-00001-of-00002"
    ):
        parse(place + name)


@pytest.mark.parametrize(
    "name",
    [
        *("x-00001-of-00003.gguf", "x.gguf", "part-of-me.gguf", "x-v1.0.001b.gguf", "x.Q4_K_M.gguf", "split.json"),
        *("model-00001-of-00002.safetensors", "model.safetensors.index.json", "x-chunk.gguf"),
    ],
)
def test_what_is_no_piece_is_left_in_peace(name: str) -> None:
    assert parse(f"hf://o/r/{name}").pattern == name


KEPT = ("config.json", "generation_config.json", "tokenizer.json", "params.json", "1_Pooling/config.json")
HALVES = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json")
COPIES = (
    *("consolidated.safetensors", "consolidated.00.pth", "original/consolidated.00.pth", "original/params.json"),
    *("pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json", "flax_model.msgpack"),
    *("tf_model.h5", "onnx/model.onnx", "onnx/model.onnx_data", "openvino/openvino_model.bin", "openvino_model.xml"),
    *("model.Q4_K_M.gguf", "rust_model.ot", "coreml/text.mlpackage/Data/weight.bin", "model.pt", "metal/model.bin"),
)


def test_weights_that_are_there_twice_are_fetched_once() -> None:
    assert told_apart([*KEPT, *HALVES, *COPIES]) == ([*KEPT, *HALVES], list(COPIES))
    # In the order in which vLLM takes them.
    theirs = ["params.json", "consolidated.safetensors", "consolidated.00.pth"]
    assert told_apart(theirs) == (theirs[:2], theirs[2:])
    old = ["config.json", "pytorch_model.bin", "model.pt", "tf_model.h5", "original/x.pth"]
    assert told_apart(old) == (old[:2], old[2:])
    for single in (["x.gguf", "mmproj.gguf"], ["config.json", "x.pth"], ["README.md"]):
        assert told_apart(single) == (single, [])


def test_what_training_left_and_other_programs_read_is_left_out() -> None:
    rest = [
        *("checkpoint-500/model.safetensors", "checkpoint-500/optimizer.pt", "global_step9/mp_rank_00_model_states.pt"),
        *("optimizer.bin", "optimizer.pt", "scheduler.pt", "rng_state_0.pth", "saved_model.pb", "mlx/weights.npz"),
        *("variables/variables.data-00000-of-00001", "model.ckpt.index", "model.onnx.data", "model.plan"),
    ]
    for weights in ("model.safetensors", "pytorch_model.bin"):
        assert told_apart(["config.json", weights, *rest]) == (["config.json", weights], rest)


def test_the_same_weights_in_other_numbers_are_left_out_where_the_plain_ones_are_there() -> None:
    assert told_apart(["model.safetensors", "model.fp16.safetensors"])[1] == ["model.fp16.safetensors"]
    parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    others = ["model.bf16-00001-of-00001.safetensors", "model.bf16.safetensors.index.json"]
    assert told_apart([*parts, *others]) == (parts, others)
    assert told_apart(["model.fp16.safetensors", "config.json"])[1] == []
    # A name like any other.
    assert told_apart(["model.safetensors", "vision.int8x.safetensors"])[1] == []


def test_a_part_of_a_model_of_sentences_keeps_weights_that_lie_nowhere_else() -> None:
    shared = ["model.safetensors", "pytorch_model.bin", "1_Pooling/config.json", "2_Dense/pytorch_model.bin"]
    assert told_apart(shared) == ([shared[0], *shared[2:]], [shared[1]])
    assert told_apart([*shared, "2_Dense/model.safetensors"])[1] == [shared[1], shared[3]]


def test_a_path_of_this_host_is_the_same_to_whoever_reads_it() -> None:
    assert parse("file:///srv/models/").path == parse("file:///srv/models").path == "/srv/models"
    assert parse("file:///srv/a%20b.gguf").path == parse("file:///srv/a b.gguf").path == "/srv/a b.gguf"
    assert parse("file:///srv/a?b#1.gguf").path == "/srv/a?b#1.gguf"


def test_whoever_names_files_has_what_is_named() -> None:
    paths = [*KEPT, *HALVES, *COPIES]
    assert parse("hf://o/r").without_copies(paths)[1] == list(COPIES)
    assert parse("hf://o/r", ["*"]).without_copies(paths) == (paths, [])
    assert parse("hf://o/r/original/*").without_copies(["original/x.pth"]) == (["original/x.pth"], [])
