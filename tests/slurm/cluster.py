"""A SLURM of one node on this machine, which leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

CONF = Path("/etc/slurm/slurm.conf")
"""The only place that everything reads: a job's own srun gets no SLURM_CONF from Snakemake."""
MARK = "# Written by batchf1, tests/slurm; it goes when the test ends.\n"
NEEDED = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "sbatch": "slurm-client",
    "munged": "munge",
    "setpriv": "util-linux",
}
"""Program -> its Debian package."""
PATIENCE = 60
"""Seconds within which a daemon must answer, and a job must end once it is cancelled."""
TEMPLATE = """\
{mark}ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
MinJobAge=86400
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory}
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class RefusedError(Exception):
    """This machine has a SLURM that is not ours."""


def lacking():
    """What a SLURM here needs and does not have, in words; None where all is there."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    packages = sorted({p for program, p in NEEDED.items() if not shutil.which(program, path=path)})
    if packages:
        return f"no SLURM on this machine; on Debian: apt-get install {' '.join(packages)}"
    if os.geteuid() != 0:
        return "starting a SLURM needs root"
    return None


def refuse_another():
    """Raise `RefusedError` where this machine has a SLURM, running or configured."""
    running = [p for p in psutil.process_iter(["name", "status"]) if is_slurm(p)]
    if running:
        words = ", ".join(f"{p.info['name']} (process {p.pid})" for p in running)
        raise RefusedError(f"a SLURM is running on this machine: {words}")
    if CONF.exists() and not CONF.read_text().startswith(MARK):
        raise RefusedError(f"{CONF} is not this test's; it stays as it is")


def is_slurm(process):
    alive = process.info["status"] != psutil.STATUS_ZOMBIE  # what was killed, and not yet noticed
    return alive and (process.info["name"] or "").startswith(("slurmctld", "slurmd", "slurmstepd"))


@contextmanager
def one_node():
    """A running cluster; yields the folder with its logs. Raises `RefusedError`, or OSError."""
    refuse_another()
    with ExitStack() as stack:
        stack.enter_context(ended_by_signals())
        folder = stack.enter_context(open_folder())
        name = f"batchf1-{os.getpid()}"
        stack.callback(end_steps, name)  # last but the files: slurmd is gone then
        stack.enter_context(configured(name, folder))
        stack.enter_context(munge(folder / "munge"))
        stack.enter_context(daemon(folder, "slurmctld", "-D"))
        stack.enter_context(daemon(folder, "slurmd", "-D"))
        wait_for(lambda: answer("sinfo", "--noheader", "--format=%T") == "idle", folder)
        stack.callback(cancel_all)
        yield folder


@contextmanager
def ended_by_signals():
    """SIGTERM and SIGHUP end this process as Ctrl-C does, by way of everyone's clean-up."""

    def leave(number, _frame):
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {s: signal.signal(s, leave) for s in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def open_folder():
    """A folder that others may enter, as munge asks for its socket's; pytest's are closed."""
    with tempfile.TemporaryDirectory(prefix="batchf1-slurm-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("state", "spool", "munge"):
            (folder / part).mkdir()
        yield folder


@contextmanager
def configured(name, folder):
    """Our slurm.conf where SLURM looks for it."""
    had_folder = CONF.parent.is_dir()
    CONF.parent.mkdir(exist_ok=True)
    text = TEMPLATE.format(
        mark=MARK,
        name=name,
        folder=folder,
        host=socket.gethostname().partition(".")[0],
        ports=free_ports(),
        cpus=os.cpu_count(),
        memory=psutil.virtual_memory().total // 2**20,
    )
    try:
        CONF.write_text(text)
        yield
    finally:
        CONF.unlink(missing_ok=True)
        if not had_folder:
            CONF.parent.rmdir()


def free_ports():
    """Two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as other:
        for listener in (one, other):
            listener.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@contextmanager
def munge(folder):
    """A munge of our own, with its own key and socket, so that the machine's is left alone."""
    key = folder / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    for path in (folder, key):
        shutil.chown(path, "munge", "munge")
    files = {"key": "key", "socket": "socket", "pid": "pid", "log": "log", "seed": "seed"}
    options = [
        f"--{'socket' if option == 'socket' else option + '-file'}={folder / file}"
        for option, file in files.items()
    ]
    drop = ("--reuid=munge", "--regid=munge", "--clear-groups")
    with daemon(folder.parent, "munged", "--foreground", *options, drop=drop):
        wait_for((folder / "socket").exists, folder.parent)
        yield


@contextmanager
def daemon(folder, program, *arguments, drop=()):
    """A daemon in the foreground of a session of its own, ended with this context.

    It dies with this process too, even where that is killed, so nobody has to look for it.
    """
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    command = ["setpriv", "--pdeathsig=KILL", *drop, shutil.which(program, path=path), *arguments]
    with (folder / f"{program}.out").open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.kill()
        process.wait()


def answer(*command):
    """What a program prints; nothing where it fails."""
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def wait_for(ready, folder):
    """Wait until something is ready; TimeoutError with the daemons' last words where it is not."""
    end = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > end:
            logs = [*folder.glob("*.log"), *folder.glob("*.out"), *folder.glob("munge/log")]
            words = [f"{p.name}:\n{p.read_text()[-1000:]}" for p in logs]
            raise TimeoutError("SLURM did not come up\n" + "\n".join(words))
        time.sleep(0.2)


def states():
    """State -> number of jobs, of all that the cluster has seen."""
    lines = answer("squeue", "--states=all", "--noheader", "--format=%T").split()
    return {state: lines.count(state) for state in lines}


def cancel_all():
    """Cancel what is left and wait for its end."""
    subprocess.run(["scancel", "--user=root"], check=False)
    end = time.monotonic() + PATIENCE
    while answer("squeue", "--noheader") and time.monotonic() < end:
        time.sleep(0.2)


def end_steps(name):
    """Kill the jobs of our cluster, and their keepers, that outlived slurmd."""
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            keeper = process.info["name"].startswith("slurmstepd")
            if keeper or process.environ().get("SLURM_CLUSTER_NAME") == name:
                process.kill()
