// What a drive does with a job, on the image of a cartridge.

#include "actors/tape_drive.hpp"

#include <catch2/catch.hpp>

#include "actors/metrics.hpp"
#include "storage/format/labels.hpp"
#include "storage/tape/fault_drive.hpp"
#include "tests/storage/tape/tape_support.hpp"

using namespace et;

namespace {

/// A mounted blank volume and an empty cache.
struct mounted_drive {
  mounted_drive() {
    volume.id = barcode{"ET0001L8"};
    volume.status = volume_status::blank;
    auto image = folder / "image";
    REQUIRE_FALSE(tape::create_image(image, {volume.id, 8 * 1024 * 1024, false}));
    auto inner = tape::open_cartridge_image(image, false);
    REQUIRE(inner);
    REQUIRE_FALSE((*inner)->unload());
    drive = std::make_unique<tape::fault_drive>(std::move(*inner));
    auto opened = cache_store::open(folder / "cache");
    REQUIRE(opened);
    store = std::make_unique<cache_store>(std::move(*opened));
    state.actors = std::make_shared<service_actors>();
    state.drive = drive.get();
    state.store = store.get();
    state.clock = &system_clock();
    state.stopping = &stopping;
    state.measures = make_metrics();
    auto now = state.mount(volume);
    REQUIRE(now);
    volume = *now;
  }

  test::temporary_folder folder;
  std::unique_ptr<tape::fault_drive> drive;
  std::unique_ptr<cache_store> store;
  std::atomic<bool> stopping{false};
  volume_record volume;
  tape_drive_state state;
};

write_job job_of_lost(const volume_record& volume) {
  write_job job;
  job.volume = volume;
  job.items.emplace_back().aggregation.id = {batch_id{7}, 3};
  return job;
}

}  // namespace

TEST_CASE_METHOD(mounted_drive, "tape drive: the outcome names the aggregation without its file") {
  auto outcome = state.write(job_of_lost(volume));
  CHECK(outcome.stopped == errc::not_found);
  CHECK(outcome.culprit == aggregation_id{batch_id{7}, 3});
}

TEST_CASE_METHOD(mounted_drive,
                 "tape drive: a flush that fails behind a lost cache file names no culprit") {
  drive->plan(tape::drive_operation::flush, errc::medium_error);
  auto outcome = state.write(job_of_lost(volume));
  CHECK(outcome.stopped == errc::medium_error);
  CHECK(outcome.culprit == aggregation_id{});
  CHECK(outcome.written.empty());
}
