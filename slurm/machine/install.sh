#!/usr/bin/env bash
# Debian's packages of a Slurm with accounting. Nothing is started.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_root
need_no_other_slurm

packages=(munge slurmctld slurmd slurm-client slurmdbd mariadb-server)
installed() { [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2> /dev/null)" = installed ]; }
missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

# Debian asks this file before a package may start its service. up.sh starts them, by hand and with our configuration.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod +x $policy
  trap 'rm -f $policy' EXIT
fi
say "installing Debian packages: ${missing[*]}"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
{
  apt-get update -qq &&
    apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 "${missing[@]}"
} < /dev/null > "$log" 2>&1 || {
  tail -n 15 "$log" >&2
  fail "apt-get could not install ${missing[*]}; the lines above say why, all of them are in $log"
}
rm -f "$log"
