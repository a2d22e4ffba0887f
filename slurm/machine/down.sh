#!/usr/bin/env bash
# Take down what up.sh brought up, whole or in part: jobs, daemons, configuration, data. Nothing else is touched.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_root
need_no_other_slurm
[ -e $STATE ] || exit 0

ended() { [ ! -e "/proc/$1" ] || grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2> /dev/null; }

# Jobs first: their processes would go on without the daemons.
if timeout 5 scancel --user=root --quiet 2> /dev/null; then
  for _ in $(seq 100); do
    [ -n "$(timeout 5 squeue --noheader 2> /dev/null)" ] || break
    sleep 0.1
  done
fi
for name in slurmd slurmctld slurmdbd mariadbd munged; do
  [ -s $STATE/run/$name.pid ] || continue
  pid=$(cat $STATE/run/$name.pid)
  # Machine rebooted, PID given to somebody else: then it is not ours to stop.
  grep -q $name "/proc/$pid/cmdline" 2> /dev/null || continue
  kill "$pid" 2> /dev/null || true
  for _ in $(seq 200); do
    ended "$pid" && break
    sleep 0.1
  done
  ended "$pid" || kill -KILL "$pid"
done
for file in slurm.conf slurmdbd.conf gres.conf; do
  [ "$(head -n 1 $ETC/$file 2> /dev/null)" != "$MARK" ] || rm -f $ETC/$file
done
rm -rf $STATE
say "down"
