// The error codes of the whole system, from the SCSI sense to the exit code.
//
// Every failure is a caf::error made by fail(): a code, what happened to what, and what to do.
// Filemark, end of data and early warning are results of a drive, never errors.
#pragma once

#include <caf/error.hpp>
#include <caf/expected.hpp>
#include <caf/make_message.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace et {

/// What went wrong, as programs tell cases apart. Numbers travel between processes: append only.
enum class errc : uint8_t {
  none = 0,
  invalid_argument,   ///< a parameter is malformed; the caller must change it
  not_found,          ///< the named thing does not exist, or the caller may not know that it does
  already_exists,     ///< the named thing exists
  not_authorised,     ///< the identity may not do this
  rejected,           ///< a batch was refused: bad lines, or nothing left of it
  over_quota,         ///< the workspace's quota does not allow it
  no_space,           ///< a file system or the cache is full; wait or make room
  io_error,           ///< the operating system failed a read or write
  corrupt,            ///< stored bytes do not match their checksum or their grammar
  source_changed,     ///< a source file is not what was registered
  source_unreadable,  ///< a source file is gone or may not be read by the requester
  wrong_position,     ///< the drive is not where the caller believed
  medium_error,       ///< the medium cannot be read or written here
  medium_full,        ///< end of medium: nothing more fits
  write_protected,    ///< the cartridge is write protected
  no_medium,          ///< no cartridge in the drive or slot
  wrong_volume,       ///< the cartridge's label is not the one expected
  device_error,       ///< drive or changer failed
  slot_occupied,      ///< the destination of a move holds a cartridge
  newer_version,      ///< the state was written by a newer version of the service
  locked,             ///< another process uses it
  limit_reached,      ///< a named bound of the service is reached; try again later
  timeout,            ///< no answer in time
  unavailable,        ///< the service, or a part of it, is not there
  protocol,           ///< a peer broke the protocol
  cancelled,          ///< given up on request
  interrupted,        ///< a signal ended it
  internal,           ///< a bug of ours
  unchanged,          ///< it is held already just as it is: nothing to do
  node_lost,          ///< a node of the cluster is lost; it may come back
};

/// The code's name, as in `corrupt`.
const char* to_string(errc code);

}  // namespace et

CAF_ERROR_CODE_ENUM(et::errc, "elastic")

namespace et {

/// An error of `code`; `text` says what happened, to what, and what to do. One line, no full stop.
caf::error fail(errc code, std::string text);

/// As fail(), with the text of `errno_value` after `text`; ENOSPC/EDQUOT become no_space.
caf::error fail_errno(std::string text, int errno_value, errc code = errc::io_error);

/// The code of `error`: errc::none for no error, errc::internal for an error of another category
/// (framework time-outs and lost peers become timeout and unavailable).
errc code_of(const caf::error& error);

/// The text of `error` for people; never empty for an error.
std::string text_of(const caf::error& error);

/// The same error with `context: ` before its text.
caf::error with_context(const caf::error& error, std::string_view context);

}  // namespace et
