#!/usr/bin/env python3
"""Figures of the whole service, each beside what it is compared with, in one run.

bench_service.py BINARIES FOLDER [PART...]     parts: small large idle empty middle
                                               only when named: million five_million

FOLDER should lie on a real disk. Source trees in it are made once and kept, and what a run leaves is
moved to FOLDER/old instead of deleted: on ext4, creating many files soon after deleting many is
many times slower. Delete FOLDER/old some time later.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

binaries, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
parts = sys.argv[3:] or ["small", "large", "idle", "empty", "middle"]
rounds = int(os.environ.get("BENCH_ROUNDS", "3"))
folder.mkdir(parents=True, exist_ok=True)


def move_away(path):
    if path.exists():
        old = folder / "old"
        old.mkdir(exist_ok=True)
        path.rename(old / f"{path.name}.{time.time_ns()}")


def remove_file(path):
    if path.exists():
        path.unlink()


class Service:
    """A service on a state folder of its own."""

    def __init__(self, name, config=None):
        self.state = folder / f"state-{name}"
        move_away(self.state)
        words = [binaries / "elastictape", "serve", "--state", self.state]
        if config:
            self.config = folder / f"{name}.toml"
            self.config.write_text(config)
            words += ["--config", self.config]
        self.log = open(folder / f"log-{name}", "w")
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert self.process.stdout.readline().startswith("elastictape ready")
        self.env = dict(os.environ, ELASTICTAPE_STATE=str(self.state),
                        ELASTICTAPE_SYSTEM_CONFIG="/nonexistent", HOME=str(folder))
        if config:
            self.call("elastictape", "admin", "workspace", "add", "local", "--root", "/",
                      "--manager", "root", "--quota", "10T")

    def call(self, *words, **more):
        words = [str(binaries / words[0])] + [str(word) for word in words[1:]]
        return subprocess.run(words, env=self.env, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, **more).stdout

    def put(self, tree):
        """Seconds until the id was printed, and until all was safe."""
        begin = time.monotonic()
        words = [str(binaries / "et_put"), "-w", "local", "--wait", str(tree)]
        child = subprocess.Popen(words, env=self.env, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True)
        registered = None
        for line in child.stdout:
            if line.startswith("Batch ID:"):
                registered = time.monotonic() - begin
        assert child.wait() == 0
        return registered, time.monotonic() - begin

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait() == 0
        move_away(self.state)

    def kill(self):
        """For states that are of no use any more."""
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.state)

    def most_memory_mb(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) / 1024

    def memory_mb(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(*words, shell=None):
    begin = time.monotonic()
    if shell:
        subprocess.run(shell, shell=True, check=True, stdout=subprocess.DEVNULL)
    else:
        subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def spread(values, unit="s"):
    values = sorted(values)
    middle = values[len(values) // 2]
    return f"{middle:.3f} {unit} (of {len(values)}: {values[0]:.3f} to {values[-1]:.3f})"


def show(what, text):
    print(f"{what:<58} {text}", flush=True)


def small_tree():
    tree = folder / "tree-small"
    if not (tree / "complete").exists():
        for i in range(100):
            sub = tree / f"folder{i:03}"
            sub.mkdir(parents=True, exist_ok=True)
            for j in range(1000):
                (sub / f"file_number_{j:05}.dat").write_bytes(os.urandom(4096))
        (tree / "complete").write_text("")
        os.sync()
    return tree


def large_tree():
    tree = folder / "tree-large"
    if not (tree / "complete").exists():
        tree.mkdir(exist_ok=True)
        for i in range(8):
            with open(tree / f"large{i}", "wb") as out:
                for _ in range(512):
                    out.write(os.urandom(1 << 20))
        (tree / "complete").write_text("")
        os.sync()
    return tree


def part_small():
    tree = small_tree()
    archive = folder / "plain.tar"
    ratios, registered, safe, plain, listing = [], [], [], [], []
    timed("tar", "-cf", "/dev/null", "-C", folder, tree.name)
    for _ in range(rounds):
        remove_file(archive)
        os.sync()
        plain.append(timed(shell=f"tar -cf {archive} -C {folder} {tree.name} && "
                                 f"sha256sum {archive} && sync {archive}"))
        remove_file(archive)
        os.sync()
        service = Service("small")
        times = service.put(tree)
        registered.append(times[0])
        safe.append(times[1])
        ratios.append(times[1] / plain[-1])
        for _ in range(3):
            begin = time.monotonic()
            lines = service.call("et_ls", "-w", "local", "-L", "file").count(b"\n")
            listing.append(time.monotonic() - begin)
            assert lines == 100_001
        show("  resident memory of the service after it", f"{service.memory_mb():.0f} MB")
        service.stop()
    show("100,000 x 4 KiB: tar + sha256sum + sync", spread(plain))
    show("100,000 x 4 KiB: et_put to CACHED_SYNCED", spread(safe))
    show("  ratio, run by run (wanted: 2, goal 1.25)", spread(ratios, ""))
    show("100,000 x 4 KiB: et_put until the id (wanted: 1.5 s)", spread(registered))
    show("et_ls -L file of 100,000 (wanted: 0.7 s)", spread(listing))


def part_large():
    tree = large_tree()
    ratios, ours, plain = [], [], []
    copies = [folder / "copy1", folder / "copy2"]
    for _ in range(rounds):
        seconds = 0
        for copy in copies:
            if copy.exists():
                shutil.rmtree(copy)
            os.sync()
            seconds += timed(shell=f"cp -r {tree} {copy} && sync -f {copy}")
        plain.append(seconds)
        for copy in copies:
            shutil.rmtree(copy)
        os.sync()
        service = Service("large")
        ours.append(service.put(tree)[1])
        ratios.append(ours[-1] / plain[-1])
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait() == 0
        shutil.rmtree(service.state)
    show("8 x 512 MiB: two plain copies, each with sync", spread(plain))
    show("8 x 512 MiB: et_put to CACHED_SYNCED", spread(ours))
    show("  ratio, run by run (wanted: 1.3)", spread(ratios, ""))


def part_idle():
    service = Service("idle")
    service.call("et_ls", "-w", "local")
    time.sleep(2)
    before = service.cpu_s()
    time.sleep(20)
    show("idle service: resident memory (wanted: 150 MB)", f"{service.memory_mb():.0f} MB")
    show("idle service: CPU (wanted: under 1 %)", f"{(service.cpu_s() - before) / 20 * 100:.2f} %")
    service.stop()


def part_empty():
    service = Service("empty")
    seconds = []
    for _ in range(20):
        begin = time.monotonic()
        service.call("et_ls", "-w", "local", "-L", "batch")
        seconds.append(time.monotonic() - begin)
    show("et_ls of an empty workspace, whole process (0.1 s)", spread(seconds))
    service.stop()


def part_middle():
    tree = folder / "tree-middle"
    if not (tree / "complete").exists():
        tree.mkdir(exist_ok=True)
        for i in range(2048):
            (tree / f"f{i:05}").write_bytes(os.urandom(1 << 20))
        (tree / "f01023a").write_bytes(os.urandom(4096))
        (tree / "complete").write_text("")
    service = Service("middle", '[packing]\ntarget_bytes = "8G"\n[cache]\nretention_s = 0\n')
    service.put(tree)
    while b"\tSYNCED\t" not in service.call("et_ls", "-w", "local", "-L", "batch"):
        time.sleep(0.1)
    wanted = folder / "list"
    wanted.write_text(f"{tree}/f01023a\n")
    back = folder / "back"
    if back.exists():
        shutil.rmtree(back)
    back.mkdir()
    begin = time.monotonic()
    service.call("et_get", "-w", "local", "-f", wanted, "-r", back)
    seconds = time.monotonic() - begin
    assert Path(f"{back}{tree}/f01023a").read_bytes() == (tree / "f01023a").read_bytes()
    log = (folder / "log-middle").read_text()
    read = sum(int(n) for n in re.findall(r"recalled, (\d+) bytes read from tape", log))
    show("4 KiB out of 2 GiB on tape: read (wanted: 32 MiB)", f"{read / 2**20:.2f} MiB")
    show("  whole process", f"{seconds:.3f} s")
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait() == 0
    shutil.rmtree(service.state)


def empty_tree(files):
    tree = folder / f"tree-{files}"
    made = folder / f"tree-{files}.made"
    if not made.exists():
        for i in range(files // 1000):
            sub = tree / f"folder{i:04}"
            sub.mkdir(parents=True, exist_ok=True)
            for j in range(1000):
                os.close(os.open(f"{sub}/file_number_{j:05}.dat", os.O_CREAT | os.O_WRONLY))
        made.write_text("")
    return tree


def register(service, *words):
    """Seconds until the end of an et_put, and its largest resident memory in MB."""
    begin = time.monotonic()
    words = [str(binaries / "et_put"), "-w", "local"] + [str(word) for word in words]
    child = subprocess.Popen(words, env=service.env, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0
    return time.monotonic() - begin, used.ru_maxrss / 1024


def part_five_million():
    tree = empty_tree(5_000_000)
    service = Service("millions")
    seconds, memory = register(service, tree)
    show("5,000,000 files: et_put DIR until the id", f"{seconds:.1f} s")
    show("  client, most resident memory (wanted: 100 MB)", f"{memory:.0f} MB")
    show("  service, most resident memory (wanted: 1 GB)", f"{service.most_memory_mb():.0f} MB")
    service.kill()
    service = Service("millions")
    wanted = folder / "list-5000000"
    with open(wanted, "w") as out:
        for i in range(5000):
            for j in range(1000):
                out.write(f"{tree}/folder{i:04}/file_number_{j:05}.dat\n")
    seconds, memory = register(service, "-f", wanted)
    show("5,000,000 lines: et_put -f until the id", f"{seconds:.1f} s")
    show("  client, most resident memory (wanted: 100 MB)", f"{memory:.0f} MB")
    show("  service, most resident memory (wanted: 1 GB)", f"{service.most_memory_mb():.0f} MB")
    service.kill()


def first_answer(service, *words):
    """Seconds until the first byte of a command's output."""
    begin = time.monotonic()
    words = [str(binaries / "elastictape")] + [str(word) for word in words]
    child = subprocess.Popen(words, env=service.env, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
    assert child.stdout.read(1)
    seconds = time.monotonic() - begin
    child.stdout.close()
    child.wait()
    return seconds


def part_million():
    tree = empty_tree(1_000_000)
    service = Service("million")
    show("1,000,000 empty files: et_put until safe", f"{service.put(tree)[1]:.1f} s")
    for words in (["status", "-b", "1"], ["find", "*"], ["find", "folder0999/*77.dat"],
                  ["find", f"{tree}/folder0999/*"], ["release", "-b", "1", "--dry-run"]):
        seconds = [first_answer(service, *words[:1], "-w", "local", *words[1:]) for _ in range(5)]
        show(f"  {' '.join(words).replace(str(folder), '')}, first answer (wanted: 0.1 s)",
             spread(seconds))
    seconds, memory = register(service, "--update", tree)
    show("  et_put --update, nothing new", f"{seconds:.1f} s, {memory:.0f} MB")
    show("  service, most resident memory", f"{service.most_memory_mb():.0f} MB")
    service.kill()


for part in parts:
    globals()["part_" + part]()
