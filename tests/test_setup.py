"""The set-up: what is pinned, and `setup/install.sh` with real virtual environments but nothing to download."""

import importlib.metadata
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z0-9,]+\])?==([^\s;]+)$")


def pins(name: str) -> dict[str, str]:
    """Normalised package name -> version, of a requirements file in which every line must pin one."""
    lines = (REPOSITORY / "requirements" / f"{name}.txt").read_text().splitlines()
    found = [PIN.match(line) for line in lines if line and not line.startswith("#")]
    assert all(found), f"{name}.txt has a line that pins no version"
    return {normalised(match[1]): match[2] for match in found}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_is_installed_is_what_is_pinned() -> None:
    """The whole tree, transitive packages too; those of nodeps.txt and pip itself stand outside the constraints."""
    pinned = pins("constraints") | pins("nodeps")
    installed = {normalised(dist.name): dist.version.split("+")[0] for dist in importlib.metadata.distributions()}
    for name in ("pip", "etude"):
        installed.pop(name, None)
    assert {name: version for name, version in installed.items() if pinned.get(name) != version} == {}


@pytest.mark.parametrize("goal", ["run", "test", "docs"])
def test_requirements_agree_with_the_constraints(goal: str) -> None:
    constraints = pins("constraints")
    assert {name: version for name, version in pins(goal).items() if constraints.get(name) != version} == {}


def test_no_address_of_a_registry_is_written_down() -> None:
    """pip's own configuration says where packages come from."""
    for path in [REPOSITORY / "Makefile", *(REPOSITORY / "setup").iterdir(), *(REPOSITORY / "requirements").iterdir()]:
        if path.is_file():
            text = path.read_text()
            assert "://" not in text and "index-url" not in text and "find-links" not in text, path


@pytest.mark.parametrize("script", ["setup/*.sh", "slurm/machine/*.sh", ".ci/run"])
def test_shell_scripts_parse(script: str) -> None:
    paths = list(REPOSITORY.glob(script))
    assert paths
    for path in paths:
        subprocess.run(["bash", "-n", str(path)], check=True)


# ---- install.sh ----------------------------------------------------------------------------------------------------

BACKEND = '''
"""A build backend that needs nothing: an editable wheel of one .pth file."""
import os, zipfile

def build_editable(folder, settings=None, metadata=None):
    info = "etude-0.0.0.dist-info"
    files = {
        "etude.pth": os.getcwd(),
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: etude\\nVersion: 0.0.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(os.path.join(folder, "etude-0.0.0-py3-none-any.whl"), "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return "etude-0.0.0-py3-none-any.whl"
'''


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose requirement files ask for nothing, so that pip has little to do and no network to ask.

    The tests share it, since a virtual environment takes seconds to make; each starts by installing.
    """
    root = tmp_path_factory.mktemp("setup") / "a checkout"  # with a blank, as users have them
    copy_setup(root)
    (root / "backend.py").write_text(BACKEND)
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    return root


def copy_setup(root: Path) -> None:
    """The set-up with nothing to install; what checks the imports only counts how often it was asked."""
    (root / "requirements").mkdir(parents=True)
    for name in ("run", "test", "docs", "nodeps", "constraints"):
        (root / f"requirements/{name}.txt").write_text("# nothing\n")
    shutil.copytree(REPOSITORY / "setup", root / "setup", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "setup/repair_torchaudio.py").write_text("")
    (root / "etude/versions").mkdir(parents=True)
    (root / "etude/versions/plots.py").write_text("")
    check_imports(root)


def check_imports(root: Path, then: str = "") -> None:
    (root / "setup/check_imports.py").write_text(f"open('check_imports.done', 'a').write('x')\n{then}\n")


def change_requirements(root: Path) -> None:
    with open(root / "requirements/constraints.txt", "a") as file:
        file.write("# still nothing\n")


def install(root: Path, goal: str = "run") -> subprocess.CompletedProcess:
    return subprocess.run(
        [root / "setup/install.sh", goal], env=_offline(), capture_output=True, text=True, timeout=120
    )


def _offline() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("PIP_")} | {"PIP_NO_INDEX": "1"}


def installations(root: Path) -> int:
    """How often pip's work was carried through: the check of the imports comes last."""
    done = root / "check_imports.done"
    return len(done.read_text()) if done.exists() else 0


def test_installs_once_and_then_only_what_changed(checkout: Path) -> None:
    first = install(checkout)
    assert first.returncode == 0, first.stderr
    where = [checkout / ".venv/bin/python", "-c", "import sys, backend; print(sys.prefix); print(backend.__file__)"]
    prefix, module = subprocess.run(where, capture_output=True, text=True, check=True, cwd="/").stdout.splitlines()
    assert (prefix, module) == (str(checkout / ".venv"), str(checkout / "backend.py"))
    count = installations(checkout)

    began = time.monotonic()
    second = install(checkout)
    assert (second.returncode, second.stderr, installations(checkout)) == (0, "", count)
    assert time.monotonic() - began < 2

    with open(checkout / "requirements/test.txt", "a") as file:
        file.write("# of no concern to `run`\n")
    with open(checkout / "pyproject.toml", "a") as file:
        file.write("\n[tool.ruff]\nline-length = 120\n")  # nor is style
    install(checkout)
    assert installations(checkout) == count
    for goal, more in [("test", 1), ("test", 1), ("run", 1)]:
        assert install(checkout, goal).returncode == 0
        assert installations(checkout) == count + more
    change_requirements(checkout)
    install(checkout)
    assert installations(checkout) == count + 2


def test_failing_pip_is_told_with_its_last_lines_and_leaves_no_stamp(checkout: Path) -> None:
    requirements = checkout / "requirements/run.txt"
    requirements.write_text("no-such-package-anywhere==1\n")
    result = install(checkout)
    assert result.returncode == 2
    assert "no-such-package-anywhere" in result.stderr and "logs/setup.log" in result.stderr
    assert not (checkout / ".venv/etude-run").exists()
    requirements.write_text("# nothing\n")
    assert install(checkout).returncode == 0


def test_second_set_up_waits_for_the_first(checkout: Path) -> None:
    install(checkout)
    count = installations(checkout)
    change_requirements(checkout)
    check_imports(checkout, "import time; time.sleep(2)")
    first = subprocess.Popen([checkout / "setup/install.sh", "run"], env=_offline(), stderr=subprocess.DEVNULL)
    while installations(checkout) == count:
        assert first.poll() is None
        time.sleep(0.05)
    second = install(checkout)
    assert first.wait() == second.returncode == 0
    assert "another set-up is at work" in second.stderr
    assert installations(checkout) == count + 1


def test_killed_set_up_starts_afresh(checkout: Path) -> None:
    install(checkout)
    count = installations(checkout)
    change_requirements(checkout)
    check_imports(checkout, "import time; time.sleep(60)")
    process = subprocess.Popen(
        [checkout / "setup/install.sh", "run"], env=_offline(), process_group=0, stderr=subprocess.DEVNULL
    )
    while installations(checkout) == count:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    (checkout / ".venv/half").touch()
    check_imports(checkout)
    result = install(checkout)
    assert result.returncode == 0, result.stderr
    assert "did not finish" in result.stderr
    assert not (checkout / ".venv/half").exists()


def test_moved_checkout_starts_afresh(checkout: Path) -> None:
    install(checkout)
    count = installations(checkout)
    moved = checkout.rename(checkout.with_name("moved"))
    try:
        result = install(moved)
        assert result.returncode == 0, result.stderr
        assert "another place" in result.stderr
        assert installations(moved) == count + 1
    finally:
        moved.rename(checkout)


def test_without_root_the_missing_packages_are_named_with_their_command() -> None:
    """In a mount namespace of its own, with an empty list of shared libraries, as nobody."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("hiding libfluidsynth needs root and mount namespaces")
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path, which nobody else may enter
        root = Path(folder)
        copy_setup(root / "checkout")
        for path in (root, root / "checkout"):
            path.chmod(0o777)
        hide = (
            'mount --bind /dev/null /etc/ld.so.cache; exec setpriv --reuid=65534 --regid=65534 --clear-groups "$0" run'
        )
        command = ["unshare", "--mount", "sh", "-c", hide, str(root / "checkout/setup/install.sh")]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert result.returncode == 2, result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
        assert "apt-get install -y --no-install-recommends" in result.stderr and "libfluidsynth3`" in result.stderr
        assert not (root / "checkout/.venv").exists()
