import polars as pl
import yaml

from m2m.export.data_card import Card, describe_left_out, describe_lengths, render_card

CARD = Card(
    file="data.jsonl",
    settings={"strategy": "response-micro", "degree": 3, "size": 4},
    sources=[{"source": "mine|yours", "rows": 4, "from": "<b>here</b>", "licence": "MIT"}],
    hashes={"commit": "0a1b"},
    lengths=pl.DataFrame({"response, tokens": [1, 2, 3, 10]}),
    summary={"k": 5, "k_max": 9, "pool_rows": 100, "units_covered": 4},
    diversity={"instruction_token_entropy": 7.5, "response_token_entropy": 9.25, "response_vendi": 80.0},
    overlaps=None,
    tokenizer="the tokenizer of owner/model",
    unit_tokenizer="white-space words",
    evidence="No evidence: there is no study here.",
)


def test_lengths_are_told_by_mean_and_quantiles() -> None:
    (row,) = describe_lengths(pl.DataFrame({"words": list(range(1, 12))}))
    assert row == {"length": "words", "mean": 6.0, "shortest": 1, "10 %": 2, "median": 6, "90 %": 10, "longest": 11}


def test_the_header_names_the_file_to_the_hub() -> None:
    header = yaml.safe_load(render_card(CARD).split("---")[1])
    assert header["configs"] == [{"config_name": "default", "data_files": "data.jsonl"}]


def test_a_card_has_all_that_is_known() -> None:
    told = render_card(CARD)
    assert "| strategy | response-micro |" in told
    assert "| units_covered | 4 |" in told
    assert "| commit | 0a1b |" in told
    assert "| token_entropy | 7.5 | 9.25 |" in told
    assert "| vendi |  | 80 |" in told
    assert "4 of 100 candidate rows, chosen by response-micro at degree 3 of 0..6." in told


def test_names_from_settings_cannot_break_the_tables() -> None:
    told = render_card(CARD)
    assert "mine\\|yours" in told
    assert "<b>" not in told


def test_a_strategy_without_units_has_no_degree() -> None:
    told = render_card(CARD._replace(settings={"strategy": "k-center", "degree": 3, "size": 4}))
    assert "chosen by k-center, which has no degree" in told


def test_a_strategy_with_one_unit_keeps_its_degree() -> None:
    told = render_card(CARD._replace(summary={**CARD.summary, "k_max": 1}))
    assert "chosen by response-micro at degree 3 of 0..6" in told


def test_a_card_says_where_lengths_are_a_random_subsets() -> None:
    sentence = "their lengths are random rows' on average."
    assert sentence in render_card(CARD._replace(summary={**CARD.summary, "lengths": "as-random"}))
    assert sentence not in render_card(CARD)


def test_random_of_a_subsets_lengths_is_named_after_the_subset() -> None:
    settings = {"strategy": "length-matched", "match": "response-macro", "degree": 6, "size": 4}
    assert "chosen by length-matched random for response-macro at degree 6 of 0..6" in render_card(
        CARD._replace(settings=settings)
    )


def test_a_card_names_the_evidence_and_the_tokenizer_of_lengths_and_micro_units() -> None:
    text = render_card(CARD)
    assert "## Evidence\n\nNo evidence: there is no study here.\n" in text
    assert "The units are token types of white-space words." in text
    counted = "These counts and `response_tokens` are without the end token of each row."
    assert f"## Length\n\nTokens of the tokenizer of owner/model. {counted}\n" in text
    assert "The units are" not in render_card(CARD._replace(settings={"strategy": "random", "degree": 0}))


def test_a_card_counts_the_rows_that_can_never_be_chosen_and_names_degrees_that_are_one() -> None:
    summary = {**CARD.summary, "rows_without_unit": 42, "collapsed_degrees": [[0, 1, 2], [4, 5]]}
    text = render_card(CARD._replace(summary=summary))
    assert "42 of 100 rows carry no unit, so this strategy can never choose them." in text
    assert "| rows_without_unit | 42 |" in text
    assert "Degrees 0, 1, 2 give the same subset" in text and "Degrees 4, 5 give the same subset" in text
    assert "can never" not in render_card(CARD) and "the same subset" not in render_card(CARD)


def test_a_card_warns_where_the_units_are_not_the_tokens_of_the_trained_model() -> None:
    warning = "The model that is trained reads other tokens: those of the tokenizer of owner/model."
    assert warning in render_card(CARD)
    assert "other tokens" not in render_card(CARD._replace(unit_tokenizer=CARD.tokenizer))
    assert "other tokens" not in render_card(CARD._replace(settings={"strategy": "response-meso", "degree": 3}))


def test_a_card_counts_the_rows_that_share_text_with_a_prompt_and_those_left_out_for_it() -> None:
    assert "Overlap with evaluation prompts was not counted: no prompts were read" in render_card(CARD)
    text = render_card(CARD._replace(overlaps=0, summary={**CARD.summary, "overlapping_rows_dropped": 7}))
    assert (
        "0 of these rows share text with an evaluation prompt (an equal text or paragraph, or 13 words in a row)."
        in text
    )
    assert "7 rows that share text with an evaluation prompt were no candidates." in text
    assert "no candidates" not in render_card(CARD._replace(overlaps=2))


def test_a_card_says_by_which_number_rows_were_chosen_first_and_neutralises_its_name() -> None:
    quality = {"quality": "<b>|score`", "quality_share": 0.25, "rows_below_quality": 75, "rows_without_quality": 9}
    text = render_card(CARD._replace(summary={**CARD.summary, **quality}))
    assert "Only the best 0.25 of the rows by &lt;b&gt;\\|score\\` were candidates: 75 were left out." in text
    assert "9 rows have no such number and come last." in text


def test_what_was_left_out_is_plain_for_a_page_and_markdown_in_a_card() -> None:
    numbers = {"quality_share": 0.5, "rows_below_quality": 5, "rows_without_quality": 0}
    summary = {**CARD.summary, "quality": "complexity*quality", **numbers}
    [sentence] = describe_left_out(summary)
    assert sentence.startswith("Only the best 0.5 of the rows by complexity*quality were candidates: 5 were left out.")
    assert "the rows by complexity\\*quality were candidates" in render_card(CARD._replace(summary=summary))


def test_a_card_counts_the_candidates_that_match_no_example() -> None:
    like = {"prefilter": "bm25", "prefilter_share": 0.2, "rows_unlike_examples": 80, "rows_without_match": 6}
    text = render_card(CARD._replace(summary={**CARD.summary, **like}))
    assert "Only the 0.2 of the rows most like the examples by bm25 were candidates: 80 were left out." in text
    assert "6 of the candidates match no example at all: they fill up that share." in text
    assert "| rows_without_match | 6 |" in text
    every = render_card(CARD._replace(summary={**CARD.summary, **like, "rows_without_match": 0}))
    assert "match no example" not in every and "| rows_without_match | 0 |" in every
    assert "rows_without_match" not in render_card(CARD)


HOSTILE = "[a](javascript:alert(1))![x](http://e.org/p) <img src=x onerror=alert(1)> | # `\x1b[2J\u202e"


def test_names_and_values_of_a_pool_are_only_text() -> None:
    table = [{"value": HOSTILE, "pool": "1 (100.0 %)"}]
    card = CARD._replace(sources=[dict(CARD.sources[0], source=HOSTILE)], composition={f"By {HOSTILE}": table})
    lines = [line for line in render_card(card).splitlines() if "javascript" in line]
    assert len(lines) == 3
    for line in lines:
        assert "\\[a\\](javascript:" in line and "\\!\\[x\\](http:&#47;/e.org/p)" in line and "&lt;img src=x" in line
        assert "\\|" in line and not set(line) & set("\x1b\u202e<")
