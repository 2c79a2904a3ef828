#include "storage/cache/aggregation_builder.hpp"

#include <exception>

#include "storage/format/aggregation_writer.hpp"

namespace et {

namespace {

// Packs what the reader hands over, and keeps account of what became of each file.
class packer final : public source_consumer {
 public:
  packer(aggregation_writer& writer, std::span<const file_entry> entries,
         const std::function<void(uint64_t)>& on_packed, cached_aggregation& result)
      : writer_(writer), entries_(entries), on_packed_(on_packed), result_(result) {
    result_.placed.resize(entries.size());
  }

  size_t good_files() const { return entries_.size() - result_.failures.size(); }
  /// The last file failed half way and nothing in the tar is worth keeping.
  bool abandoned() const { return abandoned_; }

  caf::error on_file(size_t index, std::span<const uint8_t> content,
                     const file_checksum& checksum) override {
    auto placed = writer_.add_file(entries_[index], content, checksum);
    if (!placed) return refuse(index, placed.error());
    result_.placed[index] = *placed;
    packed(content.size());
    return {};
  }

  caf::error on_begin(size_t index) override {
    auto error = writer_.begin_file(entries_[index]);
    if (error) return refuse(index, error);
    open_ = true;
    return {};
  }

  caf::error on_piece(size_t index, std::span<const uint8_t> piece) override {
    // Refused by the writer: nobody wants its pieces.
    if (result_.placed[index].failed) return {};
    packed(piece.size());
    return writer_.write_data(piece);
  }

  caf::error on_end(size_t index) override {
    if (result_.placed[index].failed) return {};
    open_ = false;
    auto placed = writer_.end_file();
    if (!placed) return placed.error();
    result_.placed[index] = *placed;
    return {};
  }

  caf::error on_failure(size_t index, const caf::error& reason) override {
    if (!concerns_source(code_of(reason))) return reason;
    if (result_.placed[index].failed) return {};
    note(index, reason);
    if (!open_) return {};
    open_ = false;
    // The tar can only go on when the rest of the member is filled up, which may be hundreds of
    // gigabytes; with nothing good before and nothing behind it there is no need.
    if (index + 1 == entries_.size() && good_files() == 0) {
      abandoned_ = true;
      return {};
    }
    auto placed = writer_.end_file(true);
    return placed ? caf::error{} : placed.error();
  }

 private:
  void packed(size_t size_bytes) {
    if (on_packed_) on_packed_(size_bytes);
  }

  // The writer's errors about a file leave the tar as it was; all others end the aggregation.
  caf::error refuse(size_t index, const caf::error& reason) {
    if (!concerns_source(code_of(reason))) return reason;
    note(index, reason);
    return {};
  }

  void note(size_t index, const caf::error& reason) {
    result_.placed[index] = {0, {}, true};
    result_.failures.push_back({entries_[index].path, code_of(reason), text_of(reason)});
  }

  aggregation_writer& writer_;
  std::span<const file_entry> entries_;
  const std::function<void(uint64_t)>& on_packed_;
  cached_aggregation& result_;
  bool open_ = false;  // between begin_file and end_file
  bool abandoned_ = false;
};

caf::error check_job(const build_job& job) {
  if (job.entries.empty() || job.entries.size() != job.aggregation.files)
    return fail(errc::invalid_argument, "aggregation " + to_string(job.aggregation.id) + " has " +
                                            std::to_string(job.aggregation.files) + " files, not " +
                                            std::to_string(job.entries.size()));
  return {};
}

/// A file of the store.
class store_destination final : public aggregation_destination {
 public:
  store_destination(cache_store& store, cache_file_sink sink)
      : store_(store), sink_(std::move(sink)) {}
  caf::error write(std::span<const uint8_t> data) override { return sink_.write(data); }
  uint64_t size_bytes() const override { return sink_.size_bytes(); }
  caf::error publish(uint64_t, const aggregation_checksum&) override {
    return store_.publish(sink_);
  }

 private:
  cache_store& store_;
  cache_file_sink sink_;
};

aggregation_about about_of(const build_job& job) {
  return {job.aggregation.id, job.batch.workspace_name, job.batch.tag, job.batch.requester,
          job.batch.created_ns};
}

}  // namespace

uint64_t max_aggregation_bytes(std::span<const file_entry> entries, uint32_t padding_bytes) {
  // Member names of about.json and manifest.tsv, about.json itself with every byte of its texts
  // escaped, the manifest's header line, the end of the tar.
  constexpr uint64_t frame_bytes = 64 * 1024;
  // Header, and the pax header before it with the path once more, its own name, and numbers that
  // do not fit the plain header.
  constexpr uint64_t member_bytes = 512 + 512 + 1024;
  constexpr uint64_t line_bytes = 160;
  // An escaped byte in the manifest.
  constexpr uint64_t escape_bytes = 4;
  uint64_t total = frame_bytes;
  for (auto& file : entries)
    total += (file.size_bytes + 511) / 512 * 512 + member_bytes + file.path.size() + line_bytes +
             escape_bytes * file.path.size();
  return (total + padding_bytes - 1) / padding_bytes * padding_bytes;
}

aggregation_builder::aggregation_builder(cache_store& store, options opts)
    : store_(store), options_(std::move(opts)), reader_(options_.reader) {}

caf::expected<cached_aggregation> aggregation_builder::build(const build_job& job,
                                                             const std::atomic<bool>& cancel) {
  source_reader opener{job.credentials, job.roots};
  return build(job, opener, cancel);
}

caf::expected<cached_aggregation> aggregation_builder::build(const build_job& job,
                                                             source_opener& opener,
                                                             const std::atomic<bool>& cancel) {
  if (auto error = check_job(job)) return error;
  auto sink = store_.create_temporary(job.aggregation.id);
  if (!sink) return sink.error();
  store_destination destination{store_, std::move(*sink)};
  return build_to(job, opener, destination, cancel);
}

caf::expected<cached_aggregation> aggregation_builder::build(const build_job& job,
                                                             aggregation_destination& destination,
                                                             const std::atomic<bool>& cancel) {
  source_reader opener{job.credentials, job.roots};
  return build_to(job, opener, destination, cancel);
}

caf::expected<cached_aggregation> aggregation_builder::build_to(
    const build_job& job, source_opener& opener, aggregation_destination& destination,
    const std::atomic<bool>& cancel) try {
  if (auto error = check_job(job)) return error;
  aggregation_writer writer{
      destination, about_of(job), {store_.folder().string(), options_.padding_bytes}};
  if (auto error = writer.begin()) return error;
  cached_aggregation result;
  result.id = job.aggregation.id;
  packer pack{writer, job.entries, options_.on_packed, result};
  if (auto error = reader_.run(opener, job.entries, pack, cancel)) return error;
  // Without a good file the sink goes, and with it the temporary.
  if (pack.abandoned() || pack.good_files() == 0) return result;
  if (auto error = writer.finish()) return error;
  if (writer.size_bytes() != destination.size_bytes())
    return fail(errc::internal, "the cache file of " + to_string(result.id) + " has " +
                                    std::to_string(destination.size_bytes()) + " bytes, not " +
                                    std::to_string(writer.size_bytes()));
  if (cancel) return fail(errc::cancelled, "given up on request");
  result.size_bytes = writer.size_bytes();
  result.checksum = writer.checksum();
  if (auto error = destination.publish(result.size_bytes, result.checksum)) return error;
  return result;
} catch (const std::bad_alloc&) {
  return fail(errc::limit_reached, "no memory to build " + to_string(job.aggregation.id));
} catch (const std::exception& problem) {
  return fail(errc::internal, std::string{"building an aggregation threw: "} + problem.what());
}

}  // namespace et
