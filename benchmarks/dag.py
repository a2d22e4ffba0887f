"""What the pipeline adds to Snakemake: a dry run of 3,000 jobs beside a plain Snakefile, and a run with nothing to do.

    python benchmarks/dag.py

Wanted: a ratio of at most 1.2, and at most 10 s.
"""

import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

JOBS = 3000
ROUNDS = 5
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1"]
# The steps that seeds multiply, as one writes them by hand: the same files and commands, but no parameters, no digests
# of code, no schema.
PLAIN = """
CELL = "{dataset}/{codec}/{system}/{seed}"
ENCODED = "encoded/{dataset}/{codec}"
MELS = [ENCODED + f"/mel{level}.npy" for level in (1, 2, 3)]
CELLS = dict(dataset=["gm_notes", "gm_band"], codec=["spectral"], system=["hdae", "msdae"], seed=range(SEEDS))

rule all:
    input: "fad.csv", "fad.md"

rule encode:
    output: ENCODED + "/index.csv", ENCODED + "/latents.npy", MELS, ENCODED + "/codec.json"
    shell: "touch {output}"

rule judge:
    output: "judges/{dataset}/gm_cnn/judge.json", "embeddings/{dataset}/gm_cnn/reference/embeddings.npz"
    shell: "touch {output}"

rule train:
    input: index=ENCODED + "/index.csv", latents=ENCODED + "/latents.npy", mels=MELS
    output: weights="systems/" + CELL + "/weights.safetensors", loss="systems/" + CELL + "/loss.csv"
    log: "logs/train/" + CELL + ".log"
    resources: runtime=1440, mem_mb=4000
    shell: "train --data {input.index} --out {output} 2>&1 | tee {log}"

rule generate:
    input:
        index=ENCODED + "/index.csv", latents=ENCODED + "/latents.npy", mels=MELS, codec=ENCODED + "/codec.json",
        weights="systems/" + CELL + "/weights.safetensors",
    output: "generated/" + CELL + "/index.csv"
    log: "logs/generate/" + CELL + ".log"
    resources: runtime=240, mem_mb=4000
    shell:
        "generate --data {input.index} --codec {input.codec} --weights {input.weights} --out {output} 2>&1 | tee {log}"

rule embed:
    input: judge="judges/{dataset}/{embedding}/judge.json", clips="generated/" + CELL + "/index.csv"
    output: "embeddings/{dataset}/{embedding}/{codec}/{system}/{seed}/embeddings.npz"
    log: "logs/embed/{dataset}/{embedding}/{codec}/{system}/{seed}.log"
    resources: runtime=120, mem_mb=4000
    shell: "embed --judge {input.judge} --clips {input.clips} --out {output} 2>&1 | tee {log}"

rule fad:
    input:
        reference="embeddings/{dataset}/{embedding}/reference/embeddings.npz",
        generated="embeddings/{dataset}/{embedding}/{codec}/{system}/{seed}/embeddings.npz",
    output: "evaluate/" + CELL + "/{embedding}.csv"
    log: "logs/fad/{dataset}/{embedding}/{codec}/{system}/{seed}.log"
    shell: "fad --reference {input.reference} --generated {input.generated} --out {output} 2>&1 | tee {log}"

rule table:
    input: expand("evaluate/" + CELL + "/gm_cnn.csv", **CELLS)
    output: csv="fad.csv", md="fad.md"
    log: "logs/table.log"
    shell: "table {input} --csv {output.csv} --md {output.md} 2>&1 | tee {log}"
"""
PLAIN_JOBS_PER_SEED = 16


def cpu_of_children() -> float:
    """CPU seconds of all child processes so far: unlike the clock's, not those of whatever else the machine does."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def dry_run(directory: Path, *arguments: str) -> tuple[float, int]:
    """CPU seconds that a dry run of everything in ``directory`` takes, and its number of jobs."""
    began = cpu_of_children()
    # --forceall: every job counts, whatever has been made already.
    command = [*SNAKEMAKE, "--forceall", *arguments]
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    seconds = cpu_of_children() - began
    if result.returncode:
        sys.exit(result.stdout + result.stderr)
    return seconds, int(re.findall(r"^total +(\d+)$", result.stdout + result.stderr, re.MULTILINE)[-1])


def with_seeds(folder: Path, count: int) -> list[str]:
    """Snakemake arguments that put ``count`` seeds into the grid."""
    config = folder / f"seeds{count}.yaml"
    config.write_text(f"grid: {{seeds: {list(range(count))}}}\n")
    return ["--configfile", str(config)]


def compare(root: Path, folder: Path) -> None:
    """Print the times of our dry run and of a plain one, and their ratio."""
    one, two = (dry_run(root, *with_seeds(folder, count))[1] for count in (1, 2))
    ours = with_seeds(folder, 1 + -(-(JOBS - one) // (two - one)))
    jobs = dry_run(root, *ours)[1]
    plain = folder / "plain"
    plain.mkdir()
    (plain / "Snakefile").write_text(PLAIN.replace("SEEDS", str(jobs // PLAIN_JOBS_PER_SEED)))
    times = [(dry_run(root, *ours)[0], dry_run(plain)) for _ in range(ROUNDS)]  # in turns, and the best of each
    mine, theirs = min(time for time, _ in times), min(time for _, (time, _) in times)
    print(
        f"dry run: {jobs} jobs in {mine:.2f} CPU-s; plain Snakefile: {times[0][1][1]} jobs in {theirs:.2f} CPU-s; ",
        end="",
    )
    print(f"ratio {mine / theirs:.2f} (wanted: <= 1.2)")


def nothing_to_do(root: Path) -> None:
    """Print the time of a `make run` that finds everything made, at the smoke scale."""
    command = ["make", "--no-print-directory", "run", "SCALE=smoke"]
    for _ in range(2):
        began = time.perf_counter()
        result = subprocess.run(command, cwd=root, capture_output=True, text=True)
        seconds = time.perf_counter() - began
        if result.returncode:
            sys.exit(result.stdout + result.stderr)
    if "nothing to do" not in result.stdout:
        sys.exit("the second `make run SCALE=smoke` in a row did something:\n" + result.stdout + result.stderr)
    print(f"make run with nothing to do: {seconds:.1f} s (wanted: <= 10)")


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        compare(root, Path(folder))
    nothing_to_do(root)
