import polars as pl
import yaml

from m2m.export.data_card import Card, card, lengths

CARD = Card(
    file="data.jsonl",
    settings={"strategy": "response-micro", "degree": 3, "size": 4},
    rows=[{"source": "mine|yours", "rows": 4, "from": "<b>here</b>", "licence": "MIT"}],
    made={"commit": "0a1b"},
    lengths=pl.DataFrame({"response, tokens": [1, 2, 3, 10]}),
    chosen={"k": 5, "k_max": 9, "pool_rows": 100, "units_covered": 4},
    diversity={"instruction_token_entropy": 7.5, "response_token_entropy": 9.25, "response_vendi": 80.0},
)


def test_lengths_are_told_by_mean_and_quantiles():
    (row,) = lengths(pl.DataFrame({"words": list(range(1, 12))}))
    assert row == {"length": "words", "mean": 6.0, "shortest": 1, "10 %": 2, "median": 6, "90 %": 10, "longest": 11}


def test_the_header_names_the_file_to_the_hub():
    header = yaml.safe_load(card(CARD).split("---")[1])
    assert header["configs"] == [{"config_name": "default", "data_files": "data.jsonl"}]


def test_a_card_has_all_that_is_known():
    told = card(CARD)
    assert "| strategy | response-micro |" in told
    assert "| units_covered | 4 |" in told
    assert "| commit | 0a1b |" in told
    assert "| token_entropy | 7.5 | 9.25 |" in told
    assert "| vendi |  | 80 |" in told
    assert "a subset of 100 rows" in told.lower()


def test_names_from_settings_cannot_break_the_tables():
    told = card(CARD)
    assert "mine\\|yours" in told
    assert "<b>" not in told


def test_a_strategy_without_units_has_no_degree():
    told = card(CARD._replace(settings={"strategy": "k-center", "degree": 3, "size": 4}))
    assert "chosen by k-center, which has no degree" in told


def test_a_strategy_with_one_unit_keeps_its_degree():
    told = card(CARD._replace(chosen={**CARD.chosen, "k_max": 1}))
    assert "chosen by response-micro at degree 3 of 0..6" in told


def test_random_of_a_subsets_lengths_is_named_after_the_subset():
    settings = {"strategy": "stratified-length", "match": "response-macro", "degree": 6, "size": 4}
    assert "chosen by length-matched random for response-macro at degree 6 of 0..6" in card(
        CARD._replace(settings=settings)
    )
