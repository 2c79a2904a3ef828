#include "storage/cache/eviction.hpp"

#include <catch2/catch.hpp>
#include <random>

namespace et::test {

namespace {

aggregation_id id(uint64_t batch) {
  return {batch_id{batch}, 1};
}

using ids = std::vector<aggregation_id>;

constexpr int64_t for_ever = int64_t{1} << 60;

// Capacity 100, watermarks 80 and 50, files 1..n of 10 bytes each, safe since 1..n.
cache_ledger filled(uint64_t n) {
  cache_ledger ledger{{100, 80, 50}};
  for (uint64_t i = 1; i <= n; ++i) {
    REQUIRE(ledger.add(id(i), 10));
    REQUIRE(ledger.mark_safe(id(i), int64_t(i)));
  }
  return ledger;
}

}  // namespace

TEST_CASE("space is reserved, used and given back") {
  cache_ledger ledger{{100, 80, 50}};
  auto a = ledger.reserve(60);
  REQUIRE(a);
  CHECK_FALSE(ledger.reserve(41));
  auto b = ledger.reserve(40);
  REQUIRE(b);
  CHECK(ledger.free_bytes() == 0);
  CHECK(ledger.reserve(0));
  CHECK(ledger.commit(*a, id(1), 50));
  CHECK_FALSE(ledger.commit(*a, id(2), 50));
  CHECK(ledger.free_bytes() == 10);
  CHECK_FALSE(ledger.commit(*b, id(1), 5));
  CHECK(ledger.reserved_bytes() == 40);
  CHECK(ledger.release(*b));
  CHECK_FALSE(ledger.release(*b));
  CHECK(ledger.occupied_bytes() == 50);
  CHECK(ledger.remove(id(1)));
  CHECK_FALSE(ledger.remove(id(1)));
  CHECK(ledger.occupied_bytes() == 0);
}

TEST_CASE("what is not safe is accounted for") {
  cache_ledger ledger{{100, 80, 50}};
  ledger.add(id(1), 10);
  ledger.add(id(2), 20);
  CHECK(ledger.unsafe_bytes() == 30);
  ledger.mark_safe(id(1), 1);
  ledger.mark_safe(id(1), 2);
  CHECK(ledger.unsafe_bytes() == 20);
  ledger.remove(id(1));
  CHECK(ledger.unsafe_bytes() == 20);
  ledger.remove(id(2));
  CHECK(ledger.unsafe_bytes() == 0);
}

TEST_CASE("a file may outgrow its reservation and the capacity") {
  cache_ledger ledger{{100, 80, 50}};
  auto a = ledger.reserve(90);
  CHECK(ledger.commit(*a, id(1), 120));
  CHECK(ledger.free_bytes() == 0);
  CHECK_FALSE(ledger.reserve(1));
  ledger.mark_safe(id(1), 1);
  CHECK(ledger.pick_evictions(0, for_ever, 0) == ids{id(1)});
}

TEST_CASE("files leave when their retention time has passed, oldest first") {
  auto ledger = filled(5);
  CHECK(ledger.pick_evictions(10, 9, 0) == ids{id(1)});
  CHECK(ledger.pick_evictions(10, 9, 0).empty());
  ledger.mark_safe(id(4), 0);
  CHECK(ledger.pick_evictions(10, 7, 0) == ids{id(4), id(2), id(3)});
  CHECK(ledger.leaving_bytes() == 40);
  CHECK(ledger.is_leaving(id(4)));
  CHECK_FALSE(ledger.is_leaving(id(5)));
}

TEST_CASE("above the high watermark files leave down to the low one") {
  auto ledger = filled(8);
  CHECK(ledger.pick_evictions(0, for_ever, 0).empty());
  auto reserved = ledger.reserve(1);
  CHECK(ledger.pick_evictions(0, for_ever, 0) == ids{id(1), id(2), id(3), id(4)});
  // Those already leaving count as gone.
  CHECK(ledger.pick_evictions(0, for_ever, 0).empty());
  CHECK(ledger.release(*reserved));
}

TEST_CASE("files leave for what is needed") {
  auto ledger = filled(8);
  CHECK(ledger.pick_evictions(0, for_ever, 20).empty());
  CHECK(ledger.pick_evictions(0, for_ever, 21) == ids{id(1)});
  CHECK(ledger.pick_evictions(0, for_ever, 45) == ids{id(2), id(3)});
  CHECK_FALSE(ledger.reserve(45));
  for (auto gone : {1, 2, 3}) CHECK(ledger.remove(id(gone)));
  CHECK(ledger.pick_evictions(0, for_ever, 101).empty());
  CHECK(ledger.reserve(45));
}

TEST_CASE("what is not safe, pinned, or leaving is not picked") {
  auto ledger = filled(3);
  CHECK(ledger.add(id(4), 10));
  CHECK_FALSE(ledger.add(id(4), 10));
  CHECK(ledger.pin(id(1)));
  CHECK(ledger.pin(id(1)));
  CHECK(ledger.unpin(id(1)));
  CHECK(ledger.pick_evictions(100, 0, 100) == ids{id(2), id(3)});
  CHECK_FALSE(ledger.pin(id(2)));
  CHECK(ledger.unpin(id(1)));
  CHECK_FALSE(ledger.unpin(id(1)));
  CHECK(ledger.pick_evictions(100, 0, 100) == ids{id(1)});
  CHECK(ledger.keep(id(2)));
  CHECK_FALSE(ledger.keep(id(2)));
  CHECK(ledger.pin(id(2)));
  CHECK(ledger.mark_safe(id(2), 7));
  CHECK(ledger.pick_evictions(100, 0, 100).empty());
  CHECK(ledger.unpin(id(2)));
  CHECK(ledger.pick_evictions(100, 0, 100) == ids{id(2)});
  CHECK_FALSE(ledger.pin(id(9)));
  CHECK_FALSE(ledger.unpin(id(9)));
  CHECK_FALSE(ledger.keep(id(9)));
  CHECK_FALSE(ledger.mark_safe(id(9), 1));
}

TEST_CASE("watermarks are kept in order") {
  cache_ledger ledger{{100, 300, 200}};
  for (uint64_t i = 1; i <= 10; ++i) {
    ledger.add(id(i), 10);
    ledger.mark_safe(id(i), 1);
  }
  CHECK(ledger.pick_evictions(0, for_ever, 0).empty());
}

namespace {

// The same rules written down the slow way, and random steps on both.
struct model_file {
  uint64_t size_bytes = 0;
  int pins = 0;
  bool safe = false;
  bool leaving = false;
  int64_t since = 0;
};

struct history {
  std::mt19937_64 random{20240611};
  cache_ledger ledger{{1000, 800, 500}};
  std::map<aggregation_id, model_file> files;
  std::map<reservation_id, uint64_t> reservations;
  int64_t now = 0;

  uint64_t held(bool with_leaving) const {
    uint64_t sum = 0;
    for (auto& [name, f] : files)
      if (with_leaving || !f.leaving) sum += f.size_bytes;
    for (auto& [name, size] : reservations) sum += size;
    return sum;
  }

  void reserve(uint64_t size_bytes) {
    auto got = ledger.reserve(size_bytes);
    REQUIRE(bool(got) == (size_bytes == 0 || held(true) + size_bytes <= 1000));
    if (got) REQUIRE(reservations.emplace(*got, size_bytes).second);
  }

  void commit(aggregation_id name, uint64_t size_bytes) {
    if (reservations.empty()) return;
    auto first = reservations.begin();
    REQUIRE(ledger.commit(first->first, name, size_bytes) == !files.contains(name));
    if (files.contains(name)) return;
    reservations.erase(first);
    files[name].size_bytes = size_bytes;
  }

  void release() {
    if (reservations.empty()) return;
    REQUIRE(ledger.release(reservations.begin()->first));
    reservations.erase(reservations.begin());
  }

  void touch(aggregation_id name, int what) {
    auto* f = files.contains(name) ? &files[name] : nullptr;
    bool leaving = f && f->leaving;
    if (what == 0) {
      REQUIRE(ledger.mark_safe(name, now) == bool(f));
      if (f) f->safe = true, f->since = now;
    } else if (what == 1) {
      REQUIRE(ledger.pin(name) == (f && !leaving));
      if (f && !leaving) ++f->pins;
    } else if (what == 2) {
      bool can = f && f->pins > 0;
      REQUIRE(ledger.unpin(name) == can);
      if (can) --f->pins;
    } else if (what == 3) {
      REQUIRE(ledger.keep(name) == leaving);
      if (leaving) f->leaving = false;
    } else if (leaving) {
      REQUIRE(ledger.remove(name));
      files.erase(name);
    }
  }

  void pick(int64_t retention, uint64_t needed) {
    auto picked = ledger.pick_evictions(now, retention, needed);
    bool pressed = held(false) > 800;
    if (needed > 1000) needed = 0;
    auto short_of_space = [&] {
      return (pressed && held(false) > 500) || held(false) + needed > 1000;
    };
    int64_t last = INT64_MIN;
    for (auto& name : picked) {
      auto& f = files.at(name);
      REQUIRE((f.safe && f.pins == 0 && !f.leaving));
      REQUIRE(f.since >= last);
      last = f.since;
      REQUIRE((f.since <= now - retention || short_of_space()));
      f.leaving = true;
    }
    bool more = false;
    for (auto& [name, f] : files) {
      if (!f.safe || f.pins > 0 || f.leaving) continue;
      more = true;
      REQUIRE(f.since >= last);
      REQUIRE(f.since > now - retention);
    }
    if (more) REQUIRE_FALSE(short_of_space());
  }

  void step() {
    now += int64_t(random() % 5);
    auto name = id(1 + random() % 40);
    auto size_bytes = random() % 60;
    switch (random() % 8) {
      case 0:
      case 1:
        return reserve(size_bytes);
      case 2:
        return commit(name, size_bytes);
      case 3:
        return random() % 3 == 0 ? release() : commit(name, size_bytes);
      case 4:
        return pick(int64_t(random() % 200), random() % 10 == 0 ? 2000 : random() % 300);
      default:
        return touch(name, int(random() % 5));
    }
  }
};

}  // namespace

TEST_CASE("random histories keep the account right and lose nothing") {
  history h;
  size_t most_files = 0;
  for (int i = 0; i < 20'000; ++i) {
    h.step();
    REQUIRE(h.ledger.occupied_bytes() == h.held(true));
    REQUIRE(h.ledger.occupied_bytes() - h.ledger.leaving_bytes() == h.held(false));
    REQUIRE(h.ledger.files() == h.files.size());
    most_files = std::max(most_files, h.files.size());
  }
  // The history was worth something.
  CHECK(most_files > 20);
}

}  // namespace et::test
