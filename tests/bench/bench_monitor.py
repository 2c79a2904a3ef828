#!/usr/bin/env python3
"""How fast the monitor answers while clients misbehave.

bench_monitor.py BINARIES FOLDER    FOLDER should lie on a real disk; it is made and left there

Puts a batch, then measures the summary and the list of batches: alone, with 200 silent connections,
with 64 clients that ask for the file list of all and read nothing, with both, and while another
batch of as many files is put, from the first file to safety. Prints median and maximum in
milliseconds.
"""

import http.client
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

binaries, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
files = int(os.environ.get("BENCH_FILES", "100000"))
rounds = int(os.environ.get("BENCH_ROUNDS", "200"))
shutil.rmtree(folder / "state", ignore_errors=True)


def make_tree(name, size_bytes):
    tree = folder / name
    if tree.exists():
        return tree
    tree.mkdir(parents=True)
    for i in range(files):
        part = tree / f"{i // 1000:04d}"
        part.mkdir(exist_ok=True)
        (part / f"a file with an ordinary name {i:07d}.nc").write_bytes(b"x" * size_bytes)
    return tree


source = make_tree("source", 100)
second = make_tree("second", 4096)

service = subprocess.Popen([binaries / "elastictape", "serve", "--state", folder / "state"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
try:
    ready = service.stdout.readline()
    host, port = re.search(r"monitor http://(.*):(\d+)/", ready).groups()
    port = int(port)
    env = dict(os.environ, ELASTICTAPE_STATE=str(folder / "state"), HOME=str(folder),
               ELASTICTAPE_SYSTEM_CONFIG="/nonexistent")
    subprocess.run([binaries / "elastictape", "put", "-w", "local", "--wait", str(source)],
                   env=env, check=True, stdout=subprocess.DEVNULL)

    def page_ms(target):
        begin = time.perf_counter()
        connection = http.client.HTTPConnection(host, port, timeout=60)
        connection.request("GET", target)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        connection.close()
        return (time.perf_counter() - begin) * 1000

    def measure(what):
        for level in ("top", "batches"):
            took = [page_ms(f"/et_user/ET_Holdings_Summary.php?workspace=local;level={level}")
                    for _ in range(rounds)]
            print(f"{what:32} level {level:8} median {statistics.median(took):7.2f} ms"
                  f"  maximum {max(took):7.2f} ms", flush=True)

    def idle():
        return [socket.create_connection((host, port)) for _ in range(200)]

    def slow():
        made = []
        for _ in range(64):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect((host, port))
            one.sendall(b"GET /et_user/ET_Batch_Input_File_Details.php?batch=1 HTTP/1.1\r\n\r\n")
            assert one.recv(12) == b"HTTP/1.1 200"
            made.append(one)
        return made

    measure("alone")
    held = idle()
    measure("200 silent connections")
    for one in held:
        one.close()
    held = slow()
    measure("64 readers that do not read")
    held += idle()
    measure("both")
    for one in held:
        one.close()
    pages = {"top": "/et_user/ET_Holdings_Summary.php?workspace=local;level=top",
             "batches": "/et_user/ET_Holdings_Summary.php?workspace=local;level=batches",
             "batch": "/et_user/ET_Batch_Input_Summary.php?batch=1",
             "XML": "/et_user/ET_Holdings_Summary_XML.php?workspace=local;level=batch",
             "overview": "/api/v1/overview", "dashboard": "/"}
    took = {name: [] for name in pages}
    begin = time.perf_counter()
    put = subprocess.Popen([binaries / "elastictape", "put", "-w", "local", "--wait", str(second)],
                           env=env, stdout=subprocess.DEVNULL)
    while put.poll() is None:
        for name, target in pages.items():
            took[name].append(page_ms(target))
    assert put.returncode == 0, put.returncode
    print(f"a put of {files} files, {time.perf_counter() - begin:.2f} s to safety:")
    for name, times in took.items():
        print(f"  {name:10} {len(times):4} pages  median {statistics.median(times):7.2f} ms"
              f"  maximum {max(times):7.2f} ms", flush=True)
    print("resident memory of the service:",
          re.search(r"VmRSS:\s*(.*)", Path(f"/proc/{service.pid}/status").read_text()).group(1))
finally:
    service.send_signal(signal.SIGTERM)
    service.wait(60)
