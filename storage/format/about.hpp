// What the first member of an aggregation, about.json, says: whose data it is.
#pragma once

#include <caf/expected.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/error.hpp"
#include "storage/types.hpp"

namespace et {

/// Version of the aggregation format that this code writes; higher ones are refused.
constexpr uint32_t aggregation_format_version = 1;

struct aggregation_about {
  aggregation_id id;
  std::string workspace;
  std::string tag;
  std::string requester;
  int64_t created_ns = 0;  ///< time the batch was committed

  friend bool operator==(const aggregation_about&, const aggregation_about&) = default;
};

/// `.elastictape/BATCH.NUMBER/`: the folder of the describing members, without a leading slash.
std::string about_folder(const aggregation_id& id);

/// The JSON text, one key a line, ending in a newline. Strings that are not UTF-8 become
/// {"bytes":"base64"}. The same value always gives the same bytes.
std::string encode_about(const aggregation_about& about);

/// Errors: corrupt (not what encode_about() writes; unknown keys are ignored), newer_version.
caf::expected<aggregation_about> parse_about(std::string_view text);

/// `2023-11-14T22:13:20Z` of nanoseconds since 1970; for people.
std::string utc_text(int64_t time_ns);

}  // namespace et
