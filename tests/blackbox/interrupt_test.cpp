// Signals at any moment of a command: it ends with 4 (or had finished), and nothing half-done is
// left. ET_SEED makes other moments.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

using words = std::vector<std::string>;

constexpr milliseconds soon{5000};
constexpr milliseconds late{60'000};

uint32_t seed() {
  const char* text = std::getenv("ET_SEED");
  return text ? static_cast<uint32_t>(std::strtoul(text, nullptr, 10)) : 1;
}

int signal_of(int round) {
  constexpr int all[] = {SIGINT, SIGTERM, SIGHUP};
  return all[round % 3];
}

/// A service and a way to run a command against it with pipes.
struct interrupted {
  explicit interrupted(const std::string& config = {}) : node(folder / "state", config) {
    node.start();
    if (config.empty()) return;
    REQUIRE(node.call({"elastictape", "admin", "workspace", "add", "local", "--root", "/",
                       "--quota", "1T"})
                .code == 0);
  }

  child begin(const words& line, int in = -1, int out = -1) const {
    return child{line, {node.surroundings(), {}, in, out}};
  }
  uint64_t used() const {
    auto shown = node.call({"et_ls", "-w", "local", "-L", "workspace", "-F", "json"});
    return json::parse(shown.out).at("quota_used");
  }
  std::string batches() const { return node.call({"et_ls", "-w", "local"}).out; }
  /// What the service still holds of commands that have gone.
  bool uploads_end() const {
    for (int i = 0; i < 200; ++i)
      if (node.fact("registrar", "uploads") == "0") return true;
    return false;
  }
  fs::path make_tree(int files) {
    auto tree = folder / "tree";
    for (int i = 0; i < files; ++i)
      write_file(tree / std::to_string(i % 10) / std::to_string(i), std::to_string(i));
    return tree;
  }

  temp_folder folder;
  service node;
  std::mt19937 random{seed()};
};

/// All that a pipe holds until its writers have gone.
std::string read_all(int fd) {
  std::string text;
  for (std::string line; !(line = read_line(fd)).empty();) text += line;
  return text;
}

/// Writes pieces to a pipe until its reader has gone.
class endless_writer {
 public:
  endless_writer(file_end to, std::function<std::string()> piece)
      : thread_([fd = std::move(to), piece = std::move(piece)] {
          for (auto text = piece(); write(fd.get(), text.data(), text.size()) > 0;) text = piece();
        }) {}
  ~endless_writer() { thread_.join(); }

 private:
  std::thread thread_;
};

}  // namespace

TEST_CASE("a put that is interrupted leaves nothing, or a batch whose id it printed") {
  interrupted at;
  auto tree = at.make_tree(2000).string();
  int ended = 0;
  for (int round = 0; round < 24; ++round) {
    CAPTURE(seed(), round);
    pipe_ends out;
    auto put = at.begin({"et_put", "-w", "local", tree}, -1, out.write.get());
    out.write.close();
    REQUIRE(put.wait_catches());
    std::this_thread::sleep_for(std::chrono::microseconds{at.random() % 60'000});
    put.signal(signal_of(round));
    auto code = put.wait(soon);
    REQUIRE(code);
    auto text = read_all(out.read.get());
    uint64_t batch = 0;
    bool printed = std::sscanf(text.c_str(), "Batch ID: %lu\n", &batch) == 1;
    CHECK(*code == (printed ? 0 : 4));
    if (!printed) {
      ++ended;
      CHECK(text.empty());
      CHECK(at.used() == 0);
      CHECK(at.batches().empty());
      continue;
    }
    CHECK(at.batches().starts_with("B\t" + std::to_string(batch) + "\t"));
    CHECK(at.used() > 0);
    REQUIRE(at.node.call({"et_rm", "-w", "local", "-b", std::to_string(batch)}).code == 0);
  }
  CHECK(ended > 3);
  CHECK(at.uploads_end());
  CHECK(at.node.put({tree}) > 0);
}

TEST_CASE("a put whose list never ends is interrupted at once and leaves nothing") {
  interrupted at;
  auto tree = at.make_tree(2000).string();
  for (int round = 0; round < 6; ++round) {
    CAPTURE(seed(), round);
    pipe_ends list;
    auto put = at.begin({"et_put", "-w", "local", "-c", "-f", "-"}, list.read.get());
    list.read.close();
    int line = 0;
    endless_writer writer{std::move(list.write), [&] {
                            auto i = line++ % 3000;  // the last third is missing
                            return tree + "/" + std::to_string(i % 10) + "/" + std::to_string(i) +
                                   "\n";
                          }};
    REQUIRE(put.wait_catches());
    std::this_thread::sleep_for(milliseconds{at.random() % 150});
    put.signal(signal_of(round));
    CHECK(put.wait(soon) == 4);
    CHECK(at.used() == 0);
    CHECK(at.batches().empty());
  }
  CHECK(at.uploads_end());
}

TEST_CASE("put --wait and status --wait are interrupted while they wait; the batch stays") {
  interrupted at{"[cache]\nreserve_bytes = \"1000T\"\n"};
  auto tree = at.make_tree(200).string();
  for (int round = 0; round < 6; ++round) {
    CAPTURE(seed(), round);
    pipe_ends out;
    auto put = at.begin({"et_put", "--wait", "-w", "local", tree}, -1, out.write.get());
    out.write.close();
    auto text = read_line(out.read.get());
    uint64_t batch = 0;
    REQUIRE(std::sscanf(text.c_str(), "Batch ID: %lu\n", &batch) == 1);
    std::this_thread::sleep_for(milliseconds{at.random() % 300});
    put.signal(signal_of(round));
    CHECK(put.wait(soon) == 4);
    CHECK(read_all(out.read.get()).empty());
    CHECK(at.batches().starts_with("B\t" + std::to_string(batch) + "\t"));
    auto id = std::to_string(batch);
    for (const auto& line : {words{"elastictape", "status", "-w", "local", "-b", id, "--wait"},
                             words{"elastictape", "status", "-w", "local", "--wait"}}) {
      auto status = at.begin(line);
      REQUIRE(status.wait_catches());
      std::this_thread::sleep_for(milliseconds{at.random() % 100});
      status.signal(signal_of(round));
      CHECK(status.wait(soon) == 4);
    }
    REQUIRE(at.node.call({"et_rm", "-w", "local", "-b", id}).code == 0);
  }
}

TEST_CASE("a get that is interrupted leaves whole files only, and goes on when called again") {
  interrupted at;
  auto tree = at.folder / "tree";
  make_awkward_tree(tree, 60'000'000, seed());
  for (int i = 0; i < 4; ++i) {
    fs::copy_file(tree / "large", tree / ("large" + std::to_string(i)));
  }
  REQUIRE(at.node.put({"--wait", tree.string()}) == 1);
  auto back = at.folder / "back";
  int ended = 0;
  for (int round = 0; round < 12; ++round) {
    CAPTURE(seed(), round);
    if (round % 2 == 0) {
      fs::remove_all(back);
      fs::create_directory(back);
    }
    auto get = at.begin({"et_get", "-w", "local", "-b", "1", "-r", back.string()});
    REQUIRE(get.wait_catches());
    std::this_thread::sleep_for(milliseconds{at.random() % 120});
    get.signal(signal_of(round));
    auto code = get.wait(soon);
    REQUIRE(code);
    CHECK((*code == 4 || *code == 0));
    ended += *code == 4;
    for (auto& one : fs::recursive_directory_iterator(back)) {
      if (!one.is_regular_file()) continue;
      auto source = one.path().string().substr(back.string().size());
      INFO(source);
      REQUIRE(fs::exists(source));
      CHECK(one.file_size() == fs::file_size(source));
      if (one.file_size() < 100'000) CHECK((read_file(one.path()) == read_file(source)));
    }
  }
  CHECK(ended > 0);
  CHECK(at.node.call({"et_get", "-w", "local", "-b", "1", "-r", back.string()}).code == 0);
  CHECK(difference(tree, back) == "");
}

TEST_CASE("a get whose list never ends is interrupted, whether lines come or not") {
  interrupted at;
  auto tree = at.make_tree(300).string();
  REQUIRE(at.node.put({"--wait", tree}) == 1);
  fs::create_directory(at.folder / "back");
  words line{"et_get", "-w", "local", "-f", "-", "-r", (at.folder / "back").string()};
  for (int round = 0; round < 3; ++round) {
    pipe_ends list;
    auto get = at.begin(line, list.read.get());
    append(list.write.get(), tree + "/1/1\n");
    wait_taken(list.write.get());
    get.signal(signal_of(round));
    CHECK(get.wait(soon) == 4);
  }
  pipe_ends list;
  auto get = at.begin(line, list.read.get());
  list.read.close();
  endless_writer writer{std::move(list.write), [&] { return tree + "/2/2\n"; }};
  REQUIRE(get.wait_catches());
  std::this_thread::sleep_for(milliseconds{at.random() % 150});
  get.signal(SIGINT);
  CHECK(get.wait(soon) == 4);
}

TEST_CASE("et_ls whose reader does not read is interrupted at once") {
  interrupted at;
  auto tree = at.make_tree(4000).string();
  REQUIRE(at.node.put({tree}) == 1);
  for (int round = 0; round < 3; ++round) {
    pipe_ends out;
    REQUIRE(fcntl(out.write.get(), F_SETPIPE_SZ, 4096) >= 0);
    auto list = at.begin({"et_ls", "-w", "local", "-L", "file"}, -1, out.write.get());
    out.write.close();
    CHECK_FALSE(read_line(out.read.get()).empty());
    CHECK_FALSE(list.wait(milliseconds{50}));
    list.signal(signal_of(round));
    CHECK(list.wait(soon) == 4);
  }
}

TEST_CASE("a command that was started to outlive its terminal does") {
  interrupted at;
  auto tree = at.make_tree(3).string();
  pipe_ends list;
  pipe_ends out;
  auto put =
      at.begin({"/usr/bin/nohup", (binaries() / "et_put").string(), "-w", "local", "-f", "-"},
               list.read.get(), out.write.get());
  append(list.write.get(), tree + "/1/1\n");
  wait_taken(list.write.get());
  put.signal(SIGHUP);
  CHECK_FALSE(put.wait(milliseconds{200}));
  list.write.close();
  CHECK(put.wait(late) == 0);
  CHECK(read_line(out.read.get()) == "Batch ID: 1\n");
}

TEST_CASE("a second signal ends a command that cannot finish") {
  interrupted at;
  auto tree = at.folder / "tree";
  make_awkward_tree(tree, 1'000'000, 1);
  REQUIRE(at.node.put({"--wait", tree.string()}) == 1);
  fs::create_directory(at.folder / "back");
  pipe_ends list;
  auto get = at.begin({"et_get", "-w", "local", "-f", "-", "-r", (at.folder / "back").string()},
                      list.read.get());
  append(list.write.get(), (tree / "large").string() + "\n");
  wait_taken(list.write.get());
  kill(at.node.process(), SIGSTOP);
  list.write.close();
  get.signal(SIGINT);
  // It has to tell the service, which does not answer.
  CHECK_FALSE(get.wait(milliseconds{500}));
  get.signal(SIGINT);
  CHECK(get.wait(soon) == 4);
  kill(at.node.process(), SIGCONT);
  CHECK(at.node.call({"et_get", "-w", "local", "-b", "1", "-r", (at.folder / "back").string()})
            .code == 0);
  CHECK(difference(tree, at.folder / "back") == "");
}
