/// Options behind the verb that there are not.
extension Habits {
    private static let network = "the network comes with --network none, host, netns:PATH or cni:NAME"
    private static let noPorts = "no ports are published; with --network host the program's own are the host's"
    private static let noRestart = """
        a container runs once, and its scheduler restarts it: `windlass events -f type=exit` reports exits, \
        `windlass restart NAME` runs it again
        """
    private static let noHealth =
        "the worker runs no checks in containers; `windlass exec NAME PROGRAM` does, and exits as the program"
    private static let noImages = "there are no images; --rootfs DIR, --layer DIR or --profile NAME choose the files"
    private static let inSpec = "write it in an OCI specification: --spec FILE"
    private static let namespaces = "namespaces are in an OCI specification, as far as the worker allows: --spec FILE"
    private static let logging =
        "the worker keeps the output: see `windlass logs`, and output_limit_bytes of its settings"
    private static let noVolumes = "there are no volumes; share a folder of the host with -v SRC:DST"
    private static let noPods = "there are no pods; give containers of one kind a label: -l KEY=VALUE"
    private static let all = "name the containers, for example with $(windlass ps -q)"
    private static let noSize = "a container's files are its own folder or layers; their size is the host's to tell"

    /// Of `run` and `create`.
    static let creationOptions: [String: String] = [
        "--restart": noRestart, "-p": noPorts, "--publish": noPorts, "-P": noPorts, "--publish-all": noPorts,
        "--expose": noPorts, "--link": network, "--dns": network, "--dns-search": network, "--dns-option": network,
        "--add-host": network, "--ip": network, "--ip6": network, "--mac-address": network,
        "--network-alias": network, "--net-alias": network, "--domainname": inSpec,
        "--privileged": "capabilities are given one by one, as far as the worker allows: --cap-add NAME",
        "--device": inSpec, "--gpus": inSpec, "--device-cgroup-rule": inSpec, "--volumes-from": noVolumes,
        "--volume-driver": noVolumes, "--storage-opt": inSpec,
        "--entrypoint":
            "there are no images, so there is no entry point: the first word behind the options is the program",
        "--pull": noImages, "--platform": noImages, "--disable-content-trust": noImages, "--image-volume": noImages,
        "--health-cmd": noHealth, "--health-interval": noHealth, "--health-retries": noHealth,
        "--health-timeout": noHealth, "--health-start-period": noHealth, "--no-healthcheck": noHealth,
        "--log-driver": logging, "--log-opt": logging, "--ipc": namespaces, "--pid": namespaces, "--uts": namespaces,
        "--userns": namespaces, "--cgroupns": namespaces, "--cgroup-parent": namespaces, "--uidmap": namespaces,
        "--gidmap": namespaces, "--security-opt": inSpec, "--sysctl": inSpec, "--shm-size": inSpec,
        "--oom-kill-disable": inSpec, "--oom-score-adj": inSpec, "--memory-swap": inSpec,
        "--memory-swappiness": inSpec, "--memory-reservation": inSpec, "--kernel-memory": inSpec,
        "--blkio-weight": inSpec, "--cpu-period": "--cpus NUMBER sets period and quota",
        "--cpu-quota": "--cpus NUMBER sets period and quota", "--cpuset-cpus": inSpec, "--cpuset-mems": inSpec,
        "--group-add": inSpec, "--umask": inSpec, "--annotation": inSpec,
        "--init":
            "the program is the first process; a small init such as tini goes before it: `windlass run tini -- PROGRAM`",
        "--stop-signal": "`windlass kill -s SIGNAL NAME` sends any signal",
        "--stop-timeout": "`windlass stop -t SECONDS NAME` says how long it has",
        "--cidfile": "give it a name with --name, or read what -d prints",
        "--isolation": "a profile chooses it (--profile hyperv), or windows.hyperv in --spec FILE",
        "--runtime": "the worker's driver chooses it: `windlass worker --driver`",
        "--sig-proxy": "signals are always handed on", "-a": "it is attached unless -d is given",
        "--attach": "it is attached unless -d is given", "--label-file": "give each label: -l KEY=VALUE",
        "--pod": noPods, "--replace": "remove the old one first: `windlass rm -f NAME`",
        "--secret": "share a file with -v SRC:DST:ro", "--tz": "set it in the environment: -e TZ=ZONE",
        "--env-host": "name the variables: -e NAME takes the value from here", "--systemd": inSpec,
        "--quiet": "nothing is pulled, so there is nothing to be quiet about; leave it out",
        "-q": "nothing is pulled, so there is nothing to be quiet about; leave it out",
        "-h": "--hostname NAME", "--cpu-rt-runtime": inSpec, "--cpu-rt-period": inSpec, "-c": "--cpu-shares NUMBER",
    ]

    /// Of single verbs.
    static let options: [String: [String: String]] = [
        "ps": [
            "-s": noSize, "--size": noSize, "-p": noPods, "--pod": noPods, "-w": "`windlass events` follows changes",
            "--watch": "`windlass events` follows changes", "--ns": "see `windlass inspect NAME`",
            "--namespace": "see `windlass inspect NAME`", "--sync": "a worker looks at its host by itself",
        ],
        "rm": [
            "-v": "there are no volumes to remove; leave it out", "--volumes": "there are no volumes; leave it out",
            "-l": "name the container", "--link": network, "-a": "`windlass prune` removes all stopped ones",
            "--all": "`windlass prune` removes all stopped ones", "-t": "`windlass stop -t SECONDS NAME` first",
            "--time": "`windlass stop -t SECONDS NAME` first", "-i": "-f also takes a name that is gone",
            "--ignore": "-f also takes a name that is gone", "--depend": noPods,
        ],
        "stop": [
            "-a": all, "--all": all, "-s": "`windlass kill -s SIGNAL NAME` sends any signal",
            "--signal": "`windlass kill -s SIGNAL NAME` sends any signal",
            "-i": "leave it out, and ignore the exit code", "--ignore": "leave it out, and ignore the exit code",
        ],
        "restart": ["-a": all, "--all": all, "-s": "`windlass stop -t SECONDS NAME` asks with TERM", "--running": all],
        "kill": ["-a": all, "--all": all], "pause": ["-a": all, "--all": all], "unpause": ["-a": all, "--all": all],
        "resume": ["-a": all, "--all": all], "start": ["--all": all, "--sig-proxy": "signals are always handed on"],
        "logs": [
            "--details": "`windlass inspect NAME` shows labels and environment",
            "--stderr": "both streams are shown, each on its own: 1>/dev/null leaves standard error",
            "--stdout": "both streams are shown, each on its own: 2>/dev/null leaves standard output",
            "--color": "lines of several containers begin with their names", "-c": "`windlass logs --follow NAME`",
        ],
        "exec": [
            "--privileged": "an exec has the container's own capabilities", "-l": "name the container",
            "--latest": "name the container", "--preserve-fds": "there is standard input, output and error only",
            "-task": "a container here is one task; leave it out",
        ],
        "inspect": [
            "-f": "--format json prints one JSON value a line, for a program such as jq", "-s": noSize,
            "--size": noSize,
            "--type": "there are only containers; leave it out", "-l": "name the container",
        ],
        "stats": [
            "-a": "only what runs uses anything; `windlass ps -a` lists all", "--all": "`windlass ps -a` lists all",
            "--no-trunc": "names are never cut; leave it out",
            "--no-reset": "a terminal shows one table; leave it out",
        ],
        "top": ["-e": topColumns, "-o": topColumns, "-a": topColumns, "-l": "name the container"],
        "attach": [
            "--no-stdin": "there is no input unless -i is given; leave it out",
            "--sig-proxy": "Ctrl-C leaves the container alone; `windlass kill -s INT NAME` interrupts it",
        ],
        "wait": [
            "--condition": "it waits for the exit", "-i": "it is notified, and does not poll",
            "--interval": "it is notified, and does not poll", "--ignore": "a name that is gone is an error",
        ],
        "update": [
            "--restart": noRestart, "-c": "--cpu-shares NUMBER", "--memory-swap": updatable,
            "--memory-reservation": updatable, "--cpu-period": "--cpus NUMBER sets period and quota",
            "--cpu-quota": "--cpus NUMBER sets period and quota", "--cpuset-cpus": updatable,
            "--blkio-weight": updatable, "--kernel-memory": updatable,
        ],
        "cp": [
            "-q": "nothing is printed anyway; leave it out", "--quiet": "nothing is printed anyway; leave it out",
            "--extract": "an archive goes in as `windlass cp - NAME:DIR`",
        ],
        "prune": ["-a": noImages, "--all": noImages, "--volumes": "there are no volumes; leave it out"],
        "drain": [
            "--enable": "`windlass drain` alone begins", "-enable": "`windlass drain` alone begins",
            "--disable": "`windlass drain --undo`", "-disable": "`windlass drain --undo`",
            "-yes": "it does not ask; leave it out", "-self": "it is the worker's own host; leave it out",
        ],
        "version": ["-f": "--format json, for a program such as jq"],
        "worker": [
            "-dev": "a worker needs no preparation: leave it out", "-D": "--log-level debug",
            "--debug": "--log-level debug",
        ],
    ]

    private static let updatable = "see `windlass update --help` for the limits that can change"
    private static let topColumns = "its columns are always the same; `windlass exec NAME ps` takes options"

    /// Of any verb.
    static let common: [String: String] = [
        "--no-color": "NO_COLOR=1 in the environment turns colours off",
        "--no-heading": "--format json prints no heading", "--noheading": "--format json prints no heading",
        "--context-dir": "WINDLASS_CONTEXTS names the file of contexts",
    ]

    /// Of words that are no options.
    static let positional: [String: String] = [
        "top": "it takes one container; \(topColumns)",
        "port": noPorts,
    ]
}
