"""A valid summary of a subset of ten rows."""

SUMMARY = {
    "strategy": "response-micro", "match": "random", "degree": 3, "seed": 1, "size": 10, "budget": "rows",
    "min_tokens": 0, "max_tokens": 1000, "pool_rows": 40, "rows_without_unit": 5, "candidate_rows": 20,
    "k": 8, "k_min": 4, "k_max": 13, "k_by_degree": [4, 5, 7, 8, 10, 11, 13], "collapsed_degrees": [], "rows": 10,
    "response_tokens": 90, "mean_response_tokens": 9.0, "mean_response_characters": 18, "units_covered": 8,
    "k_evenness": 0.9,
}  # fmt: skip
