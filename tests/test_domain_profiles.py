"""The profiles of other domains, up to the network's edge: pinned, licensed, readable by the columns on their cards."""

import json
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from m2m.data.pool.sources import Source, read_records
from m2m.data.records.hf_datasets import COMMIT
from m2m.data.records.record_formats import read_pair
from m2m.grid.params.params_file import read_profile

ROOT = Path(__file__).parent.parent
CARDS: dict[str, Any] = {  # a record with the columns that the data set's card names
    "bio-nlp-umass/bioinstruct": {"instruction": "Name the bone.", "input": "It is in the thigh.", "output": "Femur."},
    "fedml/PubMedQA_instruction": {
        "instruction": "Does aspirin thin blood?",
        "context": "An abstract.",
        "response": "Yes.",
        "category": "closed_qa",
    },
    "Alignment-Lab-AI/Lawyer-Instruct": {"instruction": "What is a tort?", "input": "", "output": "A civil wrong."},
}
PAIRS = {
    "bio-nlp-umass/bioinstruct": ("Name the bone.\n\nIt is in the thigh.", "Femur."),
    "fedml/PubMedQA_instruction": ("Does aspirin thin blood?\n\nAn abstract.", "Yes."),
    "Alignment-Lab-AI/Lawyer-Instruct": ("What is a tort?", "A civil wrong."),
}


def list_sources(monkeypatch: pytest.MonkeyPatch) -> list[Source]:
    monkeypatch.chdir(ROOT)
    profiles = [settings for name in ("biomedical", "legal") for settings in read_profile(name)]
    return [Source(**source) for profile in profiles for source in profile["ingest"]["sources"].values()]


def test_every_source_is_pinned_to_a_commit_and_has_a_licence(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = list_sources(monkeypatch)
    assert [source.id for source in sources] == list(CARDS)
    for source in sources:
        assert source.kind == "hub" and COMMIT.fullmatch(source.revision or "")
        assert source.licence in ("MIT", "Apache-2.0")


@pytest.mark.long
def test_a_folder_with_the_card_s_columns_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for source in list_sources(monkeypatch):
        folder = tmp_path / str(source.id)
        folder.mkdir(parents=True)
        (folder / "train.jsonl").write_text(json.dumps(CARDS[str(source.id)]))
        [record] = read_records(Source(kind="hub", id=str(folder), split=source.split, rows=source.rows))
        pair = read_pair(record.value)
        assert (pair.instruction, pair.response) == PAIRS[str(source.id)]


def test_without_a_network_one_sentence_names_the_source_and_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", fail)
    for source in list_sources(monkeypatch):
        with pytest.raises(OSError, match=rf"^{source.id} at revision {source.revision} needs the Hugging Face hub"):
            list(read_records(source))
