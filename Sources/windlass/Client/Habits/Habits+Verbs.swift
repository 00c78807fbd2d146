/// Verbs and options before the verb that there are not.
extension Habits {
    private static let noImages =
        "there are no images; --rootfs DIR, --layer DIR or --profile NAME of `windlass run` choose a container's files"
    private static let noVolumes = "there are no volumes; share a folder of the host with `windlass run -v SRC:DST`"
    private static let noNetworks =
        "there are no networks of its own; `windlass run --network` takes none, host, netns:PATH or cni:NAME"
    private static let noRegistry = "there are no images, so there is no registry to speak to"
    private static let oneHost =
        "a worker knows its own host only; what runs on several hosts is for a scheduler that speaks to all workers"
    private static let noPods = "there are no pods; give containers of one kind a label: `windlass run -l KEY=VALUE`"

    /// By verb: why there is none, and what to type.
    static let missing: [String: String] = [
        "image": noImages, "images": noImages, "pull": noImages, "build": noImages, "buildx": noImages,
        "builder": noImages, "tag": noImages, "untag": noImages, "rmi": noImages, "save": noImages, "load": noImages,
        "import": noImages, "history": noImages, "commit": noImages, "manifest": noImages, "push": noRegistry,
        "login": noRegistry, "logout": noRegistry, "search": noRegistry, "trust": noRegistry, "scout": noRegistry,
        "volume": noVolumes, "network": noNetworks, "port": noNetworks, "pod": noPods, "play": noPods, "kube": noPods,
        "generate": noPods, "compose": oneHost, "swarm": oneHost, "service": oneHost, "stack": oneHost,
        "secret": oneHost, "machine": oneHost, "server": oneHost, "farm": oneHost,
        "rename": """
        a container keeps its name, because its events, its output and its labels are found by it; \
        run a new one with --name
        """,
        "diff": "a container's files are its own folder or layers; compare those on the host",
        "export": "copy files out with `windlass cp NAME:/ -`, which writes a tar archive",
        "mount": "a container's files are the folder of --rootfs; see `windlass inspect NAME`",
        "unmount": "a container's files are the folder of --rootfs; see `windlass inspect NAME`",
        "umount": "a container's files are the folder of --rootfs; see `windlass inspect NAME`",
        "checkpoint": "no driver here has checkpoints; `windlass version` lists what the worker can do",
        "info": "`windlass version` shows the worker, its driver and what it can do, `windlass health` how it is",
        "plugin": "drivers are built in; `windlass config dump` shows which one is used",
        "healthcheck": "run the check yourself: `windlass exec NAME PROGRAM`, whose exit code is the program's",
        "init": "a worker needs no preparation: `windlass worker`",
        "auto-update": noImages, "artifact": noImages, "unshare": "see `windlass run --spec FILE` for namespaces",
        "system": "`windlass stats` shows what containers use, `windlass prune` removes stopped ones",
        "restore": "a worker finds its containers again by itself when it starts",
        "agent": "`windlass worker` serves a host", "daemon": "`windlass worker` serves a host",
        "dockerd": "`windlass worker` serves a host",
        "monitor": "the worker logs to its standard error; `windlass events` shows what happens",
        "operator": "`windlass config check` checks a worker's settings",
        "acl": "`windlass keys` says who may come in", "status": "`windlass ps -a` lists containers",
        "eval": oneHost, "deployment": oneHost, "namespace": "labels tell containers apart: `windlass ps -f label=K=V`",
        "ui": "there is none; `windlass stats` and `windlass events` are live on a terminal",
        "quota": "limits are a container's own: `windlass update NAME --memory 256m`", "var": oneHost,
        "shell": "`windlass exec -it NAME /bin/sh`", "sh": "`windlass exec -it NAME /bin/sh`",
        "ssh": "`windlass exec -it NAME /bin/sh`", "bash": "`windlass exec -it NAME /bin/bash`",
    ]

    /// Groups of verbs of others: by the next word what to type, "" for any.
    static let groups: [String: [String: String]] = [
        "alloc": [
            "exec": "`windlass exec NAME PROGRAM`", "logs": "`windlass logs NAME`", "stop": "`windlass stop NAME`",
            "restart": "`windlass restart NAME`", "signal": "`windlass kill -s SIGNAL NAME`",
            "status": "`windlass inspect NAME`", "fs": "`windlass cp NAME:PATH -` or `windlass exec NAME ls PATH`",
            "": "a container here is what an allocation is there; see windlass --help",
        ],
        "job": [
            "run": "`windlass run PROGRAM`", "status": "`windlass ps -a`", "stop": "`windlass stop NAME`",
            "restart": "`windlass restart NAME`", "inspect": "`windlass inspect NAME`",
            "plan": "`windlass create --dry-run PROGRAM` shows what would be made",
            "": "a worker runs containers; jobs are for a scheduler that speaks to it",
        ],
        "node": [
            "drain": "`windlass drain`, and `windlass drain --undo`",
            "eligibility": "`windlass drain`, and `windlass drain --undo`",
            "status": "`windlass version` and `windlass health`",
            "": "a worker knows its own host only; `windlass context` names workers",
        ],
    ]

    /// Options before the verb.
    static let globalOptions: [String: String] = [
        "-D": "this program has no debug output; the worker has: `windlass worker --log-level debug`",
        "--debug": "this program has no debug output; the worker has: `windlass worker --log-level debug`",
        "--log-level": "this program logs nothing; the worker does: `windlass worker --log-level debug`",
        "-l": "this program logs nothing; the worker does: `windlass worker --log-level debug`",
        "--tls": tls, "--tlscacert": tls, "--tlscert": tls, "--tlskey": tls, "--tlsverify": tls,
        "--config":
            "contexts are in the file that WINDLASS_CONTEXTS names; a worker's settings: `windlass worker --config FILE`",
        "--remote": "name the worker: --worker tcp://HOST:5770, or --context NAME",
        "-r": "name the worker: --worker tcp://HOST:5770, or --context NAME",
        "--connection": "--context NAME", "--address": "--worker tcp://HOST:5770", "-a": "--worker tcp://HOST:5770",
        "--region": "a worker knows its own host only; --context NAME chooses one",
        "--namespace": "labels tell containers apart: `windlass ps -f label=KEY=VALUE`",
        "--runtime": "the worker's driver chooses it: `windlass worker --driver`",
        "--cgroup-manager": "the worker's driver chooses it: `windlass worker --driver`",
        "--root": "`windlass worker --state-dir DIR`",
    ]

    private static let tls =
        "a worker on another host is reached with keys: --server-key and --key, made by `windlass keys generate`"
}
