// What an administrator does.
#include <spdlog/spdlog.h>

#include "tests/simulation/client_ask.hpp"

namespace et::simulation {

using namespace std::chrono_literals;

story<bool> client::administer() {
  while (!resting_) {
    co_await sleep(world_.random().span(1s, 300s));
    if (!co_await connect()) continue;
    auto dice = world_.random().below(100);
    if (dice < 40) {
      co_await set_some_volume();
    } else if (dice < 70) {
      co_await set_some_quota();
    } else if (dice < 80) {
      co_await ask<std::vector<report>>(admin_inspect_atom_v);
    } else if (dice < 90) {
      co_await ask<std::vector<alert_record>>(admin_alerts_atom_v, uint64_t{0});
    } else {
      leave(session_);
    }
  }
  co_return true;
}

story<bool> client::set_some_volume() {
  auto volumes = co_await ask<std::vector<volume_record>>(volumes_atom_v, barcode{});
  if (!volumes || volumes->empty()) co_return false;
  auto& some = (*volumes)[world_.random().below(volumes->size())];
  auto status = volume_statuses[world_.random().below(volume_statuses.size())];
  auto id = some.id;
  auto set = co_await ask<volume_record>(volume_atom_v, id, status);
  co_return set.engaged();
}

story<bool> client::set_some_quota() {
  auto all = co_await ask<std::vector<workspace_record>>(list_workspaces_atom_v, std::string{});
  if (!all || all->empty()) co_return false;
  auto some = (*all)[world_.random().below(all->size())];
  some.quota_bytes = world_.random().chance(0.5) ? some.used_bytes + 200'000 : 1ull << 40;
  auto set = co_await ask<workspace_record>(admin_set_atom_v, some);
  co_return set.engaged();
}

story<bool> client::release_all() {
  for (int attempt = 0; attempt < 50; ++attempt) {
    if (attempt > 0) co_await sleep(60s);
    if (!co_await connect()) continue;
    bool all = true;
    for (barcode after;;) {
      auto volumes = co_await ask<std::vector<volume_record>>(volumes_atom_v, after);
      if (!volumes) all = false;
      if (!volumes || volumes->empty()) break;
      after = volumes->back().id;
      for (auto& one : *volumes) {
        // The drives were at fault; what is known to be damaged is only read.
        bool harmed = truth_.damaged.count(one.id) > 0;
        bool out = one.status == volume_status::quarantined ||
                   (one.status == volume_status::suspect && !harmed);
        if (!out) continue;
        auto id = one.id;
        auto to = one.aggregations == 0 ? volume_status::blank
                  : harmed              ? volume_status::suspect
                                        : volume_status::appendable;
        auto set = co_await ask<volume_record>(volume_atom_v, id, to);
        if (!set) all = false;
      }
    }
    if (all) co_return true;
  }
  truth_.violated("what is quarantined cannot be released");
  co_return false;
}

}  // namespace et::simulation
