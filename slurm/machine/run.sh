#!/usr/bin/env bash
# The smoke scale through a real Slurm: install, bring it up, `snakemake --profile slurm`, look at what Slurm has to say
# about the jobs, take it down whatever happened. What `make slurm` runs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh"
cd "$here/../.."
need_root
need_no_other_slurm
table=runs/smoke/reports/fad.csv
limit=${ETUDE_SLURM_LIMIT:-1200} # seconds

exec 9> /run/lock/etude-slurm
flock --nonblock 9 || fail "another \`make slurm\` is at work on this machine; wait for it"

export PATH="$PWD/.venv/bin:$PATH"
# What a killed run left: its lock here, its Slurm. Beside a live Snakemake this stops with a sentence.
etude unlock > /dev/null
"$here/install.sh" 9>&-
"$here/down.sh"
trap 'status=$?; "$here/down.sh" || true; exit $status' EXIT
"$here/up.sh" 9>&-

rm -f $table
SECONDS=0
# Snakemake dies with `timeout`, and that with this script. --forceall: what an earlier smoke run made would otherwise not
# go through Slurm at all.
set -m # a process group of its own: Ctrl-C reaches it once, from here
setpriv --pdeathsig KILL timeout --kill-after=60 "$limit" setpriv --pdeathsig KILL \
  snakemake --profile slurm $table --config scale=smoke --forceall 9>&- &
set +m
run=$!
trap 'kill -INT -- -$run; wait $run || true; exit 130' INT TERM
wait $run || {
  status=$?
  [ $status != 124 ] || {
    squeue
    tail -n 20 $STATE/log/slurm{ctld,d,dbd}.log
    fail "not finished within $limit s (ETUDE_SLURM_LIMIT); the queue and the daemons' logs are above"
  } >&2
  fail "the run through Slurm failed (exit status $status); Snakemake's report above says which job, and where its log is"
}
[ -s $table ] || fail "Snakemake is content, but there is no $table"

jobs() { sacct --allocations --noheader --parsable2 --format="$1"; }
sacct --allocations --format=JobID,Comment%40,Partition,AllocCPUS,ReqMem,Elapsed,State,ExitCode
completed=$(jobs State | grep --count '^COMPLETED$' || true)
others=$(jobs State | grep --count --invert-match '^COMPLETED$' || true)
[ "$completed" -gt 0 ] && [ "$others" = 0 ] || fail "$completed jobs completed in Slurm, $others did not; the table above says which"
say "$completed jobs completed in Slurm after $SECONDS s, $table is there"
chain=$(etude why $table)
known=$(grep --count 'Slurm job [0-9]' <<< "$chain" || true)
[ "$known" -ge "$completed" ] || fail "\`etude why $table\` knows the Slurm jobs of $known of $completed jobs"
say "\`etude why $table\` knows all of them"

# The lines of the profile that a cluster with GPUs uncomments, on one job that says which device Slurm gave it.
mkdir -p $STATE/gpu/slurm
sed -E 's/# (gres: gpu:1|slurm_partition: gpu)/\1/' slurm/config.yaml > $STATE/gpu/slurm/config.yaml
cp "$here/gpu.smk" $STATE/gpu/Snakefile
(cd $STATE/gpu && timeout --kill-after=60 300 snakemake --profile slurm 9>&- > snakemake.out 2>&1) || {
  cat $STATE/gpu/snakemake.out >&2
  fail "the job that asked for a GPU failed"
}
grep -qx 'partition gpu, device [0-9]' $STATE/gpu/device || fail "a job that asked for a GPU got: $(cat $STATE/gpu/device)"
say "a job that asked for a GPU got: $(cat $STATE/gpu/device)"
