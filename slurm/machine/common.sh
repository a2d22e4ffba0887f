# Sourced by the scripts in this folder: where things are, and how they speak.

STATE=/var/lib/etude-slurm # daemons' data, PID files and logs; made by up.sh, removed by down.sh
ETC=/etc/slurm             # not a private folder: inside a job, Snakemake's executor drops SLURM_CONF
MARK='# A one-machine Slurm for tests, written by slurm/machine/up.sh of Étude; down.sh removes it.'

say() { echo "slurm: $*" >&2; }
fail() {
  say "$*"
  exit 2
}

need_root() {
  [ "$(id -u)" = 0 ] || fail "a Slurm on this machine needs root (it starts munge, MariaDB and the Slurm daemons);" \
    "run it as root, or use \`make run\`, which needs neither root nor Slurm"
}

# A machine that belongs to a real cluster is left alone.
need_no_other_slurm() {
  if [ -s $ETC/slurm.conf ] && [ "$(head -n 1 $ETC/slurm.conf)" != "$MARK" ]; then
    fail "$ETC/slurm.conf belongs to another Slurm, which stays as it is: on a machine of a cluster use" \
      "\`snakemake --profile slurm\` directly"
  fi
}
