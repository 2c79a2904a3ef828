#include "actors/tape_drive.hpp"

#include <unistd.h>

#include "actors/actor_base.hpp"
#include "actors/metrics.hpp"
#include "actors/node_roster.hpp"
#include "actors/remote_pieces.hpp"
#include "storage/cache/read_ahead.hpp"
#include "storage/format/hashes.hpp"
#include "storage/format/volume_io.hpp"

namespace et {

namespace {

caf::error given_up() {
  return fail(errc::cancelled, "the service is stopping, or has lost its head");
}

}  // namespace

caf::expected<volume_record> tape_drive_state::mount(volume_record volume) {
  if (auto error = drive->load()) return with_context(error, "volume " + volume.id.value);
  auto label = check_label(*drive, volume.id);
  if (!label) return label.error();
  if (*label == label_check::blank && volume.status != volume_status::blank)
    return fail(errc::wrong_volume, "volume " + volume.id.value +
                                        " is in the catalogue, but the cartridge is blank; it must "
                                        "not be written");
  auto medium = drive->medium();
  if (!medium) return medium.error();
  volume.capacity_bytes = medium->capacity_bytes;
  if (volume.status == volume_status::blank) {
    if (medium->write_protected)
      return fail(errc::write_protected,
                  "blank volume " + volume.id.value + " is write protected; release its tab");
    if (auto error = label_volume(*drive, volume.id)) return error;
    volume.status = volume_status::appendable;
    volume.next_header = first_header_address;
    volume.next_sequence = 1;
    spdlog::info("volume {}: labelled", volume.id.value);
  }
  return volume;
}

caf::expected<byte_source> tape_drive_state::open_source(const aggregation_record& record) {
  if (record.node == actors->node || record.node.empty()) {
    auto fd = store->open_read(record.id);
    if (!fd) return fd.error();
    auto reader = read_ahead::start(std::move(*fd));
    if (!reader) return reader.error();
    return byte_source{[held = std::shared_ptr{std::move(*reader)}] { return held->next(); }};
  }
  auto holder = actors->nodes->find(record.node);
  if (!holder || !holder->up || holder->cache_readers.empty())
    return fail(errc::node_lost, "node " + record.node + ", whose cache has aggregation " +
                                     to_string(record.id) + ", cannot be reached from here");
  auto reader =
      std::make_shared<remote_reader>(*system, holder->cache_readers, record.id, record.size_bytes);
  return byte_source{[reader] { return reader->next(); }};
}

caf::error tape_drive_state::write_item(const tape_item& item, write_outcome& outcome) {
  auto& record = item.aggregation;
  auto bytes_of = open_source(record);
  if (!bytes_of) {
    if (code_of(bytes_of.error()) == errc::not_found) outcome.culprit = record.id;
    return bytes_of.error();
  }
  auto& volume = outcome.volume;
  if (auto error = drive->locate(volume.next_header)) return error;
  aggregation_to_write what;
  what.id = record.id;
  what.volume = volume.id;
  what.header = volume.next_header;
  what.sequence = volume.next_sequence;
  what.size_bytes = record.size_bytes;
  what.checksum = record.checksum;
  what.block_bytes = block_bytes;
  what.written_ns = clock->now_ns();
  auto source = [&]() -> caf::expected<std::span<const uint8_t>> {
    if (stopping->load(std::memory_order_relaxed)) return given_up();
    auto piece = (*bytes_of)();
    if (piece) measures->tape_written(number, piece->size());
    return piece;
  };
  auto written = write_aggregation(*drive, what, source);
  if (!written) {
    auto code = code_of(written.error());
    if (code == errc::corrupt || code == errc::not_found) outcome.culprit = record.id;
    return written.error();
  }
  outcome.written.push_back({record.id, written->copy, record.checksum});
  volume.next_header = written->next_header;
  ++volume.next_sequence;
  ++volume.aggregations;
  volume.written_bytes += record.size_bytes;
  written_bytes += record.size_bytes;
  if (written->early_warning) {
    volume.status = volume_status::full;
    return fail(errc::medium_full, "early warning");
  }
  return caf::none;
}

write_outcome tape_drive_state::write(const write_job& job) {
  write_outcome outcome;
  outcome.volume = job.volume;
  auto before = job.volume;
  for (auto& item : job.items) {
    auto error = write_item(item, outcome);
    if (!error) continue;
    outcome.stopped = code_of(error);
    outcome.text = text_of(error);
    break;
  }
  if (outcome.stopped == errc::medium_full) outcome.volume.status = volume_status::full;
  // One flush for all of them: nothing counts before it.
  stopwatch watch;
  auto flushed = drive->write_filemarks(0, true);
  measures->flushes.Observe(watch.seconds());
  if (!flushed) {
    outcome.written.clear();
    outcome.volume = before;
    outcome.stopped = code_of(flushed.error());
    outcome.text = "flush: " + text_of(flushed.error());
    // There is one reason. All of them are written again, and what is wrong with one comes again.
    outcome.culprit = {};
  }
  return outcome;
}

caf::error tape_drive_state::recall_whole(const recall_job& job) {
  auto& record = job.aggregation;
  auto sink = store->create_temporary(record.id);
  if (!sink) return sink.error();
  aggregation_hasher hasher;
  auto error =
      read_range(*drive, job.copy, 0, record.size_bytes, [&](std::span<const uint8_t> piece) {
        if (stopping->load(std::memory_order_relaxed)) return given_up();
        hasher.update(piece);
        measures->tape_read(number, piece.size());
        return sink->write(piece);
      });
  if (error) return error;
  if (!(hasher.checksum() == record.checksum))
    return fail(errc::corrupt, "aggregation " + to_string(record.id) + " on volume " +
                                   job.copy.volume.value +
                                   " does not have the checksum of the catalogue");
  return store->publish(*sink);
}

caf::error tape_drive_state::recall_ranges(const recall_job& job) {
  auto fd = store->create_recall(job.aggregation.id, job.number);
  if (!fd) return fd.error();
  for (auto& range : job.ranges) {
    auto error = job.salvage ? salvage_range(job, range, fd->get())
                             : recall_range(job, range.begin_bytes, range.end_bytes, fd->get());
    if (error) return error;
  }
  return caf::none;
}

caf::error tape_drive_state::recall_range(const recall_job& job, uint64_t begin_bytes,
                                          uint64_t end_bytes, int fd) {
  auto offset_bytes = begin_bytes;
  return read_range(*drive, job.copy, begin_bytes, end_bytes - begin_bytes,
                    [&](std::span<const uint8_t> piece) {
                      if (stopping->load(std::memory_order_relaxed)) return given_up();
                      auto at = offset_bytes;
                      measures->tape_read(number, piece.size());
                      offset_bytes += piece.size();
                      return write_at(fd, piece.data(), piece.size(), at);
                    });
}

caf::error tape_drive_state::salvage_range(const recall_job& job, const wanted_range& range,
                                           int fd) {
  uint64_t lost_blocks = 0;
  for (auto begin = range.begin_bytes; begin < range.end_bytes;) {
    auto end = std::min(range.end_bytes, (begin / job.copy.block_bytes + 1) * job.copy.block_bytes);
    if (auto error = recall_range(job, begin, end, fd)) {
      auto code = code_of(error);
      if (code != errc::medium_error && code != errc::corrupt) return error;
      ++lost_blocks;
    }
    begin = end;
  }
  if (lost_blocks > 0)
    spdlog::error("{}: aggregation {} on volume {}: {} blocks cannot be read", drive->name(),
                  to_string(job.aggregation.id), job.copy.volume.value, lost_blocks);
  // What was not written reads as zeros, also behind the last good block.
  if (::ftruncate(fd, static_cast<off_t>(job.aggregation.size_bytes)) != 0)
    return fail_errno("cannot size a recall", errno);
  return caf::none;
}

recall_outcome tape_drive_state::recall(const recall_job& job) {
  recall_outcome outcome;
  outcome.number = job.number;
  outcome.aggregation = job.aggregation.id;
  outcome.whole = job.whole;
  auto error = job.whole ? recall_whole(job) : recall_ranges(job);
  if (error) {
    outcome.code = code_of(error);
    outcome.text = text_of(error);
    return outcome;
  }
  auto block_bytes_here = job.copy.block_bytes;
  if (job.whole) {
    outcome.read_bytes = job.aggregation.size_bytes;
  } else {
    for (auto& range : job.ranges)
      if (range.end_bytes > range.begin_bytes)
        outcome.read_bytes +=
            ((range.end_bytes - 1) / block_bytes_here - range.begin_bytes / block_bytes_here + 1) *
            block_bytes_here;
  }
  read_bytes += outcome.read_bytes;
  return outcome;
}

tape_drive_actor::behavior_type tape_drive(
    tape_drive_actor::stateful_pointer<tape_drive_state> self, actors_ptr actors,
    tape::drive* drive, uint32_t number, cache_store* store, const wall_clock* clock,
    const std::atomic<bool>* stopping, uint32_t block_bytes) {
  guard(self);
  auto& state = self->state;
  state.actors = std::move(actors);
  state.system = &self->system();
  state.drive = drive;
  state.store = store;
  state.clock = clock;
  state.stopping = stopping;
  state.measures = state.actors->measures;
  state.number = number;
  state.block_bytes = block_bytes;
  return {
      [=](report_atom) -> caf::result<std::vector<report>> {
        return std::vector<report>{
            report_of(self, drive->name(),
                      {{"written bytes", std::to_string(self->state.written_bytes)},
                       {"read bytes", std::to_string(self->state.read_bytes)}})};
      },
      [=](mount_atom, const volume_record& volume) -> caf::result<volume_record> {
        return self->state.mount(volume);
      },
      [=](dismount_atom) -> caf::result<bool> {
        if (auto error = drive->unload()) return error;
        return true;
      },
      [=](settle_atom) -> caf::result<bool> { return true; },
      [=](write_atom, const write_job& job) -> caf::result<write_outcome> {
        return self->state.write(job);
      },
      [=](read_atom, const recall_job& job) -> caf::result<recall_outcome> {
        return self->state.recall(job);
      },
  };
}

}  // namespace et
