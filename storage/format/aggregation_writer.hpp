// Packs files into one aggregation: a POSIX pax tar that plain tar reads, with the members
// about.json first and manifest.tsv last. docs/tape-format.md has the bytes.
//
// Order of calls: begin(), then for each file add_file() or begin_file(), write_data()...,
// end_file(), then finish(). A call out of order is errc::internal. When the sink or the spill
// folder fails, that error is returned, by every later call too, and the aggregation is abandoned.
// Not thread safe.
#pragma once

#include <caf/expected.hpp>
#include <memory>
#include <span>
#include <string>

#include "storage/catalogue/records.hpp"
#include "storage/error.hpp"
#include "storage/format/about.hpp"
#include "storage/format/byte_io.hpp"
#include "storage/types.hpp"

namespace et {

class aggregation_writer {
 public:
  struct options {
    /// The manifest beyond 4 MiB waits in a file without a name in this folder.
    std::string spill_folder = "/tmp";
    /// The aggregation's size is padded with zeros to a multiple of this.
    uint32_t padding_bytes = default_block_bytes;
  };

  /// `sink` receives the tar in pieces of about 1 MiB; the caller owns it; it must live until
  /// finish().
  aggregation_writer(byte_sink& sink, aggregation_about about, options opts);
  ~aggregation_writer();
  aggregation_writer(aggregation_writer&&) noexcept;
  aggregation_writer& operator=(aggregation_writer&&) noexcept;

  /// Writes the describing member.
  caf::error begin();

  /// Adds a file whose content is in memory; `content` must be as long as file.size_bytes, else
  /// source_changed. invalid_argument for a path that is not absolute and canonical (`//`, `.`,
  /// `..`, a slash at the end, NUL) or lies in about_folder(). After these two nothing was written
  /// and the writer can go on.
  caf::expected<placed_file> add_file(const file_entry& file, std::span<const uint8_t> content);
  /// The same with a checksum that the caller made of `content`, in another thread perhaps.
  caf::expected<placed_file> add_file(const file_entry& file, std::span<const uint8_t> content,
                                      const file_checksum& checksum);

  /// Begins a file of file.size_bytes whose content follows in pieces. invalid_argument as
  /// add_file().
  caf::error begin_file(const file_entry& file);
  /// Errors: source_changed when it is more than the file's size: nothing was written, and the
  /// caller ends the file as failed.
  caf::error write_data(std::span<const uint8_t> piece);
  /// Ends the file. With `failed`, or when less than its size came, the member is filled up with
  /// zeros so that the tar stays whole, placed_file.failed is set and the manifest leaves it out;
  /// a reader without the manifest (plain tar) sees a file with wrong content at that path.
  /// Filling up costs the rest of the size: the only file of an aggregation is better abandoned.
  caf::expected<placed_file> end_file(bool failed = false);

  /// Writes the manifest, the end of the tar and the padding. After success the sink has
  /// everything.
  caf::error finish();

  /// Bytes of the tar so far; after finish() the aggregation's size.
  uint64_t size_bytes() const;
  /// Of all bytes; valid after finish().
  aggregation_checksum checksum() const;

 private:
  struct implementation;
  std::unique_ptr<implementation> impl_;
};

}  // namespace et
