#define _GNU_SOURCE
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct settings settings = {.start = "command", .spool_limit = 1 << 20};
struct rlimit original_files;

static bool is_bound;

static _Noreturn void fail(const char *what, int error) {
    dprintf(2, "windlass-supervisor: %s%s%s\n", what, error ? ": " : "", error ? strerror(error) : "");
    if (is_bound) {
        unlink("supervisor.sock");
        unlink("supervisor.pid");
        unlink("processes/init.spool");
    }
    _exit(1);
}

static void add(const char **list, size_t *count, const char *value) {
    if (*count >= 16) fail("an option is given more than 16 times", 0);
    list[(*count)++] = value;
}

static void read_arguments(int argc, char **argv) {
    const struct option options[] = {
        {"bundle", required_argument, NULL, 'b'},        {"id", required_argument, NULL, 'i'},
        {"runtime", required_argument, NULL, 'r'},       {"root", required_argument, NULL, 'R'},
        {"cgroup", required_argument, NULL, 'c'},        {"memory-events", required_argument, NULL, 'm'},
        {"start", required_argument, NULL, 's'},         {"runtime-argument", required_argument, NULL, 'a'},
        {"spool-limit", required_argument, NULL, 'l'},   {"terminal", no_argument, NULL, 't'},
        {"stdin", no_argument, NULL, 'n'},               {"lossless", no_argument, NULL, 'k'},
        {0},
    };
    char *end;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'b': settings.bundle = optarg; break;
        case 'i': settings.id = optarg; break;
        case 'r': settings.runtime = optarg; break;
        case 'R': settings.root = optarg; break;
        case 'c': add(settings.cgroups, &settings.cgroup_count, optarg); break;
        case 'm': settings.memory_events = optarg; break;
        case 's': settings.start = optarg; break;
        case 'a': add(settings.runtime_arguments, &settings.runtime_argument_count, optarg); break;
        case 'l':
            settings.spool_limit = strtoull(optarg, &end, 10);
            if (*end || settings.spool_limit < 65536 || settings.spool_limit > 1 << 30)
                fail("--spool-limit is not from 65536 to 1073741824", 0);
            break;
        case 't': settings.flags |= SUPERVISOR_TERMINAL; break;
        case 'n': settings.flags |= SUPERVISOR_STDIN; break;
        case 'k': settings.flags |= SUPERVISOR_KEEP_OUTPUT; break;
        default: _exit(2);
        }
    }
    if (optind < argc) fail("an argument is no option", 0);
    if (!settings.bundle || !settings.id || !settings.runtime || !settings.root)
        fail("--bundle, --id, --runtime and --root are needed", 0);
    const char *start = settings.start;
    if (strcmp(start, "command") && strcmp(start, "fifo-read") && strcmp(start, "fifo-write"))
        fail("--start is not command, fifo-read or fifo-write", 0);
}

/// Makes every folder of a path.
static int make_folders(const char *path) {
    char copy[4096];
    if (strlen(path) >= sizeof copy) return ENAMETOOLONG;
    strcpy(copy, path);
    for (char *at = strchr(copy + 1, '/');; at = strchr(at + 1, '/')) {
        if (at) *at = 0;
        if (mkdir(copy, 0755) && errno != EEXIST) return errno;
        if (!at) return 0;
        *at = '/';
    }
}

static void enter_cgroup(const char *folder) {
    char path[4200];
    int error = make_folders(folder);
    if (error) fail(folder, error);
    snprintf(path, sizeof path, "%s/cgroup.procs", folder);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1) fail(path, errno);
    close(fd);
}

static int open_socket(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "supervisor.sock"};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) fail("socket", errno);
    // The mode comes from the umask, so there is no moment in which another user could connect.
    umask(0177);
    if (bind(fd, (struct sockaddr *)&address, sizeof address)) fail("supervisor.sock", errno);
    umask(077);
    is_bound = true;
    if (listen(fd, SUPERVISOR_CONNECTIONS)) fail("listen", errno);
    return fd;
}

static void write_pid(void) {
    uint64_t start_time = 0;
    pid_t parent;
    char text[64];
    process_start_time(getpid(), &start_time, &parent);
    int length = snprintf(text, sizeof text, "%d %llu\n", (int)getpid(), (unsigned long long)start_time);
    int fd = open("supervisor.pid", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write(fd, text, (size_t)length) != length) fail("supervisor.pid", errno);
    close(fd);
}

/// Leaves the caller's session and returns in the background. The caller waits for a byte in the pipe.
static int enter_background(void) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC)) fail("pipe", errno);
    pid_t child = fork();
    if (child < 0) fail("fork", errno);
    if (child > 0) {
        char byte;
        close(ready[1]);
        _exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
    }
    setsid();
    child = fork();
    if (child < 0) fail("fork", errno);
    if (child > 0) _exit(0);
    close(ready[0]);
    return ready[1];
}

static void raise_file_limit(void) {
    getrlimit(RLIMIT_NOFILE, &original_files);
    struct rlimit raised = {original_files.rlim_max, original_files.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
}

int main(int argc, char **argv) {
    read_arguments(argc, argv);
    if (close_range(3, ~0u, 0))
        for (int fd = 3; fd < 1024; fd++) close(fd);
    umask(077);
    if (chdir(settings.bundle)) fail(settings.bundle, errno);
    int ready = enter_background();
    for (size_t i = 0; i < settings.cgroup_count; i++) enter_cgroup(settings.cgroups[i]);
    raise_file_limit();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    loop_open();

    int listener = open_socket();
    if (mkdir("processes", 0700) && errno != EEXIST) fail("processes", errno);
    write_pid();
    struct process *init = process_add("init", settings.flags);
    if (init == NULL) fail("init", ENOMEM);
    int error = spool_open(init, settings.spool_limit);
    if (!error) error = streams_open(init);
    if (error) fail("init.spool", error);
    clients_open(listener);

    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++) dup2(null, i);
    close(null);
    // A caller that was killed meanwhile wants no container.
    if (write(ready, "1", 1) != 1) fail("the caller has gone", 0);
    close(ready);
    error = runtime_create(init);
    if (error) process_failed(init), supervisor_end();
    loop_run();
}
