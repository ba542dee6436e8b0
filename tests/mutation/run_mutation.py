#!/usr/bin/env python3
"""Puts small faults into copies of the tree and demands that the tests named for each fault notice
it.

    run_mutation.py                        all faults of tests/mutation/faults
    run_mutation.py --random 20 [--seed N]
    run_mutation.py --only bridge/in_message_from_me bridge/...
    run_mutation.py --list | --check       names; do all apply, and are their headers right (fast)

A fault is killed when every test that its header names fails with the fault and passes without it.
The run without it comes before; where the test hung or other programs take part (e2e) it comes once
more afterwards, so that a flaky test kills no fault. A fault lives when a test passes. A fault that
lives, a patch that does not apply and a patch that does not build make the status 1. A test that
needs over 10 s longer to fail is named: it needs a deadline. docs/testing.md says how to write a
fault."""

import argparse
import contextlib
import ctypes
import fcntl
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import faults as fault_files  # noqa: E402

BUILD_LIMIT_S = 900
TEST_LIMIT_S = 120
SLOW_S = 10
SKIPPED = 77  # exit status of run_e2e.py when every test was skipped
# The programs that tests/e2e runs, where the tree has them.
E2E_TARGETS = ["whatsapp-bridge", "wa-mock", "wb_shim", "bridge-backup", "bridge-import", "bridge-convert-timestamps",
               "bridge-handback"]
SHOWN_LINES = 15


class Place:
    """A copy of tree and build directory in which one worker puts its faults."""

    def __init__(self, folder, options):
        self.folder = pathlib.Path(folder)
        self.tree, self.build = pathlib.Path(options.tree), pathlib.Path(options.build_dir)
        self.jobs, self.test_limit = options.build_jobs, options.test_limit

    def copies(self):
        return self.folder / "tree", self.folder / "build"

    def enter(self):
        """Mounts the copies over the originals, for this process and its children only, so that all paths in
        the build directory stay true and nothing has to be built anew."""
        libc = ctypes.CDLL(None, use_errno=True)
        new_namespace, recursive_private, bind = 0x20000, 0x4000 | 0x40000, 0x1000
        if libc.unshare(new_namespace) or libc.mount(b"none", b"/", None, recursive_private, None):
            return False
        # By descriptor: the second copy may lie below what the first one covers.
        opened = [os.open(copy, os.O_PATH) for copy in self.copies()]
        for copy, over in zip(opened, (self.tree, self.build)):
            if libc.mount(f"/proc/self/fd/{copy}".encode(), str(over).encode(), None, bind, None):
                return False
        os.chdir(self.tree)
        return True

    def build_targets(self, targets):
        known = targets_of(self.build)
        wanted = sorted(t for t in targets if t in known)
        return run(["cmake", "--build", str(self.build), "-j", str(self.jobs), "--target"] + wanted,
                   BUILD_LIMIT_S, self.tree)

    def test(self, test, scratch):
        """Runs one test. Returns (passed | failed | skipped | hung, output, seconds)."""
        kind, name = test
        if kind == "ctest":
            command = ["ctest", "--test-dir", str(self.build), "-R", f"^{name}$", "--output-on-failure",
                       "--no-tests=error"]
        else:
            command = [sys.executable, str(self.tree / "tests/e2e/run_e2e.py"), name]
        environment = dict(os.environ, WB_BUILD_DIR=str(self.build), WB_TEST_TMP=scratch, TMPDIR=scratch)
        environment.pop("WB_TEST_FULL", None)
        start = time.monotonic()
        status, output = run(command, self.test_limit, self.tree, environment)
        seconds = time.monotonic() - start
        if status is None:
            return "hung", output, seconds
        if status == SKIPPED and kind == "e2e":
            return "skipped", output, seconds
        if status:
            return "failed", output, seconds
        skipped = "skipped=" in output or "***Skipped" in output
        return "skipped" if skipped else "passed", output, seconds


PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """Ends this process with its parent: a parent that is killed cannot end its children."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


running = None  # the process group that run() waits for
running_mark = ""


def end(number, _frame):
    """SIGTERM in the first process: what is open is cleaned up on the way out."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def end_all_of(mark):
    """Kills all processes with this mark in their environment: ctest gives each test a process
    group of its own."""
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGKILL)


def end_child(number, _frame):
    """SIGTERM in the other processes, which have nothing to clean up but the program they run."""
    if running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        end_all_of(running_mark)
    os._exit(128 + number)


def begin_child():
    die_with_parent()
    signal.signal(signal.SIGTERM, end_child)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends them


def run(command, limit, folder, environment=None):
    """The exit status (None: it took longer than limit, and was killed with its children) and the output."""
    global running, running_mark
    mark = running_mark = f"WB_MUTATION_RUN={os.getpid()}-{time.monotonic_ns()}"
    environment = {**(environment or os.environ), **dict([mark.split("=")])}
    with tempfile.TemporaryFile() as log:
        process = running = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=die_with_parent)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:  # however the wait ends
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                end_all_of(mark)
            running = None
        log.seek(0)
        return status, log.read().decode(errors="replace")


_known_targets = {}


def targets_of(build):
    if build not in _known_targets:
        ninja = (build / "build.ninja").read_text(errors="replace")
        _known_targets[build] = set(re.findall(r"^build ([\w.-]+): phony", ninja, re.M)) | {"all"} | {
            pathlib.PurePath(name).name for name in re.findall(r"^build ([\w./-]+): C_EXECUTABLE_LINKER", ninja, re.M)}
    return _known_targets[build]


def targets_for(test):
    kind, name = test
    if kind == "e2e":
        return E2E_TARGETS
    return ["store_schema"] if name == "check_sql" else [name, name.removesuffix("_seeds")]


def tail(output):
    return "\n".join("    | " + line for line in output.rstrip().splitlines()[-SHOWN_LINES:])


# --- in a worker ---------------------------------------------------------------------------------------

place = None


def start_worker(free_places, mounted):
    global place
    begin_child()
    place = free_places.get()
    if mounted and not place.enter():
        os._exit(3)
    if not mounted:
        place.tree, place.build = place.copies()


def scratch_folder():
    return tempfile.TemporaryDirectory(prefix="wb-mut-", ignore_cleanup_errors=True)


def try_without_fault(test):
    with scratch_folder() as scratch:
        how, output, seconds = place.test(test, scratch)
    return test, how, output, seconds


def try_fault(job):
    """Returns (name, verdict, words, how many seconds the slowest test needed more than without the fault)."""
    fault, usual = job
    try:
        changed = fault_files.applied(fault, place.tree)
    except fault_files.BadFault as error:
        return fault.name, "does not apply", str(error), 0
    originals = {path: path.read_text() for path in changed}
    try:
        for path, text in changed.items():
            path.write_text(text)
        verdict, words, slower, doubtful = judge(fault, usual)
    finally:
        for path, text in originals.items():
            path.write_text(text)
    if verdict == "killed" and doubtful:
        failed = still_failing(fault, doubtful)
        if failed:
            return fault.name, "cannot be judged", failed, slower
    return fault.name, verdict, words, slower


def still_failing(fault, tests):
    """The tests among these that still fail although the fault is gone again; empty when none
    does."""
    status, output = place.build_targets({target for test in fault.tests for target in targets_for(test)})
    if status != 0:
        return "does not build without the fault\n" + tail(output)
    for test in tests:
        _, how, output, _ = try_without_fault(test)
        if how != "passed":
            return f"{' '.join(test)} {how} without the fault too: it is flaky\n{tail(output)}"
    return ""


def judge(fault, usual):
    """Returns (verdict, words, how much slower, tests that want a second look without the fault)."""
    targets = {target for test in fault.tests for target in targets_for(test)}
    status, output = place.build_targets(targets)
    if status != 0:
        return "does not build", tail(output), 0, []
    slowest, hung, missed, doubtful = 0, False, [], []
    for test in fault.tests:
        with scratch_folder() as scratch:
            how, output, seconds = place.test(test, scratch)
        slowest = max(slowest, seconds - usual[test])
        hung |= how == "hung"
        if how == "hung" or test[0] == "e2e":
            doubtful.append(test)
        if how in ("passed", "skipped"):
            missed.append(f"{' '.join(test)} {how}")
    if missed:
        return "survived", "; ".join(missed) + f"\n    {fault.sentence}", slowest, []
    return "killed", "a test hung and was ended" if hung else "", slowest, doubtful


# --- in the first process ------------------------------------------------------------------------------

def copy_tree(options, folder, executables):
    """A copy with all times, so that nothing counts as changed: the sources, and the build
    directory without executables of tests that are not needed (most of its size)."""
    tree, build = pathlib.Path(options.tree), pathlib.Path(options.build_dir)
    inside = build.relative_to(tree).parts[0] if build.is_relative_to(tree) else None

    def skip_in_tree(path, names):
        outer = {".git", "node_modules", "__pycache__"} & set(names)
        return outer | ({inside} & set(names) if pathlib.Path(path) == tree else set())

    def skip_in_build(path, names):
        if pathlib.Path(path) not in (build, build / "tests"):
            return []
        return [name for name in names if name not in executables and os.access(f"{path}/{name}", os.X_OK)
                and os.path.isfile(f"{path}/{name}") and not name.endswith((".a", ".so"))]

    shutil.copytree(tree, folder / "tree", symlinks=True, ignore=skip_in_tree)
    if inside:
        (folder / "tree" / build.relative_to(tree)).mkdir(parents=True)
    if (build / "build.ninja").is_file():
        shutil.copytree(build, folder / "build", symlinks=True, ignore=skip_in_build)
    else:
        (folder / "build").mkdir()


def can_mount():
    code = "import ctypes,sys; c=ctypes.CDLL(None); sys.exit(bool(c.unshare(0x20000)))"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def configure_copy(first):
    """For machines without the right to mount: the copy is built in its own place, from nothing."""
    tree, build = first.copies()
    shutil.rmtree(build)
    status, output = run(["cmake", "--preset", "dev", "-B", str(build)], BUILD_LIMIT_S, tree)
    if status != 0:
        raise SystemExit(f"the copy cannot be configured:\n{tail(output)}")
    first.tree, first.build = tree, build


def build_first(first, targets, mounted):
    """Builds in the first copy what the tests need; a process of its own does it, which may
    mount."""
    def work():
        begin_child()
        if mounted and not first.enter():
            into.send((1, "cannot mount"))
        else:
            into.send(first.build_targets(targets))
    if not mounted:
        configure_copy(first)
    result, into = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=work)
    process.start()
    into.close()
    try:
        status, output = result.recv()
    except EOFError:
        status, output = 1, "the process that builds it ended"
    finally:
        process.terminate()
        process.join()
    if status != 0:
        raise SystemExit(f"the tree does not build without any fault:\n{tail(output)}")


def make_places(options, work, faults):
    """The copies, built. Returns (places, whether they are to be mounted)."""
    targets = {target for fault in faults for test in fault.tests for target in targets_for(test)}
    mounted = can_mount() and (pathlib.Path(options.build_dir) / "build.ninja").is_file()
    first = Place(work / "0", options)
    first.jobs = os.cpu_count()
    copy_tree(options, first.folder, targets)
    build_first(first, targets, mounted)
    first.jobs = options.build_jobs
    places = [first]
    for number in range(1, options.jobs if mounted else 1):
        places.append(Place(work / str(number), options))
        shutil.copytree(first.folder, places[-1].folder, symlinks=True)
    return places, mounted


def remove(folder):
    """Removes a folder; a process that was just killed may hold a file open for writing for a
    moment."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(0.1)


@contextlib.contextmanager
def working_folder(options):
    """Where the copies are, for one run at a time; empty, and gone afterwards whatever happens."""
    work = pathlib.Path(options.build_dir).parent / "mutation"
    work.parent.mkdir(parents=True, exist_ok=True)
    with open(work.with_suffix(".lock"), "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SystemExit(f"another run of run_mutation.py uses {work}") from error
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            yield work
        finally:
            if not options.keep:
                remove(work)


def run_faults(options, faults, report, work):
    start = time.monotonic()
    places, mounted = make_places(options, work, faults)
    print(f"copies built in {time.monotonic() - start:.0f} s"
          + ("" if mounted else " (from nothing: this process may not mount)"), flush=True)
    free_places = multiprocessing.SimpleQueue()
    for one in places:
        free_places.put(one)
    with multiprocessing.Pool(len(places), start_worker, (free_places, mounted)) as pool:
        usual, broken = {}, {}
        tests = sorted({test for fault in faults for test in fault.tests})
        for test, how, output, seconds in pool.imap_unordered(try_without_fault, tests):
            usual[test] = seconds
            if how != "passed":
                broken[test] = f"{' '.join(test)} {how} without the fault\n{tail(output)}"
        print(f"{len(tests)} tests tried without a fault, {len(broken)} do not pass", flush=True)
        jobs = []
        for fault in faults:
            words = [broken[test] for test in fault.tests if test in broken]
            if words:
                report(fault.name, "cannot be judged", "\n".join(words), 0)
            else:
                jobs.append((fault, usual))
        for result in pool.imap_unordered(try_fault, jobs):
            report(*result)


def check_names(options, faults):
    """Finds headers that name tests that do not exist. Returns a list of (fault, what is wrong)."""
    bad, ctests = [], None
    if (pathlib.Path(options.build_dir) / "CTestTestfile.cmake").is_file():
        _, output = run(["ctest", "--test-dir", options.build_dir, "-N"], 60, options.tree)
        ctests = set(re.findall(r"Test +#\d+: (\S+)", output))
    for fault in faults:
        for kind, name in fault.tests:
            if kind == "ctest":
                known = ctests is None or name in ctests
            else:
                module, group, method = name.split(".")
                source = pathlib.Path(options.tree) / "tests/e2e" / f"{module}.py"
                text = source.read_text() if source.is_file() else ""
                known = re.search(rf"^class {group}\b", text, re.M) and re.search(rf"^    def {method}\(", text, re.M)
            if not known:
                bad.append((fault.name, f"there is no test '{kind} {name}'"))
            elif kind == "ctest" and name.startswith(("e2e_", "peers_")):
                bad.append((fault.name, f"{name} is a whole file of tests: name one as 'e2e test_x.Class.test_y'"))
    return bad


def check(options, faults, bad):
    for fault in faults:
        try:
            fault_files.applied(fault, options.tree)
        except fault_files.BadFault as error:
            bad.append((fault.name, str(error)))
    bad += check_names(options, faults)
    if len(faults) < options.at_least:
        bad.append((options.faults, f"{len(faults)} faults, and {options.at_least} at least are expected"))
    for name, words in bad:
        print(f"{name}: {words}")
    print(f"mutation: {len(faults)} faults, {len(bad)} problems")
    return 1 if bad else 0


def build_directory(tree):
    """WB_BUILD_DIR names one build, or the directory of all of them (as in tools/test)."""
    given = pathlib.Path(os.environ.get("WB_BUILD_DIR", tree / "build"))
    return given if (given / "build.ninja").is_file() else given / "dev"


def arguments():
    tree = HERE.parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, metavar="N", help="so many of them, drawn at random")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("WB_SEED", random.randrange(10**8))),
                        help="what --random draws with; it is printed")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these, or all whose names begin so")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--at-least", type=int, default=1, metavar="N", help="fail when there are fewer to choose from")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="so many copies of the tree at once")
    parser.add_argument("--test-limit", type=float, default=TEST_LIMIT_S, metavar="S",
                        help="a test that takes longer hangs; that counts as noticed, but slowly")
    parser.add_argument("--keep", action="store_true", help="leave the copies in BUILD/../mutation")
    parser.add_argument("--tree", default=str(tree))
    parser.add_argument("--build-dir", default=str(build_directory(tree)))
    parser.add_argument("--faults", help="where the patches are (default: TREE/tests/mutation/faults)")
    options = parser.parse_args()
    options.tree, options.build_dir = os.path.realpath(options.tree), os.path.realpath(options.build_dir)
    options.faults = options.faults or f"{options.tree}/tests/mutation/faults"
    return options


def chosen(options, faults):
    if options.only:
        missing = [name for name in options.only if not any(f.name.startswith(name) for f in faults)]
        if missing:
            raise SystemExit(f"no fault is named {' or '.join(missing)} (--list shows all)")
        faults = [fault for fault in faults if fault.name.startswith(tuple(options.only))]
    if options.random is not None and options.random < len(faults):
        print(f"seed {options.seed}", flush=True)
        faults = sorted(random.Random(options.seed).sample(faults, options.random), key=lambda fault: fault.name)
    return faults


def main():
    options = arguments()
    faults, bad = fault_files.read_all(options.faults)
    if options.list:
        for fault in faults:
            print(f"{fault.name}: {fault.sentence}")
        return 0
    if options.check:
        return check(options, faults, bad)
    if bad or len(faults) < options.at_least:
        return check(options, faults, bad)
    faults = chosen(options, faults)
    options.jobs = max(1, min(options.jobs, len(faults)))
    options.build_jobs = max(1, os.cpu_count() // options.jobs)
    counts = {"killed": 0}

    def report(name, verdict, words, slower):
        counts[verdict] = counts.get(verdict, 0) + 1
        slow = f" (slow: {slower:.0f} s more than without it; its test wants a deadline)" if slower > SLOW_S else ""
        print(f"{verdict:14} {name}{slow}" + (f"\n    {words}" if words else ""), flush=True)

    start = time.monotonic()
    if faults:
        signal.signal(signal.SIGTERM, end)
        with working_folder(options) as work:
            run_faults(options, faults, report, work)
    others = [f"{number} {verdict}" for verdict, number in counts.items() if verdict != "killed"]
    print(f"mutation: {len(faults)} faults, {', '.join([str(counts['killed']) + ' killed'] + others)}"
          f" in {time.monotonic() - start:.0f} s")
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
