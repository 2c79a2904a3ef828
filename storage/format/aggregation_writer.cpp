#include "storage/format/aggregation_writer.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "storage/format/hashes.hpp"
#include "storage/format/manifest.hpp"

namespace et {

namespace {

constexpr size_t output_buffer_bytes = 1024 * 1024;
// Pieces of this size go to the sink as they are: copying them costs more than it gathers.
constexpr size_t direct_bytes = 128 * 1024;
constexpr size_t manifest_memory_bytes = 4 * 1024 * 1024;

struct archive_freer {
  void operator()(archive* a) const { archive_write_free(a); }
};
struct entry_freer {
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};

// The member's name, ending in a NUL as `path` does, or empty for a path that cannot be one.
std::string_view member_name(const std::string& path) {
  if (path.size() < 2 || path[0] != '/' || path.back() == '/') return {};
  if (path.find('\0') != std::string::npos) return {};
  for (size_t slash = 0; slash != std::string::npos; slash = path.find('/', slash + 1)) {
    char next = path[slash + 1];
    if (next == '/') return {};
    if (next != '.') continue;
    auto part = std::string_view{path}.substr(slash + 1, path.find('/', slash + 1) - slash - 1);
    if (part == "." || part == "..") return {};
  }
  return std::string_view{path}.substr(1);
}

bool is_ascii(std::string_view name) {
  unsigned char all = 0;
  for (char c : name) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

int64_t whole_seconds(int64_t time_ns) {
  return time_ns / 1'000'000'000 - (time_ns % 1'000'000'000 < 0 ? 1 : 0);
}

std::span<const uint8_t> as_bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

struct aggregation_writer::implementation {
  enum class stage { created, between_files, in_file, finished };

  implementation(byte_sink& out, aggregation_about description, options opts)
      : sink(out),
        about(std::move(description)),
        folder(about_folder(about.id)),
        padding_bytes(opts.padding_bytes),
        manifest(std::move(opts.spill_folder), manifest_memory_bytes) {}

  ~implementation() {
    closing = true;
    extended.reset();
    plain.reset();
  }

  byte_sink& sink;
  aggregation_about about;
  std::string folder;
  uint32_t padding_bytes;
  text_spool manifest;
  // Both write the same tar: `plain` the members that one header of 512 bytes describes, `extended`
  // all others. libarchive's binary mode for names would give every member an extended header.
  std::unique_ptr<archive, archive_freer> plain;
  std::unique_ptr<archive, archive_freer> extended;
  archive* tar = nullptr;  // of the current member
  std::unique_ptr<archive_entry, entry_freer> entry;
  std::unique_ptr<uint8_t[]> buffer;
  size_t buffered_bytes = 0;
  uint64_t written_bytes = 0;  // by libarchive, whether in the buffer or in the sink
  aggregation_hasher hasher;
  file_hasher content_hasher;
  stage at = stage::created;
  caf::error broken;     // the error that ended this aggregation
  bool closing = false;  // libarchive is only freed now, and closes the tar first
  file_entry current;
  uint64_t current_offset_bytes = 0;
  uint64_t current_written_bytes = 0;

  caf::error expect(stage wanted) const {
    if (broken) return broken;
    if (at != wanted) return fail(errc::internal, "aggregation writer called out of order");
    return {};
  }

  caf::expected<std::string_view> name_for(const file_entry& file) const {
    auto name = member_name(file.path);
    if (name.empty()) return fail(errc::invalid_argument, "not an absolute canonical path");
    if (name.starts_with(folder))
      return fail(errc::invalid_argument, "a name that is taken by the aggregation's description");
    return name;
  }

  caf::error deliver(std::span<const uint8_t> data) {
    hasher.update(data);
    return sink.write(data);
  }

  caf::error flush() {
    if (buffered_bytes == 0) return {};
    auto size = std::exchange(buffered_bytes, 0);
    return deliver({buffer.get(), size});
  }

  caf::error output(std::span<const uint8_t> data) {
    written_bytes += data.size();
    if (data.size() >= direct_bytes) {
      if (auto error = flush()) return error;
      return deliver(data);
    }
    while (!data.empty()) {
      auto part = data.first(std::min(data.size(), output_buffer_bytes - buffered_bytes));
      std::memcpy(buffer.get() + buffered_bytes, part.data(), part.size());
      buffered_bytes += part.size();
      data = data.subspan(part.size());
      if (buffered_bytes == output_buffer_bytes)
        if (auto error = flush()) return error;
    }
    return {};
  }

  // What libarchive calls with every piece of the tar. A failure is kept in `broken` and not told
  // to libarchive, which does not free all of its memory after one; whoever called it looks there.
  static la_ssize_t on_output(archive* a, void* self, const void* data, size_t size) {
    auto& writer = *static_cast<implementation*>(self);
    if (writer.closing) {
      archive_set_error(a, EIO, "nobody wants the end of this tar");
      return -1;
    }
    try {
      if (!writer.broken) writer.broken = writer.output({static_cast<const uint8_t*>(data), size});
    } catch (const std::exception& problem) {
      writer.broken = fail(errc::internal, std::string{"the sink threw: "} + problem.what());
    }
    return static_cast<la_ssize_t>(size);
  }

  // Remembers why libarchive failed, unless the sink's error says it better.
  caf::error tar_failed(const char* what) {
    if (!broken) {
      auto* reason = archive_error_string(tar);
      broken = fail(errc::internal, std::string{what} + " of aggregation " + to_string(about.id) +
                                        ": " + (reason ? reason : "unknown reason"));
    }
    return broken;
  }

  caf::error open() {
    plain.reset(archive_write_new());
    extended.reset(archive_write_new());
    entry.reset(archive_entry_new());
    buffer.reset(new uint8_t[output_buffer_bytes]);
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    tar = plain.get();
    if (archive_write_set_format_ustar(tar) != ARCHIVE_OK)
      return tar_failed("cannot begin the tar");
    if (auto error = open_output()) return error;
    tar = extended.get();
    // Binary: names are bytes, whatever the locale.
    if (archive_write_set_format_pax(tar) != ARCHIVE_OK ||
        archive_write_set_options(tar, "hdrcharset=BINARY") != ARCHIVE_OK)
      return tar_failed("cannot begin the tar");
    return open_output();
  }

  caf::error open_output() {
    // No blocking: every byte is counted when it is made.
    if (archive_write_set_bytes_per_block(tar, 0) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(tar, 1) != ARCHIVE_OK ||
        archive_write_open(tar, this, nullptr, on_output, nullptr) != ARCHIVE_OK)
      return tar_failed("cannot begin the tar");
    return {};
  }

  // Writes a member's header. The entry is used again for every member: all that differs is set.
  caf::error header(std::string_view name, const file_entry& file) {
    auto* e = entry.get();
    archive_entry_copy_pathname(e, name.data());
    archive_entry_set_size(e, static_cast<int64_t>(file.size_bytes));
    archive_entry_set_mtime(e, whole_seconds(file.mtime_ns), 0);
    archive_entry_set_perm(e, file.mode & 07777);
    archive_entry_set_uid(e, file.uid);
    archive_entry_set_gid(e, file.gid);
    if (is_ascii(name)) {
      tar = plain.get();
      int status = archive_write_header(tar, e);
      if (status == ARCHIVE_OK) return broken;
      // Failed, and not fatally: something does not fit, and nothing was written.
      if (status != ARCHIVE_FAILED) return tar_failed("cannot write a header");
    }
    tar = extended.get();
    if (archive_write_header(tar, e) != ARCHIVE_OK) return tar_failed("cannot write a header");
    return broken;
  }

  caf::error data(std::span<const uint8_t> piece) {
    if (piece.empty()) return {};
    if (archive_write_data(tar, piece.data(), piece.size()) !=
        static_cast<la_ssize_t>(piece.size()))
      return tar_failed("cannot write data");
    return broken;
  }

  // Finishes the member now, so that its padding is counted before anyone asks for the size.
  caf::error end_member() {
    if (archive_write_finish_entry(tar) != ARCHIVE_OK) return tar_failed("cannot end a file");
    return broken;
  }

  file_entry describing_entry(uint64_t size_bytes) const {
    return {{}, size_bytes, about.created_ns, 0644, 0, 0};
  }

  caf::error describe(const char* name, std::string_view text) {
    auto path = folder + name;
    if (auto error = header(path, describing_entry(text.size()))) return error;
    if (auto error = data(as_bytes_of(text))) return error;
    return end_member();
  }

  caf::error list(const file_entry& file, uint64_t offset_bytes, const file_checksum& checksum) {
    append_manifest_line(manifest.tail(), file, offset_bytes, checksum);
    broken = manifest.appended();
    return broken;
  }

  caf::error write_manifest() {
    auto path = folder + "manifest.tsv";
    if (auto error = header(path, describing_entry(manifest.size_bytes()))) return error;
    if (auto error = manifest.replay([this](auto text) { return data(as_bytes_of(text)); }))
      return broken = error;
    return end_member();
  }

  caf::error pad() {
    static constexpr uint8_t zeros[4096] = {};
    while (written_bytes % padding_bytes != 0) {
      auto missing = padding_bytes - written_bytes % padding_bytes;
      auto size = std::min<uint64_t>(sizeof zeros, missing);
      if (auto error = output({zeros, size})) return broken = error;
    }
    return broken = flush();
  }
};

aggregation_writer::aggregation_writer(byte_sink& sink, aggregation_about about, options opts)
    : impl_(std::make_unique<implementation>(sink, std::move(about), std::move(opts))) {}

aggregation_writer::~aggregation_writer() = default;
aggregation_writer::aggregation_writer(aggregation_writer&&) noexcept = default;
aggregation_writer& aggregation_writer::operator=(aggregation_writer&&) noexcept = default;

caf::error aggregation_writer::begin() {
  auto& w = *impl_;
  if (auto error = w.expect(implementation::stage::created)) return error;
  if (w.padding_bytes == 0 || w.padding_bytes % 512 != 0)
    return fail(errc::invalid_argument, "an aggregation is padded to a multiple of 512 bytes");
  if (auto error = w.open()) return error;
  if (auto error = w.describe("about.json", encode_about(w.about))) return error;
  w.manifest.tail() += manifest_header;
  w.at = implementation::stage::between_files;
  return {};
}

caf::expected<placed_file> aggregation_writer::add_file(const file_entry& file,
                                                        std::span<const uint8_t> content) {
  return add_file(file, content, hash_file_content(content));
}

caf::expected<placed_file> aggregation_writer::add_file(const file_entry& file,
                                                        std::span<const uint8_t> content,
                                                        const file_checksum& checksum) {
  auto& w = *impl_;
  if (auto error = w.expect(implementation::stage::between_files)) return error;
  if (content.size() != file.size_bytes)
    return fail(errc::source_changed, "size is " + std::to_string(content.size()) + ", " +
                                          std::to_string(file.size_bytes) + " was registered");
  auto name = w.name_for(file);
  if (!name) return name.error();
  if (auto error = w.header(*name, file)) return error;
  placed_file placed{w.written_bytes, checksum, false};
  if (auto error = w.data(content)) return error;
  if (auto error = w.end_member()) return error;
  if (auto error = w.list(file, placed.offset_bytes, checksum)) return error;
  return placed;
}

caf::error aggregation_writer::begin_file(const file_entry& file) {
  auto& w = *impl_;
  if (auto error = w.expect(implementation::stage::between_files)) return error;
  auto name = w.name_for(file);
  if (!name) return name.error();
  if (auto error = w.header(*name, file)) return error;
  w.current = file;
  w.current_offset_bytes = w.written_bytes;
  w.current_written_bytes = 0;
  w.content_hasher.reset();
  w.at = implementation::stage::in_file;
  return {};
}

caf::error aggregation_writer::write_data(std::span<const uint8_t> piece) {
  auto& w = *impl_;
  if (auto error = w.expect(implementation::stage::in_file)) return error;
  if (piece.size() > w.current.size_bytes - w.current_written_bytes)
    return fail(errc::source_changed,
                "more than the registered " + std::to_string(w.current.size_bytes) + " bytes");
  w.content_hasher.update(piece);
  if (auto error = w.data(piece)) return error;
  w.current_written_bytes += piece.size();
  return {};
}

caf::expected<placed_file> aggregation_writer::end_file(bool failed) {
  auto& w = *impl_;
  if (auto error = w.expect(implementation::stage::in_file)) return error;
  // libarchive fills a short member up with zeros.
  if (auto error = w.end_member()) return error;
  w.at = implementation::stage::between_files;
  placed_file placed{w.current_offset_bytes, w.content_hasher.checksum(), false};
  if (failed || w.current_written_bytes != w.current.size_bytes) return placed_file{0, {}, true};
  if (auto error = w.list(w.current, placed.offset_bytes, placed.checksum)) return error;
  return placed;
}

caf::error aggregation_writer::finish() {
  auto& w = *impl_;
  if (auto error = w.expect(implementation::stage::between_files)) return error;
  if (auto error = w.write_manifest()) return error;
  w.tar = w.plain.get();
  if (archive_write_close(w.tar) != ARCHIVE_OK) return w.tar_failed("cannot end the tar");
  if (w.broken) return w.broken;
  if (auto error = w.pad()) return error;
  w.at = implementation::stage::finished;
  return {};
}

uint64_t aggregation_writer::size_bytes() const {
  return impl_->written_bytes;
}

aggregation_checksum aggregation_writer::checksum() const {
  return impl_->hasher.checksum();
}

}  // namespace et
