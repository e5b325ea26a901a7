"""What deploy/ says can be carried out: valid by schema, and every file, command and flag in it exists."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
MANIFESTS = [
    (path.name, document)
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text("utf-8"))
]
JOBS = {document["metadata"]["name"]: document for _, document in MANIFESTS if document["kind"] == "Job"}
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]


def containers(job: dict[str, Any]) -> list[dict[str, Any]]:
    pod = job["spec"]["template"]["spec"]
    return [*pod.get("initContainers", ()), *pod["containers"]]


def commands() -> dict[str, list[str]]:
    """Return everything a container runs, by a name that says where it is written."""
    run = {f"compose: {name}": service["command"] for name, service in SERVICES.items()}
    for job in JOBS.values():
        run |= {f"kubernetes: {each['name']}": each["command"] for each in containers(job)}
    (words,) = re.findall(r"^CMD (\[.+\])$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    return run | {"Dockerfile": yaml.safe_load(words)}


def values(command: list[str]) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in command if part.startswith("--"))


@pytest.mark.parametrize("document", [each for _, each in MANIFESTS], ids=[f"{n} {d['kind']}" for n, d in MANIFESTS])
def test_manifest_is_valid(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, "1.37", strict=True)


@pytest.mark.parametrize("spoilt", ["backofLimit", "template"])
def test_the_manifest_schema_refuses_what_is_wrong(spoilt: str) -> None:
    job = JOBS["sellergate-master"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**job, "spec": {**job["spec"], spoilt: 3}}, "1.37", strict=True)


def test_compose_file_is_valid() -> None:
    assert set(PyCompose.from_yaml(COMPOSE.read_text("utf-8")).service_names()) == {"sandbox", "master", "worker"}


def test_the_compose_schema_refuses_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="expected"):
        PyCompose.from_yaml(COMPOSE.read_text("utf-8").replace("replicas: 3", "replicas: many"))


READS_LOCUSTS_FLAGS = """
import sys
from locust import argument_parser, events
from locustfiles._options import add_arguments
events.init_command_line_parser.add_listener(add_arguments)
argument_parser.get_parser(default_config_files=[]).parse_args(sys.argv[1:])
"""


def carried_out(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Have a container's program read its flags, and do nothing more; it is installed here as in the image."""
    match command:
        case ["locust", *flags]:
            words = [sys.executable, "-c", READS_LOCUSTS_FLAGS, *flags]
        case ["python", *rest]:
            words = [sys.executable, *rest, "--help"]
        case [program, *rest]:
            words = [str(Path(sys.executable).parent / program), *rest, "--help"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("where", commands())
def test_every_command_exists_and_knows_its_flags(where: str) -> None:
    done = carried_out(commands()[where])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", ["locust", "sellergate check"])
def test_a_flag_that_does_not_exist_would_be_noticed(program: str) -> None:
    assert carried_out([*program.split(), "--no-such-flag"]).returncode == 2


def test_the_verdict_is_the_masters_exit_code() -> None:
    spec = JOBS["sellergate-master"]["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    (master,) = spec["template"]["spec"]["containers"]
    assert {"--master", "--headless"} <= set(master["command"])
    assert master["command"][0] == "locust"


def test_reports_are_on_a_volume_that_outlives_the_pod() -> None:
    pod = JOBS["sellergate-master"]["spec"]["template"]["spec"]
    claims = {each["name"] for _, each in ((n, d["metadata"]) for n, d in MANIFESTS if d["kind"].endswith("Claim"))}
    volumes = {each["name"]: each.get("persistentVolumeClaim", {}).get("claimName") for each in pod["volumes"]}
    (reports,) = [each for each in pod["containers"][0]["volumeMounts"] if each["mountPath"] == "/reports"]
    assert volumes[reports["name"]] in claims
    assert values(pod["containers"][0]["command"])["--reports"] == "/reports"
    assert "reports:/reports" in SERVICES["master"]["volumes"]


def test_workers_are_as_many_as_awaited_find_their_master_and_run_on_its_terms() -> None:
    workers, master = JOBS["sellergate-workers"], JOBS["sellergate-master"]
    there, here = values(containers(master)[-1]["command"]), values(containers(workers)[-1]["command"])
    assert str(workers["spec"]["parallelism"]) == str(workers["spec"]["completions"]) == there["--expect-workers"]
    (service,) = [each for _, each in MANIFESTS if each["kind"] == "Service"]
    assert here["--master-host"] == service["metadata"]["name"]
    assert service["spec"]["selector"].items() <= master["spec"]["template"]["metadata"]["labels"].items()
    assert not service["spec"]["selector"].items() <= workers["spec"]["template"]["metadata"]["labels"].items()
    of_compose = (values(SERVICES["master"]["command"]), values(SERVICES["worker"]["command"]))
    assert of_compose[0]["--expect-workers"] == str(SERVICES["worker"]["deploy"]["replicas"])
    for one, other in ((there, here), of_compose):
        assert all(one[flag] == other[flag] for flag in ("--target", "--load-profile"))


@pytest.mark.parametrize("name", JOBS)
def test_nothing_runs_as_root_or_writes_outside_its_volumes(name: str) -> None:
    pod = JOBS[name]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    for each in containers(JOBS[name]):
        assert each["securityContext"]["readOnlyRootFilesystem"]
        assert {mount["mountPath"] for mount in each["volumeMounts"]} == {"/reports", "/tmp"}  # noqa: S108  # in a pod
        secret = {entry["name"]: entry for entry in each["env"]}["SELLERGATE_WALLET_SECRET"]
        assert "value" not in secret


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_image_holds_every_package_and_nothing_that_is_not_there() -> None:
    copied: list[str] = []
    for name, rest in instructions():
        if name == "COPY":
            copied += shlex.split(rest)[:-1]
    assert all((ROOT / source).exists() for source in copied)
    packages = re.findall(r"packages = \[(.+)\]", (ROOT / "pyproject.toml").read_text("utf-8"))[0]
    assert {name.partition(".")[0] for name in re.findall(r'"([\w.]+)"', packages)} <= set(copied)
    kept = {
        line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"
    }
    assert kept == set(copied)


def test_the_image_has_locked_packages_and_no_root() -> None:
    names = [name for name, _ in instructions()]
    installs = [rest for name, rest in instructions() if name == "RUN" and "pip install" in rest]
    assert "--require-hashes -r requirements/run.txt" in installs[0]
    assert "--no-deps --no-build-isolation" in installs[1]
    (user,) = [rest for name, rest in instructions() if name == "USER"]
    assert user == "10001"
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in ("RUN", "COPY"))
