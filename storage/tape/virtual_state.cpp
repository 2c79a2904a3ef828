#include "storage/tape/virtual_state.hpp"

#include <algorithm>
#include <charconv>

#include "storage/tape/virtual_format.hpp"

namespace et::tape {

namespace {

constexpr std::string_view title = "elastic-tape-library";
constexpr uint32_t state_version = 1;
constexpr std::string_view last_line = "end";

const char* keyword(element_kind kind) {
  switch (kind) {
    case element_kind::slot:
      return "slot";
    case element_kind::drive:
      return "drive";
    case element_kind::import_export:
      return "mail";
  }
  return "";
}

void format_places(std::string& out, element_kind kind,
                   const std::vector<library_state::place>& places) {
  for (size_t i = 0; i < places.size(); ++i) {
    if (!places[i].cartridge) continue;
    out += std::string{keyword(kind)} + " " + std::to_string(i) + " " + places[i].cartridge->value;
    if (kind == element_kind::drive)
      out += places[i].home_slot ? " " + std::to_string(*places[i].home_slot) : std::string{" -"};
    out += '\n';
  }
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t from = 0; from <= text.size();) {
    auto to = std::min(text.find(separator, from), text.size());
    parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

std::optional<uint32_t> parse_number(std::string_view text) {
  uint32_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<state_line> parse_line(std::string_view text) {
  auto words = split(text, ' ');
  state_line line;
  if (words.size() == 2 && words[0] == "missing") {
    line.cartridge = barcode{std::string{words[1]}};
    return valid_barcode(line.cartridge) ? std::optional{line} : std::nullopt;
  }
  if (words.size() < 3) return std::nullopt;
  auto number = parse_number(words[1]);
  if (!number) return std::nullopt;
  for (auto kind : {element_kind::slot, element_kind::drive, element_kind::import_export})
    if (words[0] == keyword(kind)) line.where = element{kind, *number};
  if (!line.where) return std::nullopt;
  line.cartridge = barcode{std::string{words[2]}};
  if (!valid_barcode(line.cartridge)) return std::nullopt;
  bool drive = line.where->kind == element_kind::drive;
  if (words.size() != (drive ? 4u : 3u)) return std::nullopt;
  if (drive && words[3] != "-") {
    line.home_slot = parse_number(words[3]);
    if (!line.home_slot) return std::nullopt;
  }
  return line;
}

}  // namespace

std::vector<library_state::place>& library_state::of(element_kind kind) {
  switch (kind) {
    case element_kind::drive:
      return drives;
    case element_kind::import_export:
      return mail_slots;
    default:
      return slots;
  }
}

library_state::place* library_state::find(element where) {
  auto& places = of(where.kind);
  return where.number < places.size() ? &places[where.number] : nullptr;
}

std::string format_state(const library_state& state) {
  std::string out{title};
  out += " " + std::to_string(state_version) + "\n";
  format_places(out, element_kind::slot, state.slots);
  format_places(out, element_kind::drive, state.drives);
  format_places(out, element_kind::import_export, state.mail_slots);
  for (const auto& id : state.missing) out += "missing " + id.value + "\n";
  out += last_line;
  out += '\n';
  return out;
}

caf::expected<std::vector<state_line>> parse_state(std::string_view text) {
  auto lines = split(text, '\n');
  auto first = split(lines.front(), ' ');
  auto version = first.size() == 2 ? parse_number(first[1]).value_or(0) : 0;
  if (first[0] != title || version == 0)
    return fail(errc::corrupt, "not the state file of a virtual library");
  if (version > state_version)
    return fail(errc::newer_version, "state file of version " + std::to_string(version) +
                                         ", this program knows " + std::to_string(state_version));
  // The text ends with the last line and its newline, behind which split() finds an empty line.
  if (lines.size() < 3 || !lines.back().empty() || lines[lines.size() - 2] != last_line)
    return fail(errc::corrupt, "the state file of a virtual library is cut off");
  std::vector<state_line> out;
  for (size_t i = 1; i + 2 < lines.size(); ++i) {
    auto line = parse_line(lines[i]);
    if (!line)
      return fail(errc::corrupt, "line " + std::to_string(i + 1) +
                                     " of the virtual library's state file is malformed");
    out.push_back(std::move(*line));
  }
  return out;
}

}  // namespace et::tape
