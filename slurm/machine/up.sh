#!/usr/bin/env bash
# A real Slurm on this one machine, over loopback, without systemd: munge, MariaDB, slurmdbd, slurmctld, slurmd.
#
#   up.sh            stop it with down.sh, also after an up.sh that failed
#
# ETUDE_SLURM_CPUS   cores the node claims (default: twice what the machine has, at least 4)
# ETUDE_SLURM_GPUS   GPUs the node claims (default 2; they are stand-ins, nothing computes on them)
#
# It claims 8 GB per core as well, whatever the machine has: jobs ask for what the paper's sizes need, and at the smoke
# scale use a fraction of it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh"
need_root
need_no_other_slurm
[ ! -e $STATE ] || fail "$STATE is there: a Slurm of ours runs already or was not taken down; run slurm/machine/down.sh first"
for program in munged mariadbd slurmdbd slurmctld slurmd sinfo sacctmgr; do
  PATH=$PATH:/usr/sbin command -v $program > /dev/null || fail "no $program on this machine: run slurm/machine/install.sh first"
done
PATH=$PATH:/usr/sbin

host=$(uname -n)
host=${host%%.*}
cores=$((2 * $(nproc)))
cpus=${ETUDE_SLURM_CPUS:-$((cores > 4 ? cores : 4))}
memory=$((8000 * cpus))
gpus=${ETUDE_SLURM_GPUS:-2}
account=etude
database_port=13306
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

# start NAME COMMAND ...: in the background and in a session of its own, output to its log. The program must stay in the
# foreground of its own accord, so that its PID is known at once, whatever happens next.
start() {
  local name=$1
  shift
  setsid "$@" < /dev/null > "$STATE/log/$name.out" 2>&1 &
  echo $! > "$STATE/run/$name.pid"
}

# wait_for NAME COMMAND ...: until the command succeeds; at most 60 s, and no longer than the daemon NAME lives.
wait_for() {
  local name=$1
  shift
  for _ in $(seq 600); do
    "$@" > /dev/null 2>&1 && return 0
    kill -0 "$(cat "$STATE/run/$name.pid")" 2> /dev/null || break
    sleep 0.1
  done
  tail -n 20 "$STATE/log/$name".* >&2
  fail "$name did not come up; what it had to say last is above"
}

trap '[ $? = 0 ] || "$here/down.sh"' EXIT
mkdir -p $ETC
install -d -m 0755 $STATE $STATE/run $STATE/dev
install -d -m 0755 -o slurm -g slurm $STATE/log $STATE/controller $STATE/node
install -d -m 0700 -o mysql -g mysql $STATE/database

# ---- munge: who is who. Debian's package made its key. One that is already running will do. ------------------------
if ! munge --no-input > /dev/null 2>&1; then
  install -d -m 0755 -o munge -g munge /run/munge
  [ -s /etc/munge/munge.key ] || setpriv --reuid=munge --regid=munge --init-groups mungekey --create
  start munged setpriv --reuid=munge --regid=munge --init-groups munged --foreground
  wait_for munged munge --no-input
fi

# ---- MariaDB: what accounting is kept in -----------------------------------------------------------------------------
mariadb-install-db --no-defaults --user=mysql --datadir=$STATE/database --skip-test-db \
  --auth-root-authentication-method=normal > $STATE/log/mariadb-install.out 2>&1 || {
  tail -n 20 $STATE/log/mariadb-install.out >&2
  fail "MariaDB could not make its database; what it had to say is above"
}
start mariadbd mariadbd --no-defaults --user=mysql --datadir=$STATE/database --socket=$STATE/database/socket \
  --pid-file=$STATE/database/pid --bind-address=127.0.0.1 --port=$database_port \
  --innodb-buffer-pool-size=128M --innodb-lock-wait-timeout=900 --innodb-flush-log-at-trx-commit=0
sql() { mariadb --no-defaults --socket=$STATE/database/socket --user=root --execute="$1"; }
wait_for mariadbd sql 'SELECT 1'
sql "CREATE DATABASE slurm_acct_db;
     CREATE USER slurm@'127.0.0.1' IDENTIFIED BY '$password', slurm@localhost IDENTIFIED BY '$password';
     GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1', slurm@localhost;"

# ---- configuration ---------------------------------------------------------------------------------------------------
# slurmdbd insists on a file that nobody else can read: it holds the password.
install -m 0600 -o slurm -g slurm /dev/null $ETC/slurmdbd.conf
cat > $ETC/slurmdbd.conf << CONF
$MARK
AuthType=auth/munge
SlurmUser=slurm
DbdHost=localhost
DbdAddr=127.0.0.1
LogFile=$STATE/log/slurmdbd.log
PidFile=$STATE/log/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$database_port
StorageUser=slurm
StoragePass=$password
StorageLoc=slurm_acct_db
CONF

# Slurm takes nothing but a character device for a GPU: these are copies of /dev/null.
echo "$MARK" > $ETC/gres.conf
for ((i = 0; i < gpus; i++)); do
  mknod -m 0666 $STATE/dev/gpu$i c 1 3
  echo "NodeName=$host Name=gpu File=$STATE/dev/gpu$i" >> $ETC/gres.conf
done

cat > $ETC/slurm.conf << CONF
$MARK
ClusterName=etude
SlurmctldHost=$host(127.0.0.1)
SlurmUser=slurm
AuthType=auth/munge
SlurmctldPidFile=$STATE/log/slurmctld.pid
SlurmdPidFile=$STATE/log/slurmd.pid
SlurmctldLogFile=$STATE/log/slurmctld.log
SlurmdLogFile=$STATE/log/slurmd.log
StateSaveLocation=$STATE/controller
SlurmdSpoolDir=$STATE/node
ReturnToService=2
# Processes are followed through /proc: a container has no cgroups to give away.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
# The node may claim more than it has.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
# What no node can serve is refused at once; else it would wait for ever.
EnforcePartLimits=ALL
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=0
PriorityType=priority/basic
DefMemPerCPU=500
# A job over its memory is killed, as on a cluster: looked at every 2 s.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
KillWait=2
MinJobAge=300
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStorageEnforce=associations,limits
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory Gres=gpu:$gpus State=UNKNOWN
PartitionName=cpu Nodes=$host Default=YES MaxTime=2-00:00:00 DefaultTime=00:30:00 State=UP
PartitionName=gpu Nodes=$host MaxTime=2-00:00:00 DefaultTime=00:30:00 State=UP
CONF

# ---- accounting, then controller and node: jobs of an account that nobody registered are refused --------------------
start slurmdbd slurmdbd -D
wait_for slurmdbd sacctmgr --noheader list cluster
sacctmgr --immediate --quiet add cluster etude > /dev/null
sacctmgr --immediate --quiet add account $account Cluster=etude Description=etude Organization=etude > /dev/null
sacctmgr --immediate --quiet add user root Account=$account DefaultAccount=$account Cluster=etude > /dev/null
start slurmctld slurmctld -D -i
start slurmd slurmd -D
is_idle() { [ "$(sinfo --noheader --partition=cpu --format=%T)" = idle ]; }
wait_for slurmd is_idle
say "up after $SECONDS s: $host with $cpus cores, $memory MB, $gpus GPUs that are stand-ins; logs in $STATE/log"
