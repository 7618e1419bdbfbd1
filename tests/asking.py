"""What the rules of the workflow ask a scheduler for, from a snakemake that reads them and runs nothing."""

import json
import subprocess
import sys

from projects import environment

READING = """
import json, sys, tempfile
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings
given = json.loads(sys.argv[1])
settings = ResourceSettings(cores=1, nodes=given["nodes"], resources=given["resources"])
with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
    configured = ConfigSettings(config=given["config"])
    found = api.workflow(resource_settings=settings, config_settings=configured, snakefile=Path("Snakefile"))
    workflow = found._workflow
    rules = {}
    read = tempfile.NamedTemporaryFile()
    read.truncate(int(given["size_mb"] * 2**20))
    for rule in workflow.rules:
        wildcards = {name: given["wildcards"].get(name, "0") for name in rule.wildcard_names}
        found = rule.expand_resources(wildcards, [read.name], given["attempt"])
        own = {"group": rule._group, "retries": rule._restart_times, "container": rule.container_img}
        rules[rule.name] = dict(found.items()) | own
print(json.dumps(rules, default=str))
"""


def asked(folder, dataset, *, attempt=1, size_mb=0.5, nodes=1, resources=None, config=None):
    """{rule: resources, group, container and retries} for a dataset, on the head of a cluster.

    Retries are None where the command line says how many. The head has one core. `nodes=None` is a run on
    one machine. `size_mb` is the size of every job's inputs.
    """
    wildcards = {"dataset": dataset, "classifier": "cnn"}
    given = {
        "nodes": nodes,
        "resources": resources or {},
        "config": config or {},
        "wildcards": wildcards,
        "attempt": attempt,
        "size_mb": size_mb,
    }
    command = [sys.executable, "-c", READING, json.dumps(given)]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])
