//! Clones that run freely, and reach nothing.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod common;

use common::free::{Free, Subject};
use exuvia_tracee::CloneStatus;

#[test]
fn it_runs_and_answers() {
    let mut subject = Subject::start("data = [1, 2, 3]");
    let mut free = subject.free_clone();
    assert!(free.confined.opens_are_checked);
    assert_eq!(free.eval("6 * 7"), "42");
    assert_eq!(free.eval("data.append(4)"), "None");
    assert_eq!(free.eval("data"), "[1, 2, 3, 4]");
    assert_eq!(free.eval("__import__('decimal').Decimal('0.5')"), "0.5");
    assert_eq!(free.clone.status().unwrap(), CloneStatus::Running);
    assert_eq!(subject.target.eval("data"), "[1, 2, 3]");
    free.clone.discard().unwrap();
    subject.target.assert_untouched();
}

/// Expressions, and what a clone gets for each instead of an effect.
fn assert_answers(free: &mut Free, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(a, b)| (*a, (*b).to_owned()))
        .collect();
    let got = expected
        .iter()
        .map(|(expression, _)| (*expression, free.eval(expression)));
    let got: Vec<_> = got.collect();
    let differences: Vec<_> = got.iter().zip(&expected).filter(|(a, b)| a != b).collect();
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn files_are_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "contents").unwrap();
    let setup = format!("FOLDER = {:?}\nFILE = FOLDER + '/file'", folder.path());
    let mut subject = Subject::start(&setup);
    let mut free = subject.free_clone();
    let expected = [
        ("open(FILE).read()", "contents"),
        ("os.listdir(FOLDER)", "['file']"),
        ("os.stat(FILE).st_size", "8"),
        ("open(FILE, 'w')", "EPERM"),
        ("open(FILE, 'r+')", "EPERM"),
        ("open(FILE, 'a')", "EPERM"),
        ("open(FOLDER + '/new', 'x')", "EPERM"),
        ("os.open(FILE, os.O_RDONLY | os.O_TRUNC)", "EPERM"),
        ("os.open(FILE, os.O_RDONLY | os.O_CREAT)", "EPERM"),
        ("os.open(FOLDER, os.O_TMPFILE | os.O_RDWR)", "EPERM"),
        ("os.open(FOLDER + '/no', os.O_RDONLY)", "ENOENT"),
        ("os.open(FILE, os.O_RDONLY | os.O_APPEND)", "EPERM"),
        ("os.memfd_create('new')", "EPERM"),
        ("os.unlink(FILE)", "EPERM"),
        ("os.rename(FILE, FILE + '2')", "EPERM"),
        ("os.link(FILE, FILE + '2')", "EPERM"),
        ("os.symlink(FILE, FILE + '2')", "EPERM"),
        ("os.mkdir(FOLDER + '/new')", "EPERM"),
        ("os.rmdir(FOLDER)", "EPERM"),
        ("os.mkfifo(FOLDER + '/new')", "EPERM"),
        ("os.truncate(FILE, 0)", "EPERM"),
        ("os.chmod(FILE, 0o777)", "EPERM"),
        ("os.chown(FILE, 1, 1)", "EPERM"),
        ("os.utime(FILE)", "EPERM"),
        ("os.setxattr(FILE, 'user.x', b'')", "EPERM"),
        ("os.removexattr(FILE, 'user.x')", "EPERM"),
        ("os.sync()", "None"),
        ("os.chroot(FOLDER)", "EPERM"),
        ("os.ftruncate(os.open(FILE, os.O_RDONLY), 0)", "EPERM"),
        ("os.write(os.open(FILE, os.O_RDONLY), b'x')", "EBADF"),
        ("os.fchmod(os.open(FILE, os.O_RDONLY), 0)", "EPERM"),
        ("os.pwrite(os.open(FILE, os.O_RDONLY), b'x', 0)", "EPERM"),
        (
            "os.posix_fallocate(os.open(FILE, os.O_RDONLY), 0, 9)",
            "EPERM",
        ),
        (
            "__import__('fcntl').flock(os.open(FILE, os.O_RDONLY), 1)",
            "EPERM",
        ),
        (
            "__import__('fcntl').lockf(os.open(FILE, os.O_RDONLY), 1)",
            "EPERM",
        ),
        (
            "__import__('mmap').mmap(os.open(FILE, os.O_RDONLY), 8)",
            "EACCES",
        ),
    ];
    assert_answers(&mut free, &expected);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "contents");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    free.clone.discard().unwrap();
    subject.target.assert_untouched();
}

/// Reading from pipes and terminals takes what others wait for.
#[test]
fn nothing_is_opened_that_reading_changes() {
    let folder = tempfile::tempdir().unwrap();
    let setup = format!(
        "FOLDER = {:?}\n\
         os.mkfifo(FOLDER + '/fifo')\n\
         os.symlink('fifo', FOLDER + '/link')\n\
         os.symlink('/dev/tty', FOLDER + '/tty')\n\
         os.mkdir(FOLDER + '/within')\n\
         reading, writing = os.pipe()\n\
         os.write(writing, b'live')\n\
         LIVE = os.getpid()",
        folder.path()
    );
    let mut subject = Subject::start(&setup);
    let mut free = subject.free_clone();
    let expected = [
        ("os.open(FOLDER + '/fifo', os.O_RDONLY)", "EPERM"),
        ("os.open(FOLDER + '/link', os.O_RDONLY)", "EPERM"),
        ("os.chdir(FOLDER + '/within')", "None"),
        ("os.open('../fifo', os.O_RDONLY)", "EPERM"),
        (
            "os.open('fifo', os.O_RDONLY, dir_fd=os.open(FOLDER, os.O_RDONLY))",
            "EPERM",
        ),
        ("os.open('..', os.O_RDONLY) > 0", "True"),
        (
            "os.open(f'/proc/{LIVE}/fd/{reading}', os.O_RDONLY)",
            "EPERM",
        ),
        ("os.open('/dev/tty', os.O_RDONLY)", "EPERM"),
        ("os.open('/dev/ptmx', os.O_RDONLY)", "EPERM"),
        (
            "os.read(os.open('/dev/zero', os.O_RDONLY), 2)",
            r"b'\x00\x00'",
        ),
        ("len(os.read(os.open('/dev/urandom', os.O_RDONLY), 9))", "9"),
        (
            "open('/proc/self/comm').read() == open(f'/proc/{LIVE}/comm').read()",
            "True",
        ),
        (
            "int(open('/proc/self/stat').read().split()[0]) == os.getpid() != LIVE",
            "True",
        ),
        ("open('/proc/thread-self/comm').read() != ''", "True"),
        ("os.open('/proc/kmsg', os.O_RDONLY)", "EPERM"),
        ("open('/proc/version').read() != ''", "True"),
        (
            "open('/proc/mounts').read() == open('/etc/mtab').read() != ''",
            "True",
        ),
        ("open('/proc/net/dev').read() != ''", "True"),
    ];
    assert_answers(&mut free, &expected);
    free.clone.discard().unwrap();
    assert_eq!(subject.target.eval("os.read(reading, 9)"), "b'live'");
    subject.target.assert_untouched();
}

#[test]
fn no_other_process_is_reached() {
    let setup = "LIVE = os.getpid()\n\
                 caught = []\n\
                 signal.signal(signal.SIGUSR1, lambda *_: caught.append(1))\n\
                 def call(number, *arguments):\n\
                 \x20   result = libc.syscall(number, *arguments)\n\
                 \x20   return errno.errorcode[ctypes.get_errno()] if result < 0 else result";
    let mut subject = Subject::start(setup);
    let mut free = subject.free_clone();
    let expected = [
        ("os.kill(LIVE, signal.SIGKILL)", "EPERM"),
        ("os.kill(0, signal.SIGTERM)", "EPERM"),
        ("os.kill(-1, signal.SIGKILL)", "EPERM"),
        ("os.killpg(os.getpgid(LIVE), signal.SIGKILL)", "EPERM"),
        ("call(200, LIVE, 9)", "EPERM"),       // tkill
        ("call(234, LIVE, LIVE, 9)", "EPERM"), // tgkill
        ("call(129, LIVE, 9, 0)", "EPERM"),    // rt_sigqueueinfo
        ("call(297, LIVE, LIVE, 9, 0)", "EPERM"),
        ("call(434, LIVE, 0)", "EPERM"), // pidfd_open
        ("call(424, 3, 9, 0, 0)", "EPERM"),
        ("call(438, 3, 0, 0)", "EPERM"),
        ("call(101, 16, LIVE, 0, 0)", "EPERM"), // ptrace
        ("call(310, LIVE, 0, 0, 0, 0, 0)", "EPERM"),
        ("call(311, LIVE, 0, 0, 0, 0, 0)", "EPERM"),
        ("call(440, 3, 0, 0, 4, 0)", "EPERM"), // process_madvise
        ("os.fork()", "EPERM"),
        ("call(58)", "EPERM"),                 // vfork
        ("call(56, 17, 0, 0, 0, 0)", "EPERM"), // clone
        ("call(435, 0, 0)", "ENOSYS"),
        ("os.execv('/bin/true', ['true'])", "EPERM"),
        ("os.system('true') != 0", "True"),
        ("call(322, -100, b'/bin/true', 0, 0, 0)", "EPERM"),
        ("os.setpriority(os.PRIO_PROCESS, LIVE, 5)", "EPERM"),
        ("os.sched_setaffinity(LIVE, {0})", "EPERM"),
        ("call(160, 0, b'0' * 16)", "EPERM"), // setrlimit,
        ("__import__('resource').prlimit(LIVE, 0)[0] != 7", "True"),
        ("call(302, LIVE, 0, b'0' * 16, 0)", "EPERM"), // prlimit64,
        ("os.setuid(os.getuid())", "EPERM"),
        ("os.setsid()", "EPERM"),
        ("os.setpgid(0, 0)", "EPERM"),
        ("os.kill(os.getpid(), signal.SIGUSR1)", "None"),
        ("caught", "[1]"),
    ];
    assert_answers(&mut free, &expected);
    free.clone.discard().unwrap();
    assert_eq!(subject.target.eval("caught"), "[]");
    subject.target.assert_untouched();
}

#[test]
fn no_network_and_no_other_way_out() {
    let setup = "import tempfile\n\
                 server = socket.create_server(('127.0.0.1', 0))\n\
                 ADDRESS = server.getsockname()\n\
                 def call(number, *arguments):\n\
                 \x20   result = libc.syscall(number, *arguments)\n\
                 \x20   return errno.errorcode[ctypes.get_errno()] if result < 0 else result\n\
                 def pair(): return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)";
    let mut subject = Subject::start(setup);
    let mut free = subject.free_clone();
    let expected = [
        ("socket.socket()", "EPERM"),
        ("socket.socket(socket.AF_UNIX)", "EPERM"),
        ("socket.create_connection(ADDRESS)", "EPERM"),
        (
            "(server.getsockname(), server.family == socket.AF_INET)",
            "('', True)",
        ),
        ("server.accept()", "EPERM"),
        ("server.listen()", "EPERM"),
        ("pair()[0].connect('/tmp/socket')", "EPERM"),
        ("pair()[0].bind('/tmp/socket')", "EPERM"),
        ("pair()[0].sendto(b'x', '/tmp/socket')", "EPERM"),
        ("pair()[0].sendmsg([b'x'], [], 0, '/tmp/socket')", "EPERM"),
        ("pair()[0].setsockopt(1, 2, 3)", "EPERM"),
        (
            "(lambda a: (a[0].send(b'x'), a[1].recv(9)))(pair())",
            "(1, b'x')",
        ),
        ("call(165, 0, 0, 0, 0, 0)", "EPERM"),  // mount
        ("call(166, b'/', 0)", "EPERM"),        // umount2
        ("call(155, b'/', b'/')", "EPERM"),     // pivot_root
        ("call(272, 0x10000000)", "EPERM"),     // unshare
        ("call(308, 0, 0)", "EPERM"),           // setns
        ("call(321, 0, 0, 0)", "EPERM"),        // bpf
        ("call(425, 1, 0)", "EPERM"),           // io_uring_setup
        ("call(250, 0, 0, 0, 0)", "EPERM"),     // keyctl
        ("call(298, 0, 0, 0, 0, 0)", "EPERM"),  // perf_event_open
        ("call(323, 0)", "EPERM"),              // userfaultfd
        ("call(317, 1, 0, 0)", "EPERM"),        // seccomp
        ("call(157, 22, 0, 0, 0)", "EPERM"),    // prctl: PR_SET_SECCOMP
        ("call(157, 1, 9)", "EPERM"),           // PR_SET_PDEATHSIG
        ("call(29, 0, 4096, 0o1600)", "EPERM"), // shmget
        ("call(30, 0, 0, 0)", "EPERM"),         // shmat
        ("call(64, 0, 1, 0o1600)", "EPERM"),    // semget
        ("call(68, 0, 0o1600)", "EPERM"),       // msgget
        ("call(240, b'x', 0o100, 0o600, 0)", "EPERM"),
        ("call(169, 0xfee1dead, 0, 0, 0)", "EPERM"), // reboot
        ("call(175, 0, 0, 0)", "EPERM"),             // init_module
        ("call(246, 0, 0, 0, 0)", "EPERM"),          // kexec_load
        ("call(170, b'x', 1)", "EPERM"),             // sethostname
        ("call(227, 0, 0)", "EPERM"),                // clock_settime
        ("call(173, 0, 1, 1)", "EPERM"),             // ioperm
        ("call(28, 0, 4096, 100)", "EPERM"),         // madvise: MADV_HWPOISON
        ("call(9, 0, 1 << 21, 3, 0x40022, -1, 0)", "EPERM"), // mmap: MAP_HUGETLB
        ("call(28, 0, 0, 4)", "0"),                  // MADV_DONTNEED of nothing
        ("call(16, 1, 0x5412, 0)", "EPERM"),         // ioctl: TIOCSTI
        ("call(437, -100, b'/', 0, 0)", "ENOSYS"),   // openat2
        ("call(0x40000000 + 39)", "EPERM"),          // getpid of x32
        ("call(9999)", "EPERM"),
    ];
    assert_answers(&mut free, &expected);
    free.clone.discard().unwrap();
    subject.target.assert_untouched();
}

/// A target with a descriptor of each kind, and memory of each.
const INHERITANCE: &str = "
import mmap, tempfile
folder = tempfile.TemporaryDirectory()
with open(folder.name + '/file', 'w') as file: file.write('0123456789' * 1000)
reader = open(folder.name + '/file', 'rb', buffering=0)
reader.seek(5)
writer = open(folder.name + '/log', 'a')
both = open(folder.name + '/file', 'r+b', buffering=0)
directory = os.open(folder.name, os.O_RDONLY)
path = os.open(folder.name, os.O_PATH)
server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname())
accepted, _ = server.accept()
one, other = socket.socketpair()
reading, writing = os.pipe()
os.set_blocking(reading, False)
poll = select.epoll()
poll.register(reading, select.EPOLLIN)
event = os.eventfd(7) if hasattr(os, 'eventfd') else os.open('/dev/null', os.O_RDONLY)
memory_file = os.memfd_create('numbers')
os.ftruncate(memory_file, 4096)
terminal, _ = os.openpty()
null = os.open('/dev/null', os.O_RDWR)
shared = mmap.mmap(-1, 1 << 20)
shared[5000:5004] = b'live'
of_memory_file = mmap.mmap(memory_file, 4096)
of_memory_file[:4] = b'memo'
of_file = mmap.mmap(both.fileno(), 0)
of_file_for_reading = mmap.mmap(both.fileno(), 0, access=mmap.ACCESS_READ)
def same_files(clone):
    numbers = [int(n) for n in os.listdir('/proc/self/fd')]
    return [n for n in numbers if libc.syscall(312, os.getpid(), clone, 0, n, n) == 0]
def missing_files(clone):
    numbers = {n for n in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + n)}
    return numbers - set(os.listdir(f'/proc/{clone}/fd'))
def fails(function):
    try: function()
    except (OSError, ValueError): return True
def pages(): return os.stat(memory_file).st_blocks
";

#[test]
fn nothing_inherited_leads_outside() {
    let mut subject = Subject::start(INHERITANCE);
    let mut free = subject.free_clone();
    let clone = free.clone.pid();
    // All numbers stay taken, and none by what the live process has.
    assert_eq!(subject.target.eval(&format!("same_files({clone})")), "[]");
    assert_eq!(
        subject.target.eval(&format!("missing_files({clone})")),
        "set()"
    );
    assert!(
        free.confined.replaced_descriptors >= 19,
        "{:?}",
        free.confined
    );
    assert_answers(
        &mut free,
        &[
            ("reader.read(3)", "b'567'"),
            ("fails(lambda: both.write(b'x'))", "True"),
            ("both.read(2)", "b'01'"),
            ("writer.write('clone'), writer.flush()", "(5, None)"),
            ("sorted(os.listdir(directory))", "['file', 'log']"),
            ("os.stat('file', dir_fd=path).st_size", "10000"),
            ("fails(lambda: client.send(b'clone'))", "True"),
            ("(accepted.recv(9), one.recv(9))", "(b'', b'')"),
            ("accepted.shutdown(2), one.shutdown(2)", "(None, None)"),
            ("os.write(writing, b'clone')", "5"),
            ("os.read(reading, 9)", "b''"),
            ("poll.poll(0)", "[]"),
            ("fails(lambda: os.eventfd_read(event))", "True"),
            ("os.pread(memory_file, 4, 0)", "b'memo'"),
            ("fails(lambda: os.write(memory_file, b'x'))", "True"),
            ("os.write(terminal, b'clone')", "5"),
            ("os.write(1, b'clone')", "5"),
        ],
    );
    let close = "[os.close(int(n)) for n in os.listdir('/proc/self/fd') \
                 if int(n) != channel.value and os.path.exists(f'/proc/self/fd/{n}')] != []";
    assert_eq!(free.eval(close), "True");
    let target = &mut subject.target;
    assert_eq!(target.eval("(reader.tell(), both.tell())"), "(5, 0)");
    assert_eq!(target.eval("os.stat(writer.fileno()).st_size"), "0");
    assert_eq!(target.eval("reader.read(2)"), "b'56'");
    let piped = "(fails(lambda: os.read(reading, 9)), os.write(writing, b'live'), poll.poll(0)[0][0] == reading, os.read(reading, 9))";
    assert_eq!(target.eval(piped), "(True, 4, True, b'live')");
    assert_eq!(
        target.eval("(client.send(b'live'), accepted.recv(9))"),
        "(4, b'live')"
    );
    assert_eq!(
        target.eval("(one.send(b'live'), other.recv(9))"),
        "(4, b'live')"
    );
    // What the live process closes is closed, although the clone still runs.
    assert_eq!(
        target.eval("(client.close(), accepted.recv(9))"),
        "(None, b'')"
    );
    assert_eq!(
        target.eval("(os.close(writing), os.read(reading, 9))"),
        "(None, b'')"
    );
    assert_eq!(free.clone.status().unwrap(), CloneStatus::Running);
    free.clone.discard().unwrap();
    subject.target.assert_untouched();
}

#[test]
fn shared_memory_is_read_and_scribbled_on_alone() {
    let mut subject = Subject::start(INHERITANCE);
    let before = subject.target.eval("pages()");
    let mut free = subject.free_clone();
    assert_eq!(free.confined.lost_memory, 0, "{:?}", free.confined);
    let expected = [
        (
            "(shared[4999:5005], len(shared))",
            r"(b'\x00live\x00', 1048576)",
        ),
        ("of_memory_file[:5]", r"b'memo\x00'"),
        ("(of_file[:10], len(of_file))", "(b'0123456789', 10000)"),
        ("of_file[9990:]", "b'0123456789'"),
        ("of_file_for_reading[9990:]", "b'0123456789'"),
        (
            "[m.__setitem__(0, 88) for m in (shared, of_memory_file, of_file)]",
            "[None, None, None]",
        ),
        ("(shared[0], of_memory_file[0], of_file[0])", "(88, 88, 88)"),
        ("of_file.flush()", "None"),
    ];
    assert_answers(&mut free, &expected);
    free.clone.discard().unwrap();
    assert_eq!(
        subject
            .target
            .eval("(shared[0], of_memory_file[0], of_file[0])"),
        "(0, 109, 48)"
    );
    assert_eq!(subject.target.eval("shared[5000:5004]"), "b'live'");
    assert_eq!(subject.target.eval("pages()"), before);
    subject.target.assert_untouched();
}

/// More than is copied can't be reached, and can't be made reachable.
#[test]
fn too_much_shared_memory_is_lost() {
    let setup = "import mmap\nlarge = mmap.mmap(-1, 300 << 20)\n\
                 for at in range(0, 300 << 20, 4096): large[at] = 1\n\
                 small = mmap.mmap(-1, 4096)\nsmall[0] = 7\n\
                 at = ctypes.addressof(ctypes.c_char.from_buffer(large))";
    let mut subject = Subject::start(setup);
    let mut free = subject.free_clone();
    assert_eq!(free.confined.lost_memory, 300 << 20);
    assert_eq!(free.eval("small[0]"), "7");
    let protect = "libc.mprotect(ctypes.c_void_p(at), 4096, 3)";
    assert_eq!(free.eval(protect), "0");
    assert_eq!(free.eval("large[0]"), "0");
    assert_eq!(free.eval("large.__setitem__(0, 5)"), "None");
    free.ask("large[4096]");
    assert_eq!(free.end(), CloneStatus::Signaled(libc::SIGSEGV));
    assert_eq!(subject.target.eval("large[0]"), "1");
    subject.target.assert_untouched();
}

/// Large files that are shared are mapped once more.
#[test]
fn large_shared_files_are_read_and_scribbled_on_alone() {
    let setup = "import mmap, tempfile\n\
                 file = tempfile.TemporaryFile()\n\
                 folder = tempfile.TemporaryDirectory()\n\
                 def large(file):\n\
                 \x20   file.truncate(300 << 20)\n\
                 \x20   mapped = mmap.mmap(file.fileno(), 0)\n\
                 \x20   mapped[5000:5004] = b'live'\n\
                 \x20   return mapped\n\
                 named, deleted = large(open(folder.name + '/file', 'w+b')), large(file)";
    let mut subject = Subject::start(setup);
    let mut free = subject.free_clone();
    assert_eq!(free.confined.mapped_memory, 300 << 20);
    assert_eq!(free.confined.lost_memory, 300 << 20);
    let expected = [
        ("named[4999:5005]", r"b'\x00live\x00'"),
        ("named.__setitem__(5000, 0)", "None"),
        ("named[4999:5005]", r"b'\x00\x00ive\x00'"),
    ];
    assert_answers(&mut free, &expected);
    free.ask("deleted[0]");
    assert_eq!(free.end(), CloneStatus::Signaled(libc::SIGSEGV));
    assert_eq!(subject.target.eval("named[5000:5004]"), "b'live'");
    assert_eq!(subject.target.eval("deleted[5000:5004]"), "b'live'");
    subject.target.assert_untouched();
}

/// A leak of descriptors is looked into when there are none left.
#[test]
fn a_process_without_free_descriptors() {
    let setup = "import resource\n\
                 resource.setrlimit(resource.RLIMIT_NOFILE, (100, 1000))\n\
                 leak = []\n\
                 try:\n\
                 \x20   while True: leak.append(open('/dev/zero', 'rb'))\n\
                 except OSError: pass";
    let mut subject = Subject::start(setup);
    let mut free = subject.free_clone();
    assert_eq!(
        free.eval("leak.append(open('/etc/passwd')), len(leak) > 90"),
        "(None, True)"
    );
    free.clone.discard().unwrap();
    let limit = "resource.getrlimit(resource.RLIMIT_NOFILE)";
    assert_eq!(subject.target.eval(limit), "(100, 1000)");
    subject.target.assert_untouched();
}

/// Neither to a file nor to a program, which a limit of 0 would not keep from it.
#[test]
fn a_clone_dumps_no_core() {
    let mut subject = Subject::start("import resource");
    let mut free = subject.free_clone();
    let expected = [
        ("resource.getrlimit(resource.RLIMIT_CORE)", "(1, 1)"),
        ("int(open('/proc/self/coredump_filter').read(), 16)", "0"),
    ];
    assert_answers(&mut free, &expected);
    free.clone.discard().unwrap();
    subject.target.assert_untouched();
}
