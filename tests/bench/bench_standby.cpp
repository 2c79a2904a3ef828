// What a standby costs: puts of small files through the registrar, without one, with one, and with
// one that was dropped. Head and standby are two actor systems of one process over a socket pair.
#define CATCH_CONFIG_RUNNER
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "tests/actors/standby/nodes.hpp"

using namespace et;
using namespace et::test;

namespace {

using steady = std::chrono::steady_clock;

double seconds_since(steady::time_point begin) {
  return std::chrono::duration<double>(steady::now() - begin).count();
}

/// One batch of `files` files, in chunks as the client sends them.
double put_large(head& h, size_t files) {
  client c{h};
  batch_record draft;
  draft.workspace_name = "w";
  auto entries = numbered_entries(files, "/large" + std::to_string(steady::now().time_since_epoch().count()));
  auto begin = steady::now();
  auto id = need(c.ask<batch_id>(60s, put_begin_atom_v, draft, false));
  for (size_t at = 0; at < entries.size(); at += defaults::page_rows) {
    auto end = std::min(at + defaults::page_rows, entries.size());
    std::vector<file_entry> some{entries.begin() + static_cast<long>(at),
                                 entries.begin() + static_cast<long>(end)};
    auto page = pack_entries(some);
    need(c.ask<std::vector<entry_error>>(60s, put_chunk_atom_v, id, page));
  }
  need(c.commit(id, 60s));
  return seconds_since(begin);
}

/// Batches of three files a second, from `clients` at once.
double batches_per_s(head& h, int clients, int each) {
  auto begin = steady::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i)
    threads.emplace_back([&] {
      client c{h};
      for (int k = 0; k < each; ++k) need(c.commit(c.upload(), 60s));
    });
  for (auto& thread : threads) thread.join();
  return clients * each / seconds_since(begin);
}

void measure(const char* name, head& h) {
  double best = 1e9;
  for (int i = 0; i < 3; ++i) best = std::min(best, put_large(h, 100'000));
  std::printf("%-22s put of 100,000 files %.3f s", name, best);
  for (int clients : {1, 8, 32})
    std::printf(", %d clients %.0f batches/s", clients, batches_per_s(h, clients, 1600 / clients));
  std::printf("\n");
  std::fflush(stdout);
}

void run() {
  spdlog::set_level(spdlog::level::err);
  {
    temporary_folder folder;
    head h{folder.path(), 20s, standby_policy::drop, false};
    measure("without a standby", h);
  }
  {
    temporary_folder folder;
    head h{folder.path() / "a"};
    standby s{folder.path() / "b"};
    wire w;
    w.join(h, s);
    if (!h.in(standby_status::mode::following)) return;
    measure("with a standby", h);
  }
  {
    temporary_folder folder;
    head h{folder.path(), 1ms};
    h.in(standby_status::mode::alone);
    measure("with one dropped", h);
  }
}

}  // namespace

TEST_CASE("bench") {
  run();
}

int main() {
  return Catch::Session().run();
}
