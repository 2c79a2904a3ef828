#!/usr/bin/env python3
"""Mixed load on a cluster with faults in the background, for a long time: nothing may grow.

soak.py BINARIES FOLDER MINUTES [SVG]

A head, two I/O nodes with a library each and a source node run as processes on this machine. Clients put, wait, get
(and compare), list and remove small batches as fast as they can; every FAULT_SECONDS an I/O node or the source is
killed or frozen. Each SAMPLE_SECONDS resident memory, descriptors and threads of every node are taken, and the
lengths of the mailboxes of the head. At the end: the medians of the thirds of the run, the lines of severity error in
the logs beside the alerts, and a picture. Exit code 1 when something grew between the second third and the last (the
first is for caches to fill), differs or failed, or an error stands in a log without an alert of its kind.
"""

import filecmp
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

SAMPLE_SECONDS = 10
FAULT_SECONDS = 20
# Of the head's catalogue: so little that its cache is full in the first third, and is not what grows then.
CATALOGUE_MEMORY = "8MiB"
CLIENTS = 3
KEPT_BATCHES = 200
NODES = ["head", "io1", "io2", "source"]
# Growth that is noise: a factor, and so many more.
BOUNDS = {"memory MiB": (1.1, 8), "descriptors": (1.1, 8), "threads": (1.1, 4)}

binaries, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
minutes = float(sys.argv[3])
picture = Path(sys.argv[4]).resolve() if len(sys.argv) > 4 else folder / "soak.svg"
data = folder / "data"
ending = threading.Event()
troubles, counts, lock = [], {}, threading.Lock()


def trouble(text):
    with lock:
        troubles.append(text)
    print("trouble:", text, flush=True)


def count(what):
    with lock:
        counts[what] = counts.get(what, 0) + 1


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cluster:
    def __init__(self):
        self.ports = {name: free_port() for name in NODES}
        self.processes = {}
        for name in NODES:
            self.configure(name)
        self.run("admin", "cluster", "init", "--config", str(folder / "head.toml"))
        self.start("head")
        for name in NODES[1:]:
            token = self.run("admin", "cluster", "token", "--config", str(folder / "head.toml")).strip()
            self.start(name, "--join", f"127.0.0.1:{self.ports['head']}", "--token", token)
        self.call("admin", "workspace", "add", "w", "--root", str(data), "--manager", "root", "--quota", "1T")

    def configure(self, name):
        role = {"head": "head", "source": "source"}.get(name, "io")
        text = (f'[node]\nname = "{name}"\nroles = ["{role}"]\nroots = {[str(data)] if role == "source" else []}\n'
                f'[service]\nstate = "{folder / name}"\nhttp = "off"\n')
        if role == "io":
            text += 'tls_listen = "127.0.0.1:0"\n'
        text += f'[cluster]\nlisten = "127.0.0.1:{self.ports[name]}"\nheartbeat_ms = 250\ndown_after_ms = 3000\n'
        if role != "head":
            text += f'head = "127.0.0.1:{self.ports["head"]}"\n'
        if role == "head":
            text += f"[catalogue]\nmemory_bytes = '{CATALOGUE_MEMORY}'\n"
        if role == "io":
            prefix = "EA" if name == "io1" else "EB"
            text += f'[library]\nbarcode_prefix = "{prefix}"\ncapacity_bytes = "8GiB"\n[cache]\ncapacity_bytes = "2GiB"\n'
        (folder / f"{name}.toml").write_text(text.replace("'", '"'))

    def run(self, *words):
        done = subprocess.run([binaries / "elastictape", *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name, *more):
        process = subprocess.Popen([binaries / "elastictape", "serve", "--config", folder / f"{name}.toml", *more],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = process.stdout.readline()
        assert line.startswith("elastictape ready"), f"{name}: {line}"
        self.processes[name] = process

    def call(self, *words):
        env = dict(os.environ, ELASTICTAPE_SERVER=f"unix:{folder / 'head' / 'elastictape.sock'}",
                   ELASTICTAPE_SYSTEM_CONFIG="/nonexistent", HOME=str(folder), ELASTICTAPE_WORKSPACE="w")
        done = subprocess.run([binaries / "elastictape", *words], capture_output=True, text=True, env=env)
        return done


def same(a, b):
    names = sorted(p.name for p in a.iterdir())
    return names == sorted(p.name for p in b.iterdir()) and not filecmp.cmpfiles(a, b, names, shallow=False)[1]


def client(cluster, number):
    chance = random.Random(number)
    mine = []
    turn = 0
    while not ending.is_set():
        turn += 1
        tree = data / f"c{number}" / f"b{turn}"
        tree.mkdir(parents=True)
        for i in range(chance.randint(1, 40)):
            (tree / f"f{i}").write_bytes(chance.randbytes(chance.randint(0, 20000)))
        done = cluster.call("put", "-w", "w", str(tree))
        found = re.search(r"Batch ID: (\d+)", done.stdout)
        if not found:
            trouble(f"put: {done.stderr.strip()}")
            continue
        count("puts")
        mine.append((found.group(1), tree))
        if turn % 3 == 0:
            get_one(cluster, *chance.choice(mine), folder / f"back{number}")
        if turn % 5 == 0:
            cluster.call("ls", "-w", "w", "-L", "batch")
            count("listings")
        while len(mine) > KEPT_BATCHES // CLIENTS:
            batch, old = mine.pop(0)
            cluster.call("status", "-w", "w", "-b", batch, "--wait")
            if cluster.call("rm", "-w", "w", "-b", batch).returncode != 0:
                trouble(f"rm of batch {batch} failed")
            count("removals")
            shutil.rmtree(old)
    for batch, tree in mine:
        if cluster.call("status", "-w", "w", "-b", batch, "--wait").returncode != 0:
            trouble(f"batch {batch} is not safe")
        get_one(cluster, batch, tree, folder / f"back{number}")


def get_one(cluster, batch, tree, back):
    cluster.call("status", "-w", "w", "-b", batch, "--wait")
    shutil.rmtree(back, ignore_errors=True)
    back.mkdir()
    done = cluster.call("get", "-w", "w", "-b", batch, "-r", str(back))
    count("gets")
    if done.returncode != 0:
        trouble(f"get of batch {batch}: {done.stderr.strip()}")
    elif not same(tree, back / tree.relative_to("/")):
        trouble(f"batch {batch} came back different")


def break_things(cluster):
    chance = random.Random(99)
    while not ending.wait(FAULT_SECONDS):
        victim = chance.choice(NODES[1:])
        process = cluster.processes[victim]
        if chance.random() < 0.5:
            process.send_signal(signal.SIGSTOP)
            time.sleep(chance.uniform(1, 6))
            process.send_signal(signal.SIGCONT)
            count("freezes")
        else:
            process.kill()
            process.wait()
            time.sleep(chance.uniform(0, 3))
            cluster.start(victim)
            count("kills")


def sample(cluster, since):
    row = {"minutes": (time.monotonic() - since) / 60}
    for name in NODES:
        root = Path(f"/proc/{cluster.processes[name].pid}")
        try:
            status = (root / "status").read_text()
            row[f"{name} memory MiB"] = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024
            row[f"{name} threads"] = int(re.search(r"Threads:\s+(\d+)", status).group(1))
            row[f"{name} descriptors"] = len(list((root / "fd").iterdir()))
        except (OSError, AttributeError):
            pass  # it has just been killed
    longest = 0
    for line in cluster.call("admin", "inspect", "--json").stdout.splitlines():
        longest = max(longest, int(json.loads(line).get("mailbox", 0) or 0))
    row["longest mailbox"] = longest
    return row


def draw(rows, names):
    width, height, out = 900, 150, []
    for at, (title, keys) in enumerate(names):
        top = at * (height + 30) + 20
        values = [row[key] for row in rows for key in keys if key in row] or [0]
        high, last = max(values) * 1.1 or 1, max(row["minutes"] for row in rows) or 1
        out.append(f'<text x="10" y="{top - 5}">{title}, at most {max(values):.0f}; {last:.0f} minutes</text>')
        out.append(f'<rect x="10" y="{top}" width="{width - 20}" height="{height}" fill="none" stroke="#888"/>')
        for index, key in enumerate(keys):
            points = " ".join(f'{10 + (width - 20) * row["minutes"] / last:.1f},{top + height - height * row[key] / high:.1f}'
                              for row in rows if key in row)
            colour = ["#1565c0", "#c62828", "#2e7d32", "#ef6c00"][index % 4]
            out.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
            out.append(f'<text x="{300 + 120 * index}" y="{top - 5}" fill="{colour}">{key.split()[0]}</text>')
    total = len(names) * (height + 30) + 10
    picture.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" font-family="sans-serif" '
                       f'font-size="12"><rect width="100%" height="100%" fill="#fff"/>{"".join(out)}</svg>\n')


def judge(rows):
    third = max(1, len(rows) // 3)
    for what, (factor, extra) in BOUNDS.items():
        for name in NODES:
            key = f"{name} {what}"
            parts = [statistics.median(row[key] for row in part if key in row)
                     for part in (rows[:third], rows[third:-third] or rows, rows[-third:])]
            print(f"{key}: {parts[0]:.0f}, {parts[1]:.0f}, {parts[2]:.0f} in the thirds of the run")
            # Nodes that were killed begin anew: the head is the one that lived through all of it.
            if parts[2] > parts[1] * factor + extra:
                trouble(f"{key} grew from {parts[1]:.0f} to {parts[2]:.0f}")
    longest = [row["longest mailbox"] for row in rows]
    print(f"longest mailbox: median {statistics.median(longest):.0f}, at most {max(longest)}")


def kind(text):
    return re.sub("[0-9]+", "#", text)


def compare_alerts(cluster):
    alerts = kind(cluster.call("admin", "alerts").stdout)
    errors = {}
    for name in NODES:
        for log in (folder / name / "log").iterdir():
            for line in log.read_text().splitlines():
                found = re.match(r"\S+ (?:error|critical) (?:alert: )?(.*)", line)
                if found:
                    errors.setdefault((name, kind(found.group(1))), []).append(line)
    print(f"{sum(map(len, errors.values()))} lines of errors of {len(errors)} kinds in the logs, "
          f"{len(alerts.splitlines())} lines of alerts")
    for (name, text), lines in sorted(errors.items()):
        print(f"  error of {name}, {len(lines)} times: {text}")
        if text not in alerts:
            trouble(f"an error without an alert: {name}: {lines[0]}")


def main():
    shutil.rmtree(folder, ignore_errors=True)
    data.mkdir(parents=True)
    cluster = Cluster()
    since = time.monotonic()
    workers = [threading.Thread(target=client, args=(cluster, i)) for i in range(CLIENTS)]
    breaker = threading.Thread(target=break_things, args=(cluster,))
    for one in [*workers, breaker]:
        one.start()
    rows = []
    while time.monotonic() - since < minutes * 60:
        rows.append(sample(cluster, since))
        time.sleep(SAMPLE_SECONDS)
    ending.set()
    for one in [breaker, *workers]:
        one.join()
    judge(rows)
    compare_alerts(cluster)
    print(", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
    draw(rows, [(what, [f"{name} {what}" for name in NODES]) for what in BOUNDS] +
         [("longest mailbox of the head", ["longest mailbox"])])
    for process in cluster.processes.values():
        process.send_signal(signal.SIGCONT)
        process.terminate()
    for process in cluster.processes.values():
        process.wait()
    print(f"{minutes:g} minutes, {len(troubles)} troubles; picture: {picture}")
    return 1 if troubles else 0


sys.exit(main())
