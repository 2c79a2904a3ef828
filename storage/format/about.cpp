#include "storage/format/about.hpp"

#include <ctime>
#include <exception>
#include <nlohmann/json.hpp>

#include "storage/format/text.hpp"

namespace et {

namespace {

using json = nlohmann::ordered_json;

constexpr const char* format_name = "elastictape aggregation";

json encode_string(const std::string& text) {
  if (is_utf8(text)) return text;
  return json{{"bytes", base64_encode(text)}};
}

caf::error decode_string(const json& object, const char* key, std::string& out) {
  const auto& value = object.at(key);
  if (value.is_string()) {
    out = value.get<std::string>();
    return {};
  }
  auto raw = base64_decode(value.at("bytes").get<std::string>());
  if (!raw) return with_context(raw.error(), key);
  out = std::move(*raw);
  return {};
}

// A number out of range must not wrap round into a valid one.
uint64_t unsigned_at(const json& object, const char* key, uint64_t limit) {
  const auto& value = object.at(key);
  if (!value.is_number_unsigned() || value.get<uint64_t>() > limit)
    throw std::out_of_range{std::string{key} + " is not a number in range"};
  return value.get<uint64_t>();
}

caf::expected<aggregation_about> decode(const json& object) {
  if (object.at("format").get<std::string>() != format_name)
    return fail(errc::corrupt, "about.json is not of an aggregation");
  auto version = unsigned_at(object, "version", UINT32_MAX);
  if (version > aggregation_format_version)
    return fail(errc::newer_version, "the aggregation has format version " +
                                         std::to_string(version) + ", this program knows up to " +
                                         std::to_string(aggregation_format_version));
  aggregation_about about;
  about.id.batch = batch_id{unsigned_at(object, "batch", UINT64_MAX)};
  about.id.number = static_cast<uint32_t>(unsigned_at(object, "number", UINT32_MAX));
  if (object.at("aggregation").get<std::string>() != to_string(about.id))
    return fail(errc::corrupt, "about.json contradicts itself about the aggregation's id");
  if (!object.at("created_ns").is_number_integer())
    return fail(errc::corrupt, "about.json has no creation time");
  about.created_ns = object.at("created_ns").get<int64_t>();
  for (auto [key, field] : {std::pair{"workspace", &about.workspace},
                            {"tag", &about.tag},
                            {"requester", &about.requester}})
    if (auto error = decode_string(object, key, *field))
      return fail(errc::corrupt, "about.json: " + text_of(error));
  return about;
}

}  // namespace

std::string about_folder(const aggregation_id& id) {
  return ".elastictape/" + to_string(id) + "/";
}

std::string utc_text(int64_t time_ns) {
  std::time_t seconds = time_ns / 1'000'000'000 - (time_ns % 1'000'000'000 < 0 ? 1 : 0);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

std::string encode_about(const aggregation_about& about) {
  json object;
  object["format"] = format_name;
  object["version"] = aggregation_format_version;
  object["aggregation"] = to_string(about.id);
  object["batch"] = about.id.batch.value;
  object["number"] = about.id.number;
  object["workspace"] = encode_string(about.workspace);
  object["tag"] = encode_string(about.tag);
  object["requester"] = encode_string(about.requester);
  object["created"] = utc_text(about.created_ns);
  object["created_ns"] = about.created_ns;
  return object.dump(2) + "\n";
}

caf::expected<aggregation_about> parse_about(std::string_view text) {
  try {
    return decode(json::parse(text));
  } catch (const std::exception& problem) {
    return fail(errc::corrupt, std::string{"about.json cannot be read: "} + problem.what());
  }
}

}  // namespace et
