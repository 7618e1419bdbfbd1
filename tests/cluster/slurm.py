"""A throw-away Slurm on this machine: munge, one controller and several nodes, each with GPUs in name only.

Needs root and the Debian packages slurmctld, slurmd, slurm-client and munge. All files are in one folder but for a link
/etc/slurm/slurm.conf, because the plugin's job step forgets SLURM_CONF before it calls srun. By hand:

    python tests/cluster/slurm.py start | stop
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel", "sinfo")
LINK = Path("/etc/slurm/slurm.conf")
NODES, GPUS, CPUS = 2, 1, 3
PORT = 26817
# Slurm counts a GPU only where its file is a character device; these are everywhere.
DEVICES = ("/dev/null", "/dev/zero")
SECONDS = 30  # to come up, and to end
BY_HAND = Path("/tmp/spurious-slurm")


def missing() -> str | None:
    """Why no Slurm can be started here, in a few words; None where one can."""
    if absent := [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]:
        return f"not installed: {', '.join(absent)}"
    if os.geteuid() != 0:
        return "only root may start the daemons"
    if LINK.exists() and not LINK.is_symlink():
        return f"{LINK} is that of a real cluster"
    return None


def no_tests() -> str | None:
    """Why no test can submit jobs here; None where they can."""
    plugin = importlib.util.find_spec("snakemake_executor_plugin_slurm")
    return missing() or (None if plugin else "the plugin is not installed")


@dataclass(frozen=True)
class Cluster:
    """Where the files of a Slurm are."""

    folder: Path

    def start(self) -> None:
        """Start the daemons and wait until every node is idle; raises RuntimeError, with the logs' folder."""
        for name in ("state", "log", "munge", *(f"spool.node{number}" for number in range(1, NODES + 1))):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        (self.folder / "munge").chmod(0o711)
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o600)
        (self.folder / "slurm.conf").write_text(self._configuration())
        (self.folder / "gres.conf").write_text(
            "".join(
                f"NodeName=node{number} Name=gpu File={device}\n"
                for number in range(1, NODES + 1)
                for device in DEVICES[:GPUS]
            )
        )
        LINK.parent.mkdir(exist_ok=True)
        LINK.unlink(missing_ok=True)
        LINK.symlink_to(self.folder / "slurm.conf")
        self._start_daemons()
        wait_for(lambda: nodes_up() == NODES, f"Slurm did not come up: see {self.folder}/log")

    def _start_daemons(self) -> None:
        munge = self.folder / "munge"
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={munge / name}" for option, name in files.items()]
        daemon("munged", "--force", *options)
        daemon("slurmctld", "-f", self.folder / "slurm.conf", "-c")
        for number in range(1, NODES + 1):
            daemon("slurmd", "-f", self.folder / "slurm.conf", "-N", f"node{number}")

    def _configuration(self) -> str:
        host, folder = socket.gethostname().split(".")[0], self.folder
        nodes = "".join(
            f"NodeName=node{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={PORT + number} CPUs={CPUS}"
            f" RealMemory=64000 Gres=gpu:{GPUS} State=UNKNOWN\n"
            for number in range(1, NODES + 1)
        )
        return f"""ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={PORT}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=2,batch_sched_delay=0,sched_min_interval=0
MinJobAge=7200
KillWait=2
InactiveLimit=0
{nodes}PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""

    def stop(self) -> None:
        """End every job and daemon, and remove the folder and the link."""
        subprocess.run(["scancel", "--full", "--user", "root"], capture_output=True, check=False)
        pids = [int(path.read_text()) for path in self.folder.glob("*.pid") if path.read_text().strip()]
        munge = self.folder / "munge" / "pid"
        pids += [int(munge.read_text())] if munge.exists() else []
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        with contextlib.suppress(RuntimeError):
            wait_for(lambda: not any(map(is_alive, pids)), "")
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGKILL)
        if LINK.is_symlink() and LINK.readlink() == self.folder / "slurm.conf":
            LINK.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A Slurm that is up in the block and gone after it, whatever happens."""
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def nodes_up() -> int:
    """How many nodes take jobs; 0 where no controller answers."""
    command = ["sinfo", "--noheader", "--states", "idle,mixed,allocated", "--format", "%D"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return sum(map(int, done.stdout.split()))


def daemon(name: str, *arguments: object) -> None:
    path = shutil.which(name, path=f"/usr/sbin:{os.environ['PATH']}")
    environment = {key: value for key, value in os.environ.items() if key != "SLURM_CONF"}
    subprocess.run([path, *map(str, arguments)], check=True, env=environment, stdin=subprocess.DEVNULL)


def is_alive(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def is_up() -> bool:
    """Whether the Slurm that was started by hand answers."""
    return LINK.is_symlink() and LINK.readlink().parent == BY_HAND and nodes_up() == NODES


def wait_for(condition, message: str) -> None:
    """Wait until `condition()` holds; raises RuntimeError with the message after SECONDS."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(message)
        time.sleep(0.2)


if __name__ == "__main__":
    here = Cluster(BY_HAND)
    if len(sys.argv) != 2 or sys.argv[1] not in ("start", "stop"):
        sys.exit("usage: python tests/cluster/slurm.py start | stop")
    if reason := missing():
        sys.exit(f"error: no Slurm here: {reason}")
    getattr(here, sys.argv[1])()
