// Reads an aggregation: its members one after the other, what it says about itself, its manifest.
#pragma once

#include <caf/expected.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "storage/error.hpp"
#include "storage/format/about.hpp"
#include "storage/format/byte_io.hpp"
#include "storage/format/manifest.hpp"

namespace et {

/// A member of the tar as its header tells it.
struct tar_member {
  std::string name;  ///< as in the tar: no leading slash
  uint64_t size_bytes = 0;
  uint64_t offset_bytes = 0;  ///< of its content in the tar
  int64_t mtime_s = 0;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
};

/// Goes through an aggregation once, front to back. Errors: the source's own; corrupt for what is
/// not a tar that aggregation_writer makes. After an error the reader is not used any more.
class aggregation_reader {
 public:
  explicit aggregation_reader(byte_source source);
  ~aggregation_reader();
  aggregation_reader(aggregation_reader&&) noexcept;
  aggregation_reader& operator=(aggregation_reader&&) noexcept;

  /// The next member, or nullopt at the end; what is left of the current one is skipped.
  caf::expected<std::optional<tar_member>> next();

  /// The next piece of the current member's content, valid until the next call; empty at its end.
  caf::expected<std::span<const uint8_t>> read();

  /// All that is left of the current member; corrupt when that is more than `limit_bytes`.
  caf::expected<std::string> read_all(size_t limit_bytes);

 private:
  struct implementation;
  std::unique_ptr<implementation> impl_;
};

/// The first member's description. Needs only the first few KiB of the source. Errors: corrupt,
/// newer_version, the source's own.
caf::expected<aggregation_about> read_about(byte_source source);

/// What a whole aggregation says, checked.
struct aggregation_contents {
  aggregation_about about;
  uint64_t files = 0;           ///< in the manifest
  uint64_t content_bytes = 0;   ///< sum of their sizes
  uint64_t unlisted_files = 0;  ///< members filled up with zeros because their source failed
};

/// Takes an entry; an error ends the reading with that error.
using manifest_visitor = std::function<caf::error(manifest_entry&&)>;

/// Reads a whole aggregation and proves that its manifest is true: every listed file is a member of
/// that name and size, at the listed offset, whose content has the listed checksum, in the order of
/// the tar. `visit` (may
/// be empty) gets each entry. About 100 bytes of memory a file and its path. Error: corrupt names
/// the file.
caf::expected<aggregation_contents> verify_aggregation(byte_source source, manifest_visitor visit);

}  // namespace et
