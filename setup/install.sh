#!/usr/bin/env bash
# Everything `make run` (or `make test`) needs on a bare Debian 12 machine: Debian packages, the virtual environment
# .venv, the pinned Python packages. Called again, it sees its stamp and is done in a fraction of a second.
#
#   setup/install.sh run|test
#
# .venv/etude-<goal>       written last; holds a hash of all that decides what gets installed
# .venv/etude-installing   there while pip works: found at the start, it means that a set-up was killed
set -euo pipefail
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."

goal=${1:-}
case $goal in run | test) ;; *) echo "usage: setup/install.sh run|test" >&2; exit 2 ;; esac
log=logs/setup.log

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 2; }

# ---- one set-up at a time ------------------------------------------------------------------------------------------
mkdir -p .snakemake logs
exec 9> .snakemake/setup.lock
if ! flock --nonblock 9; then
  say "another set-up is at work in $PWD, waiting for it"
  flock 9
fi

# ---- what the system has to offer ----------------------------------------------------------------------------------
suitable_python() { # prints the first Python in the range of pyproject.toml that can make virtual environments
  local candidate
  for candidate in "${PYTHON:-}" python3 python3.12 python3.11 /usr/bin/python3; do
    [ -n "$candidate" ] || continue
    "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2> /dev/null ||
      continue
    "$candidate" -c 'import sys; print(sys.executable)'
    return 0
  done
  return 1
}

has_fluidsynth() { /sbin/ldconfig -p | grep -q 'libfluidsynth\.so\.3 '; }

missing_packages() {
  [ -x .venv/bin/python ] || suitable_python > /dev/null || echo python3 python3-venv
  has_fluidsynth || echo libfluidsynth3
}

has_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; } > /dev/null

debian_install() { # of the packages given; what apt-get says goes to the log
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq &&
    apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"; } < /dev/null >> "$log" 2>&1
}

install_browser() { # tests open the pages in it, and say that they cannot where it is missing
  [ "$goal" = test ] || return 0
  has_chromium && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    say "installing Debian packages: chromium"
    debian_install chromium && has_chromium && return 0
  fi
  say "no chromium on this machine: tests that open the pages are skipped (as root: apt-get install chromium)"
}

install_debian_packages() {
  local packages
  packages=$(missing_packages | xargs)
  [ -n "$packages" ] || return 0
  [ "$(id -u)" = 0 ] || fail "missing on this machine: $packages. As root, run" \
    "\`apt-get update && apt-get install -y --no-install-recommends $packages\`, then repeat this command"
  command -v apt-get > /dev/null || fail "missing on this machine: $packages, and no apt-get to install it with (Debian 12 is what this is tested on)"
  say "installing Debian packages: $packages"
  # $packages is a list of words.
  # shellcheck disable=SC2086
  debian_install $packages ||
    { tail -n 15 "$log" >&2; fail "apt-get could not install $packages; the lines above say why, all of them are in $log"; }
  packages=$(missing_packages | xargs)
  [ -z "$packages" ] || fail "still missing after apt-get: $packages (Python 3.11 or 3.12 is wanted, found: $(python3 -V 2>&1))"
}

# ---- the stamp -----------------------------------------------------------------------------------------------------
requirements_of() { # the files that decide what a goal installs
  echo setup/install.sh requirements/{run,nodeps,constraints}.txt
  [ "$1" = run ] || echo requirements/{test,docs}.txt
}

# A virtual environment works neither elsewhere nor with another Python, so both are part of the hash; of pyproject.toml
# what concerns the package, not how its code is styled and tested.
stamp_of() { # shellcheck disable=SC2046
  {
    pwd
    .venv/bin/python -VV
    sed '/^\[tool\.[rp]/,$d; /^$/d' pyproject.toml
    sha256sum $(requirements_of "$1")
  } 2> /dev/null | sha256sum
}

is_done() { [ -e ".venv/etude-$1" ] && [ ! -e .venv/etude-installing ] && [ "$(cat ".venv/etude-$1")" = "$(stamp_of "$1")" ]; }

# ---- Python packages -----------------------------------------------------------------------------------------------
pip() { # one line per 25 packages while pip works; all of its output goes to the log
  .venv/bin/python -m pip --disable-pip-version-check --no-input install --progress-bar off "$@" 2>&1 < /dev/null |
    tee -a "$log" |
    awk '/^ *Collecting /{ if (++n % 25 == 0) { print "setup: " n " packages found, now at " $2; fflush() } }
         /^Installing collected/{ print "setup: installing them"; fflush() }' >&2 ||
    { tail -n 15 "$log" >&2; fail "pip could not install the Python packages; the lines above say why, all of them are in $log"; }
}

install_python_packages() {
  # A killed pip leaves packages that look whole and are not; in an environment that was moved the scripts start the
  # Python of the old place.
  if [ -e .venv/etude-installing ]; then
    say "the last set-up did not finish: starting afresh"
    rm -rf .venv
  elif [ -e .venv ] && ! { .venv/bin/python -c '' && grep -qF "$PWD/.venv/bin/python" .venv/bin/pip; } 2> /dev/null; then
    say ".venv was made in another place or for a Python that is gone: starting afresh"
    rm -rf .venv
  fi
  if [ -e .venv ]; then
    say "bringing the Python packages in .venv up to date (details in $log)"
    touch .venv/etude-installing
  else
    say "making .venv and installing the pinned Python packages (2 GB on disk, one to five minutes; details in $log)"
    mkdir .venv
    touch .venv/etude-installing
    "$(suitable_python)" -m venv .venv
  fi
  rm -f .venv/etude-run .venv/etude-test
  local wanted=(-r requirements/run.txt)
  [ "$goal" = run ] || wanted+=(-r requirements/test.txt -r requirements/docs.txt)
  pip "${wanted[@]}" -c requirements/constraints.txt
  pip --no-deps -r requirements/nodeps.txt
  pip --no-deps --no-build-isolation --editable .
  .venv/bin/python setup/repair_torchaudio.py
  .venv/bin/python setup/check_imports.py
  .venv/bin/python -m etude.versions.plots # the page that `dvc plots` draws on
  rm .venv/etude-installing
  stamp_of run > .venv/etude-run
  [ "$goal" = run ] || stamp_of "$goal" > ".venv/etude-$goal"
}

install_browser
is_done "$goal" && has_fluidsynth && exit 0
install_debian_packages
is_done "$goal" && exit 0
SECONDS=0
install_python_packages
say "ready after $SECONDS s"
