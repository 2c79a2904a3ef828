// The head is killed again and again under load; each time the standby is promoted and the killed
// one becomes its standby. What was answered must be there.
#include <fcntl.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>

#include <map>
#include <random>
#include <thread>

#include "tests/actors/standby/nodes.hpp"

using namespace et;
using namespace et::test;

namespace {

constexpr int kills = 20;
constexpr int clients = 4;

/// What a client of the head was told.
struct told {
  uint64_t batch = 0;
  uint64_t safe = 0;  ///< 0: committed; 1: its files are safe; 2: the standby follows
};

constexpr int link_fd = 10;
constexpr int out_fd = 11;
constexpr const char* state_variable = "ET_TEST_HEAD_STATE";

/// Begins a process of this program that is the head in `state`: the hidden test below.
pid_t start_head(const std::filesystem::path& state, const unique_fd& link, const unique_fd& out) {
  auto variable = std::string{state_variable} + "=" + state.string();
  char* environment[] = {variable.data(), nullptr};
  char program[] = "/proc/self/exe";
  char test[] = "[head_process]";
  char* words[] = {program, test, nullptr};
  auto child = ::fork();
  if (child != 0) return child;
  // Descriptors below may be in each other's way: out of it first.
  int far_link = ::fcntl(link.get(), F_DUPFD, 100);
  int far_out = ::fcntl(out.get(), F_DUPFD, 100);
  if (::dup2(far_link, link_fd) < 0 || ::dup2(far_out, out_fd) < 0) ::_exit(20);
  ::close(far_link);
  ::close(far_out);
  ::execve(program, words, environment);
  ::_exit(21);
}

/// The process of a head: serves `clients` threads that put and make safe, and writes each answer
/// to `out` when it has it. Ends by being killed.
[[noreturn]] void be_head(const std::filesystem::path& state, unique_fd link, int out) {
  spdlog::set_level(spdlog::level::err);
  auto h = std::make_unique<head>(state, 60s);
  auto tell = [out](told what) {
    if (::write(out, &what, sizeof what) != sizeof what) ::_exit(1);
  };
  if (publish_over(h->node.system, std::move(link),
                   caf::actor_cast<caf::strong_actor_ptr>(h->shipper),
                   interface_of<catalogue_shipper_actor>(h->node.system)))
    ::_exit(2);
  if (!h->in(standby_status::mode::following)) ::_exit(3);
  tell({0, 2});
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i)
    threads.emplace_back([&] {
      client c{*h};
      for (;;) {
        auto id = c.upload();
        if (!c.commit(id)) ::_exit(4);
        tell({id.value, 0});
        if (!c.make_safe(id)) ::_exit(5);
        tell({id.value, 1});
      }
    });
  for (auto& thread : threads) thread.join();
  ::_exit(6);
}

struct killed_head {
  std::map<uint64_t, bool> answers;  ///< of this one: safe or not
  bool followed = false;
  int status = 0;
};

/// Reads answers until `wanted` have come, kills the process, and reads what it still told.
killed_head kill_under_load(pid_t child, int in, size_t wanted) {
  killed_head result;
  size_t count = 0;
  told one;
  while (::read(in, &one, sizeof one) == sizeof one) {
    if (one.safe == 2) {
      result.followed = true;
      continue;
    }
    auto& safe = result.answers[one.batch];
    safe = safe || one.safe == 1;
    if (++count == wanted) ::kill(child, SIGKILL);
  }
  ::waitpid(child, &result.status, 0);
  return result;
}

/// Everything of `answers` is in the catalogue in `state`, and as far as it was told.
void check_answers(const std::filesystem::path& state, const std::map<uint64_t, bool>& answers) {
  auto store = need(catalogue_store::open((state / "catalogue").string(), small_catalogue()));
  auto view = store->view();
  for (auto& [id, safe] : answers) {
    INFO("batch " << id << (safe ? ", safe" : ", committed"));
    auto batch = need(view->batch(batch_id{id}));
    REQUIRE(batch);
    CHECK(batch->files == 3);
    if (!safe) continue;
    auto all = need(view->aggregations(batch_id{id}, 0, SIZE_MAX));
    REQUIRE(all.size() == 1);
    CHECK(all[0].state == state::cached_synced);
    CHECK(batch->safe_ns != 0);
  }
}

}  // namespace

TEST_CASE("the process of a head", "[.][head_process]") {
  const char* state = std::getenv(state_variable);
  REQUIRE(state != nullptr);
  be_head(state, unique_fd{link_fd}, out_fd);
}

TEST_CASE("no answer is lost when the head is killed 20 times under load", "[promotion]") {
  temporary_folder folder;
  std::filesystem::path nodes[2] = {folder.path() / "a", folder.path() / "b"};
  for (auto& node : nodes) std::filesystem::create_directories(node);
  std::map<uint64_t, bool> answers;
  std::mt19937 random{5};
  auto level = spdlog::get_level();
  spdlog::set_level(spdlog::level::err);
  for (int round = 0; round < kills; ++round) {
    INFO("kill " << round);
    auto& at_head = nodes[round % 2];
    auto& at_standby = nodes[(round + 1) % 2];
    int pipe_ends[2];
    REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
    unique_fd in{pipe_ends[0]};
    unique_fd out{pipe_ends[1]};
    auto link = std::make_unique<wire>();
    auto child = start_head(at_head, link->head_end, out);
    REQUIRE(child >= 0);
    out.reset();
    link->head_end.reset();
    link->cutter.reset();
    standby s{at_standby, "node" + std::to_string((round + 1) % 2)};
    s.plug(std::move(link->standby_end));
    auto killed = kill_under_load(child, in.get(), 1 + random() % 150);
    INFO("wait status " << killed.status);
    REQUIRE(WIFSIGNALED(killed.status));
    REQUIRE(killed.followed);
    REQUIRE(comes([&] { return s.fact("link").rfind("down", 0) == 0; }));
    auto now = need(s.promote());
    CHECK(now.epoch == static_cast<uint64_t>(round + 1));
    for (auto& [id, safe] : killed.answers) {
      CHECK_FALSE(answers.count(id));  // an id is given once
      answers[id] = safe;
    }
    check_answers(at_standby, answers);
  }
  WARN(kills << " kills, " << answers.size() << " batches answered, none is missing");
  CHECK(answers.size() > kills);
  spdlog::set_level(level);
}
