"""Choose a subset of your own files: no training, no DVC, no network."""

from pathlib import Path
from typing import Literal

from m2m.file_selection.unit_settings import BandSettings, ClusterSettings, EmbedSettings, PhraseSettings

BAND, PHRASES, CLUSTERS, EMBED = BandSettings(), PhraseSettings(), ClusterSettings(), EmbedSettings()


def main(
    pool: tuple[str, ...],
    /,
    *,
    size: int | None = None,
    tokens: int | None = None,
    strategy: str = "",
    degree: int = 6,
    match: str = "response-micro",
    like: str = "",
    like_share: float = 1.0,
    seed: int = 1,
    tokenizer: str = "",
    out: Path = Path("picked"),
    format: Literal[
        "prompt-completion", "messages", "alpaca", "sharegpt", "plain", "parquet", "original"
    ] = "prompt-completion",
    turns: Literal["first", "last", "each"] = "first",
    prompt_column: str = "",
    response_column: str = "",
    min_chars: int | None = None,
    max_chars: int | None = None,
    min_tokens: int | None = None,
    max_tokens: int | None = None,
    lengths: Literal["free", "as-random"] = "free",
    page: Literal["write", "skip"] = "write",
    near_duplicates: Literal["keep", "drop"] = "keep",
    prompts: tuple[str, ...] = (),
    overlap: Literal["keep", "drop"] = "keep",
    quality: str = "",
    quality_share: float = 1.0,
    slack: float = 1.5,
    weights: Literal["uniform", "inverse"] = "inverse",
    peel_noise: float = 0.25,
    band: BandSettings = BAND,
    phrases: PhraseSettings = PHRASES,
    clusters: ClusterSettings = CLUSTERS,
    embed: EmbedSettings = EMBED,
) -> None:
    """Read the files POOL, choose a subset, compare it with random and with every degree, and write it to OUT.

    Args:
        pool: Files (JSON, JSONL, CSV, Parquet, Arrow; plain, .gz or .zst), folders of them, or - for standard input.
        size: Size of the subset in rows. Name this or --tokens.
        tokens: Size of the subset in response tokens, with the end token of each row.
        strategy: {instruction,response}-{macro,meso,micro}, random, length-matched, longest, k-center,
            type-cover, token-entropy, facility-location, stochastic-facilities, gist, deita, instag, mig, novel-select
            or bm25. ifd and rds-plus need a base model: the pipeline has them. Default: response-micro, or bm25 with
            --like alone.
        degree: Degree of diversity, from 0 to 6.
        match: For length-matched, the strategy whose response lengths the random rows match.
        like: File of example rows, in any form of a pool: choose rows like them by BM25. It sets --strategy bm25,
            unless --like-share is below 1.
        like_share: Share of the candidates that stays, those most like the examples of --like. --strategy then chooses
            from them, at its degree.
        seed: Seed of the choice.
        tokenizer: Folder or hub id (id@commit) of the tokenizer of the model that you will train. Without it, one is
            trained on the pool.
        out: New or empty folder for the result.
        format: Format of data.jsonl, as in `export`: prompt-completion and messages for TRL and axolotl; alpaca and
            sharegpt also for LLaMA-Factory; plain is the prompt of this study as text. parquet writes data.parquet.
            original writes your records as they were read, with all their turns.
        turns: Which exchange of a dialogue becomes a row: first, last, or each with what precedes it.
        prompt_column: Column of the prompt. Without it, the form of the records is detected.
        response_column: Column of the response; the same as the prompt's where one column holds the turns.
        min_chars: Shortest response in characters. Without it, no limit.
        max_chars: Longest instruction or response in characters. Without it, no limit.
        min_tokens: Shortest response in tokens. Without it, no limit.
        max_tokens: Longest response in tokens. Without it, no limit.
        lengths: as-random gives the subset of a strategy with units a random subset's lengths at every degree.
        page: Write index.html, a map of the pool with the subset lit over it, or skip it.
        near_duplicates: keep, or drop rows that nearly copy another row.
        prompts: Files of evaluation prompts; every user turn is one. Rows that share text with one are counted: an
            equal text, a paragraph that equals a short prompt, or 13 words in a row.
        overlap: keep rows that share text with a prompt, or drop them from the candidates.
        quality: Number field of your records, such as a score, the higher the better; or a product, complexity*quality.
        quality_share: Share of the candidates that stays, the best by --quality. Rows without a number come last.
        slack: The candidate pool at degree 0 has at least slack × size.
        weights: Sampling weight of a row: uniform, or inverse to its number of units.
        peel_noise: How much the seed decides which units low degrees keep, 0..1. At 0, all seeds keep the same.
        band: Token types that are units of a micro strategy.
        phrases: Key phrases, the units of a meso strategy.
        clusters: Clusters, the units of a macro strategy.
        embed: Vectors for macro strategies, k-center and the merging of key phrases.
    """
    from m2m.file_selection.arms import NO_LIMIT
    from m2m.file_selection.exclusions import ExclusionSettings
    from m2m.file_selection.file_pool import ReadSettings
    from m2m.file_selection.selection import choose_from_files
    from m2m.file_selection.unit_settings import UnitSettings
    from m2m.selection.arm import ArmSettings
    from m2m.strategies import get_strategy

    if (size is None) == (tokens is None):
        raise ValueError("name the size of the subset: --size ROWS, or --tokens TOKENS, not both")
    by_examples = bool(like) and like_share == 1
    if by_examples and strategy not in ("", "bm25"):
        raise ValueError(
            f"--like chooses by bm25, got --strategy {strategy}: leave it out, or name --like-share below 1"
        )
    strategy = strategy or ("bm25" if by_examples else "response-micro")
    if get_strategy(strategy, "--strategy").needs_quality and not quality:
        raise ValueError(f"{strategy} chooses by a score of each row: name the field that has it with --quality")
    if seed < 0:
        raise ValueError(f"--seed must be 0 or more, got {seed}")
    amount, budget = (size, "rows") if size is not None else (tokens, "tokens")
    settings = ArmSettings(
        strategy,
        match,
        degree,
        int(amount or 0),
        seed,
        slack,
        weights,
        "tokens" if budget == "tokens" else "rows",
        min_tokens or 0,
        NO_LIMIT if max_tokens is None else max_tokens,
        lengths,
        peel_noise,
    )
    reading = ReadSettings(turns, prompt_column, response_column, min_chars, max_chars, near_duplicates)
    exclusions = ExclusionSettings(prompts, overlap, quality, quality_share, like, like_share)
    units = UnitSettings(band, phrases, clusters, embed, like)
    lines = choose_from_files(pool, settings, reading, exclusions, units, tokenizer, out, format, page)
    print("\n".join(lines))
