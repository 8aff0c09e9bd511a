"""The fine-tuning stage as it is started, on toy data: one process, two, killed, with a server that comes late."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from m2m.runtime.artifacts import write_record
from m2m.schemas.subset_summary import SubsetSummary
from tests.safety import find_secrets
from tests.subset_summary import SUMMARY

ROOT = Path(__file__).parents[2]
FLAGS = {
    "arm": "candidate",
    "units": "base",
    "prompt_format": "plain",
    "seed": 1,
    "method": "full",
    "lora_rank": 4,
    "lora_alpha": 8,
    "lora_dropout": 0.0,
    "lora_targets": "all-linear",
    "epochs": 1,
    "batch_size": 4,
    "accumulate": 1,
    "learning_rate": 0.001,
    "warmup_share": 0.05,
    "max_length": 64,
    "max_lost_share": 0.5,
    "long_prompts": "error",
    "packing": "none",
    "attention": "sdpa",
    "gradient_checkpointing": "none",
    "dtype": "float32",
    "kernels": "none",
    "optimizer": "adamw",
    "order_seed": "None",
    "checkpoint_minutes": 10,
}
WORDS = ["the", "mean", "of", "a", "list", "or", "sum", "over", "an", "axis", "array", "with", "names"]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model, its tokenizer, 30 pairs, a subset of 22 of them, and a table of bands."""
    from m2m.training.pretrain import build_model, train_tokenizer

    folder = tmp_path_factory.mktemp("pool")
    texts = [" ".join(WORDS[(at * step) % len(WORDS)] for step in range(1, 4 + at)) for at in range(30)]
    tokenizer = train_tokenizer(texts, folder / "tokenizer", vocab_size=300)
    build_model(tokenizer, hidden_size=16, layers=1, heads=2, context=64, seed=1).save_pretrained(folder / "base")
    ids = [f"{at:02}" for at in range(30)]
    pairs = {"id": ids, "source": "toy", "instruction": "What is it?", "response": texts, "original": None}
    pl.DataFrame(pairs, schema_overrides={"original": pl.String}).write_parquet(folder / "pairs.parquet")
    subset = {"id": ids[:22], "unit": "-", "turn": range(22)}
    pl.DataFrame(subset, schema_overrides={"turn": pl.Int32}).write_parquet(folder / "subset.parquet")
    write_record(folder / "subset.json", SubsetSummary, SUMMARY | {"size": 22})
    names = sorted({tokenizer.convert_ids_to_tokens(i) for text in texts for i in tokenizer(text)["input_ids"]})
    bands = {"token": names, "text": names, "count": 9, "band": "mid"}
    pl.DataFrame(bands, schema_overrides={"count": pl.Int64}).write_parquet(folder / "bands.parquet")
    return folder


def command(pool: Path, out: Path, launch: str, **changed: Any) -> list[str]:
    config = f"profiles/launch/{launch}.yaml"
    names = ("base", "tokenizer", "pairs.parquet", "subset.parquet", "subset.json", "bands.parquet")
    inputs = [pool / name for name in names]
    outputs = [out / "model", out / "loss.csv", out / "report.json"]
    flags = [word for name, value in (FLAGS | {"launch": config} | changed).items() for word in (f"--{name}", value)]
    return [str(word) for word in [sys.executable, "-m", "stages.finetune", *inputs, *outputs, *flags]]


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_"))}
    return kept | {"DVC_ROOT": str(home), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | more


def finetuned(pool: Path, out: Path, launch: str = "cpu", store: str = "", **changed: Any) -> str:
    env = environment(out, **({"MLFLOW_TRACKING_URI": store} if store else {}))
    words = command(pool, out, launch, **changed)
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def losses(out: Path) -> list[float]:
    return pl.read_csv(out / "loss.csv")["loss"].to_list()


def weights(out: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(out / "model/model.safetensors")


def same(one: dict[str, Any], other: dict[str, Any], tolerance: float) -> bool:
    return one.keys() == other.keys() and all(one[name].sub(other[name]).abs().max() <= tolerance for name in one)


@pytest.fixture(scope="module")
def alone(pool: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one undisturbed process makes."""
    out = tmp_path_factory.mktemp("alone")
    finetuned(pool, out)
    return out


@pytest.mark.long
def test_the_report_counts_the_tokens_of_the_responses_themselves(pool: Path, alone: Path) -> None:
    from m2m.models import load_tokenizer

    told = json.loads((alone / "report.json").read_text())
    texts = pl.read_parquet(pool / "pairs.parquet")["response"][:22].to_list()
    own = sum(len(ids) + 1 for ids in load_tokenizer(pool / "tokenizer")(texts)["input_ids"])
    assert told["trained_tokens"] == told["response_tokens"] == own
    assert told["mid_tokens"] == own - 22  # in this pool every type is of the middle band
    assert (told["rows"], told["lost_tokens"], told["lost_mid_tokens"]) == (22, 0, 0)


@pytest.mark.long
def test_no_text_of_the_pool_reaches_mlflow_or_any_other_file_of_a_training(pool: Path, alone: Path) -> None:
    texts = pl.read_parquet(pool / "pairs.parquet")
    assert (alone / "mlflow.db").exists()
    assert find_secrets(alone, ["What is it?", *texts["response"][2:22]]) == []
    assert find_secrets(pool, ["What is it?"])  # it is found where it is


@pytest.fixture
def long_prompt(pool: Path, tmp_path: Path) -> Path:
    """The same pool, but row 03 has a prompt that fills max_length."""
    folder = tmp_path / "long"
    shutil.copytree(pool, folder)
    is_long = pl.col("id") == "03"
    pairs = pl.read_parquet(pool / "pairs.parquet")
    instruction = pl.when(is_long).then(pl.lit("What is it? " * 64)).otherwise("instruction").alias("instruction")
    pairs.with_columns(instruction).write_parquet(folder / "pairs.parquet")
    return folder


@pytest.mark.long
def test_a_long_prompt_stops_before_training_and_is_named(long_prompt: Path, tmp_path: Path) -> None:
    words = command(long_prompt, tmp_path, "cpu")
    done = subprocess.run(words, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True)
    assert done.returncode != 0
    assert "the prompts of 1 of 22 rows leave no response token within finetune.max_length 64: 03 (" in done.stderr
    assert "train candidate" not in done.stderr


@pytest.mark.long
def test_a_long_prompt_is_dropped_where_the_setting_says_so_and_is_counted(long_prompt: Path, tmp_path: Path) -> None:
    told = finetuned(long_prompt, tmp_path, long_prompts="drop")
    assert "finetune: the prompts of 1 of 22 rows" in told
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["rows"], report["dropped_rows"]) == (21, 1)


@pytest.mark.long
@pytest.mark.parametrize("method", ["full", "lora"])
def test_two_processes_learn_what_one_learns_at_the_same_global_batch(pool: Path, tmp_path: Path, method: str) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    finetuned(pool, one, method=method)
    finetuned(pool, two, "cpu-2", method=method)
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)
    assert same(weights(two), weights(one), 1e-4)
    assert json.loads((two / "report.json").read_text()) == json.loads((one / "report.json").read_text())


@pytest.mark.long
def test_two_machines_started_with_one_file_learn_what_one_process_learns(
    pool: Path, alone: Path, tmp_path: Path
) -> None:
    from ruamel.yaml import YAML

    config = YAML(typ="safe").load(ROOT / "profiles/launch/machines.yaml")
    here = {"distributed_type": "MULTI_GPU", "use_cpu": True, "num_processes": 2, "main_process_ip": "127.0.0.1"}
    config |= here | {"main_process_port": free_port()}
    del config["fsdp_config"]
    (tmp_path / "machines.yaml").write_text(json.dumps(config))  # JSON is YAML, and quotes the word no
    words = [word.replace("profiles/launch", str(tmp_path)) for word in command(pool, tmp_path, "machines")]
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(tmp_path / "machines.yaml")]
    started = [
        subprocess.Popen(
            [*launcher, "--machine_rank", rank, *words[1:]],
            cwd=ROOT, env=environment(tmp_path), stderr=subprocess.PIPE, text=True,
        )
        for rank in "01"
    ]  # fmt: skip
    told = [one.communicate()[1] for one in started]
    assert [one.returncode for one in started] == [0, 0], told
    assert losses(tmp_path) == pytest.approx(losses(alone), abs=1e-5)
    assert same(weights(tmp_path), weights(alone), 1e-4)


@pytest.mark.long
def test_a_launch_that_starts_another_number_of_processes_is_an_error(pool: Path, tmp_path: Path) -> None:
    text = (ROOT / "profiles/launch/cpu-2.yaml").read_text()
    (tmp_path / "cpu-2.yaml").write_text(text.replace("MULTI_GPU\n", "MULTI_CPU\n"))  # accelerate starts one, silently
    words = [word.replace("profiles/launch", str(tmp_path)) for word in command(pool, tmp_path, "cpu-2")]
    done = subprocess.run(words, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True)
    assert done.returncode != 0
    assert "is for 2 processes, but 1 run" in done.stderr


def killed(pool: Path, out: Path, launch: str, at: int, **changed: Any) -> None:
    """Start a training that saves its state at every logged step, and kill all of it once it has at step `at`.

    On a busy machine it may have saved its model before the signal comes: then it is started anew.
    """
    for _ in range(10):
        if kill_after(pool, out, launch, at, **changed):
            return
        shutil.rmtree(out)
    pytest.fail(f"ten trainings ended before they could be killed at step {at}")


def kill_after(pool: Path, out: Path, launch: str, at: int, **changed: Any) -> bool:
    """Whether the training was killed before it had its model."""
    words = command(pool, out, launch, checkpoint_minutes=0.0, **changed)
    child = subprocess.Popen(words, cwd=ROOT, env=environment(out), stderr=subprocess.DEVNULL)
    while not list(out.glob(f".cache/checkpoints/*/checkpoint-{at}/complete")) and child.poll() is None:
        time.sleep(0.005)
    assert child.poll() in (None, 0), "the training failed before it could be killed"
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in [*psutil.Process(child.pid).children(recursive=True), child]:
            process.kill()
    child.wait()
    return not (out / "model").exists()


def same_bytes(one: Path, other: Path) -> bool:
    names = ("loss.csv", "model/model.safetensors")
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


@pytest.mark.long
@pytest.mark.parametrize(("launch", "at"), [("cpu", 1), ("cpu", 5), ("cpu-2", 1)])
def test_a_killed_training_goes_on_and_ends_as_an_undisturbed_one(
    pool: Path, alone: Path, tmp_path: Path, launch: str, at: int
) -> None:
    killed(pool, tmp_path, launch, at)
    told = finetuned(pool, tmp_path, launch)
    assert "train candidate: 6/6" not in told  # not from the beginning
    assert same_bytes(tmp_path, alone) or launch != "cpu"
    assert losses(tmp_path) == pytest.approx(losses(alone), abs=1e-5)
    assert list((tmp_path / ".cache/checkpoints").iterdir()) == []


@pytest.mark.long
def test_killed_adapters_go_on_and_end_as_undisturbed_ones(pool: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    finetuned(pool, one, method="lora")
    killed(pool, other, "cpu", 1, method="lora")
    assert "train candidate: 6/6" not in finetuned(pool, other, method="lora")
    assert same_bytes(one, other)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.long
def test_the_runs_are_on_a_server_also_when_it_was_away_at_first(pool: Path, tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    told = finetuned(pool, tmp_path, store=address)
    assert told.count("does not answer") == 1
    assert len(list((tmp_path / ".cache/runs").iterdir())) == 1

    store = ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", str(tmp_path / "a")]
    words = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        *store,
    ]
    server = subprocess.Popen(words, env=environment(tmp_path), stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(port, server)  # type: ignore[arg-type]
        finetuned(pool, tmp_path, store=address, arm="opponent", seed=2)
        runs = runs_of(address)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    assert sorted(run.data.tags["stage"] for run in runs) == ["candidate", "opponent"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run in runs:
        assert {"loss", "grad_norm", "learning_rate", "tokens_per_second"} <= set(run.data.metrics)
        assert {"trained_tokens", "subset", "key", "learning_rate"} <= set(run.data.params)
        assert [run.data.params[name] for name in ("strategy", "degree", "size")] == ["response-micro", "3", "22"]
    assert list((tmp_path / ".cache/runs").iterdir()) == []


def wait_for(port: int, server: subprocess.Popen[str]) -> None:
    for _ in range(1800):
        assert server.poll() is None, "the server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not start in three minutes")


def runs_of(address: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(address)
    return client.search_runs([client.get_experiment_by_name("macro-to-micro").experiment_id])
