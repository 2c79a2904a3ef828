// Hundreds of thousands of files: through a pipe into a put, out of et_ls, in bounded memory.

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

constexpr int files = 300'000;
constexpr size_t half_bytes = 10'000'000;  // of their listing
// Of any length of listing: buffers and pages on the way, threads, the program itself.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t unit_bytes = 8u << 20;
#else
constexpr uint64_t unit_bytes = 1u << 20;
#endif
constexpr uint64_t command_bytes = 96 * unit_bytes;
constexpr uint64_t session_bytes = 64 * unit_bytes;
// The service grows by this while it lists: caches of blocks that are bounded.
constexpr uint64_t growth_bytes = 64 * unit_bytes;

/// In memory where there is room: the disk is not what is tested.
const char* quick_folder() {
  return access("/dev/shm", W_OK) == 0 && fs::space("/dev/shm").available > (1u << 28) ? "/dev/shm"
                                                                                       : "/tmp";
}

uint64_t memory_of(pid_t process, const std::string& kind) {
  return std::strtoull(process_fact(process, kind).c_str(), nullptr, 10) * 1024;
}

/// From now on the peak is that of what comes.
void forget_peak(pid_t process) {
  std::ofstream{"/proc/" + std::to_string(process) + "/clear_refs"} << "5";
}

}  // namespace

TEST_CASE("300 thousand files by a list from a pipe are put and listed in bounded memory") {
  temp_folder folder;
  temp_folder sources{quick_folder()};
  std::vector<std::string> paths;
  std::string list;
  for (int i = 0; i < files; ++i) {
    // Not in the order of their paths.
    auto number = std::to_string(i * 7'919LL % files);
    paths.push_back((sources / ("file " + number)).string());
    file_end made{open(paths.back().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    REQUIRE(made.get() >= 0);
    list += paths.back() + "\n";
  }
  service node{folder / "state", "[cache]\nreserve_bytes = \"1000T\"\n"};
  node.start();
  REQUIRE(node.call({"elastictape", "admin", "workspace", "add", "local", "--root", "/", "--quota",
                     "1T"})
              .code == 0);
  write_file(folder / "list", list);
  list = {};
  auto put = run({"/bin/sh", "-c",
                  "cat '" + (folder / "list").string() + "' | '" +
                      (binaries() / "et_put").string() + "' -w local -f -"},
                 node.surroundings());
  INFO(put.err.substr(0, 1000));
  REQUIRE(put.out == "Batch ID: 1\n");
  CHECK(put.peak_bytes < command_bytes);

  std::sort(paths.begin(), paths.end());
  auto before = memory_of(node.process(), "VmRSS");
  forget_peak(node.process());
  uint64_t ls_bytes = 0;
  for (auto* format : {"text", "json", "csv"}) {
    INFO(format);
    auto out = folder / "listing";
    file_end to{open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    child ls{{"et_ls", "-w", "local", "-L", "file", "-F", format},
             {node.surroundings(), {}, -1, to.get()}};
    REQUIRE(ls.wait(std::chrono::minutes{2}) == 0);
    ls_bytes = std::max(ls_bytes, ls.peak_bytes());
    CHECK(ls.peak_bytes() < command_bytes);
    std::ifstream lines{out};
    size_t at = 0;
    size_t wrong = 0;
    for (std::string line; std::getline(lines, line); ++at) {
      if (line.ends_with('\r')) line.pop_back();
      auto path = at < paths.size() ? paths[at] : "more";
      if (!line.ends_with(path) && line.find(path + "\"") == std::string::npos) ++wrong;
    }
    CHECK(wrong == 0);
    CHECK(at == paths.size());
  }
  CHECK(memory_of(node.process(), "VmHWM") < before + growth_bytes);

  // head -1: the session in the middle of it all is as small.
  pipe_ends out;
  child ls{{"et_ls", "-w", "local", "-L", "file"}, {node.surroundings(), {}, -1, out.write.get()}};
  out.write.close();
  CHECK(read_line(out.read.get()).ends_with("\t" + paths[0] + "\n"));
  std::string piece(1 << 16, '\0');
  for (size_t taken = 0; taken < half_bytes;) {
    auto n = read(out.read.get(), piece.data(), piece.size());
    REQUIRE(n > 0);
    taken += static_cast<size_t>(n);
  }
  auto sessions = sessions_of(node.process());
  REQUIRE(sessions.size() == 1);
  WARN("MiB: put " << (put.peak_bytes >> 20) << ", ls " << (ls_bytes >> 20) << ", session "
                   << (memory_of(sessions[0], "VmHWM") >> 20) << ", service " << (before >> 20)
                   << " and then " << (memory_of(node.process(), "VmHWM") >> 20));
  CHECK(memory_of(sessions[0], "VmHWM") > 0);
  CHECK(memory_of(sessions[0], "VmHWM") < session_bytes);
  out.read.close();
  CHECK(ls.wait(std::chrono::seconds{20}) == 4);
}
