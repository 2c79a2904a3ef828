// How bytes enter and leave the format code: a sink that takes them, a source that gives them.
#pragma once

#include <caf/expected.hpp>
#include <cstdint>
#include <functional>
#include <span>

#include "storage/error.hpp"

namespace et {

/// Takes a stream of bytes in order: a cache file, a drive, a socket.
class byte_sink {
 public:
  virtual ~byte_sink() = default;

  /// Takes all of `data` or fails; `data` is the caller's again afterwards. After a failure nothing
  /// is known about what arrived, and the stream is not continued.
  virtual caf::error write(std::span<const uint8_t> data) = 0;
};

/// Gives a stream of bytes in order, a piece a call; an empty piece is its end. A piece stays valid
/// until the next call.
using byte_source = std::function<caf::expected<std::span<const uint8_t>>()>;

/// Takes a piece of a range that is being read; an error ends the reading with that error.
using range_sink = std::function<caf::error(std::span<const uint8_t>)>;

}  // namespace et
