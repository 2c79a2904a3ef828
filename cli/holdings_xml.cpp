#include "cli/holdings_xml.hpp"

#include <expat.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <ctime>

#include "storage/format/xml_name.hpp"

namespace et {

namespace {

constexpr std::string_view root_name = "et_wkspaces";

// The values that are looked at; of all others nothing is kept.
enum class field {
  workspace_id,
  quota,
  quota_used,
  batch_id,
  batch_name,
  batch_state,
  file_count,
  batch_size,
  time_created,
  file_name,
  file_size,
  current_state,
};
constexpr std::array<std::string_view, 12> field_names{
    "workspace_id", "quota",      "quota_used",   "batch_id",  "batch_name", "batch_state",
    "file_count",   "batch_size", "time_created", "file_name", "file_size",  "current_state"};

std::optional<field> field_of(std::string_view element) {
  auto found = std::find(field_names.begin(), field_names.end(), element);
  if (found == field_names.end()) return std::nullopt;
  return static_cast<field>(found - field_names.begin());
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  auto begin = std::min(text.find_first_not_of(blanks), text.size());
  auto end = text.find_last_not_of(blanks);
  return text.substr(begin, end == std::string_view::npos ? 0 : end + 1 - begin);
}

// The values of one record; strings keep their room for the next one.
class record_values {
 public:
  void clear() { known_.reset(); }

  // The first one counts: workspaces have their number as a second id.
  void put(field which, const std::string& text) {
    auto i = static_cast<size_t>(which);
    if (!known_[i]) texts_[i] = text;
    known_[i] = true;
  }

  std::optional<std::string_view> text(field which) const {
    auto i = static_cast<size_t>(which);
    if (!known_[i]) return std::nullopt;
    return texts_[i];
  }

  std::optional<std::string_view> word(field which) const {
    auto value = text(which);
    return value ? std::optional{trimmed(*value)} : std::nullopt;
  }

  std::optional<uint64_t> number(field which) const {
    auto digits = word(which);
    uint64_t value = 0;
    if (!digits || digits->empty()) return std::nullopt;
    auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), value);
    if (error != std::errc{} || end != digits->data() + digits->size()) return std::nullopt;
    return value;
  }

  std::optional<int64_t> time(field which) const {
    auto value = word(which);
    return value ? local_time_ns(*value) : std::nullopt;
  }

 private:
  std::array<std::string, field_names.size()> texts_;
  std::bitset<field_names.size()> known_;
};

// The elements that hold others; every element within one is a value of it.
enum class record { none, workspace, batch, file };

record record_of(std::string_view element) {
  if (element == "et_wkspace") return record::workspace;
  if (element == "batch") return record::batch;
  if (element == "file") return record::file;
  return record::none;
}

}  // namespace

class holdings_parser::state {
 public:
  explicit state(holdings_sink sink) : sink_(std::move(sink)), parser_(XML_ParserCreate(nullptr)) {
    XML_SetUserData(parser_, this);
    XML_SetElementHandler(parser_, on_begin, on_end);
    XML_SetCharacterDataHandler(parser_, on_text);
    XML_SetStartDoctypeDeclHandler(parser_, on_doctype);
  }
  ~state() { XML_ParserFree(parser_); }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  caf::error feed(std::string_view piece, bool last) {
    if (error_) return error_;
    auto size = static_cast<int>(piece.size());
    fed_bytes_ += piece.size();
    if (XML_Parse(parser_, piece.data(), size, last ? 1 : 0) == XML_STATUS_ERROR) {
      if (!error_) error_ = syntax_error();
      return error_;
    }
    auto parsed = XML_GetCurrentByteIndex(parser_);
    if (!last && parsed >= 0 && fed_bytes_ - static_cast<uint64_t>(parsed) > max_xml_token_bytes) {
      error_ = bad("a tag or comment is over " + std::to_string(max_xml_token_bytes) + " bytes");
    }
    return error_;
  }

 private:
  static state& self(void* user) { return *static_cast<state*>(user); }
  static void XMLCALL on_begin(void* user, const XML_Char* name, const XML_Char**) {
    self(user).begin(name);
  }
  static void XMLCALL on_end(void* user, const XML_Char* name) { self(user).end(name); }
  static void XMLCALL on_text(void* user, const XML_Char* text, int size) {
    self(user).text({text, static_cast<size_t>(size)});
  }
  static void XMLCALL on_doctype(void* user, const XML_Char*, const XML_Char*, const XML_Char*,
                                 int) {
    self(user).stop(bad("it has a DOCTYPE"));
  }

  static caf::error bad(const std::string& what) {
    return fail(errc::protocol, "the answer is not a monitor's holdings in XML: " + what);
  }

  caf::error syntax_error() {
    auto code = XML_GetErrorCode(parser_);
    bool cut = code == XML_ERROR_NO_ELEMENTS || code == XML_ERROR_UNCLOSED_TOKEN ||
               code == XML_ERROR_PARTIAL_CHAR;
    if (cut && depth_ == 0) return bad(fed_bytes_ == 0 ? "it is empty" : "it has no element");
    if (cut) return fail(errc::protocol, "the monitor's answer ended too early");
    return bad(std::string{XML_ErrorString(code)} + " in line " +
               std::to_string(XML_GetCurrentLineNumber(parser_)));
  }

  void stop(caf::error error) {
    if (!error_) error_ = std::move(error);
    XML_StopParser(parser_, XML_FALSE);
  }

  void begin(std::string_view name) {
    if (error_) return;
    ++depth_;
    if (depth_ == 1 && name != root_name) {
      return stop(bad("its outermost element is <" + std::string{name.substr(0, 80)} + ">"));
    }
    if (depth_ > max_xml_depth) return stop(bad("elements are nested too deeply"));
    auto kind = record_of(name);
    if (kind == record::none) {
      field_ = field_of(name);
      value_.clear();
      return;
    }
    field_.reset();
    if (kind <= current_) return stop(bad("<" + std::string{name} + "> is within another one"));
    outer_[static_cast<size_t>(kind)] = current_;
    current_ = kind;
    of(kind).clear();
  }

  void text(std::string_view text) {
    if (error_ || !field_ || current_ == record::none) return;
    if (value_.size() + text.size() > max_xml_value_bytes) {
      return stop(bad("a value is over " + std::to_string(max_xml_value_bytes) + " bytes"));
    }
    value_ += text;
  }

  void end(std::string_view name) {
    if (error_) return;
    --depth_;
    auto kind = record_of(name);
    if (kind == record::none) {
      if (field_ && field_ == field_of(name) && current_ != record::none) {
        of(current_).put(*field_, value_);
      }
      field_.reset();
      return;
    }
    field_.reset();
    if (!give(kind)) stop(fail(errc::cancelled, "the rest of the holdings is not wanted"));
    current_ = outer_[static_cast<size_t>(kind)];
  }

  bool give(record kind) {
    const auto& all = of(kind);
    if (kind == record::workspace) {
      listed_workspace row;
      row.name = all.word(field::workspace_id);
      row.quota_bytes = all.number(field::quota);
      row.used_bytes = all.number(field::quota_used);
      return !sink_.workspace || sink_.workspace(row);
    }
    if (kind == record::batch) {
      listed_batch row;
      row.id = all.number(field::batch_id);
      row.tag = all.word(field::batch_name);
      row.state = all.word(field::batch_state);
      row.created_ns = all.time(field::time_created);
      row.files = all.number(field::file_count);
      row.size_bytes = all.number(field::batch_size);
      return !sink_.batch || sink_.batch(row);
    }
    listed_file row;
    row.batch = of(record::batch).number(field::batch_id);
    row.state = all.word(field::current_state);
    row.size_bytes = all.number(field::file_size);
    std::string path;
    if (auto shown = all.text(field::file_name)) row.path = path = raw_name(*shown);
    return !sink_.file || sink_.file(row);
  }

  record_values& of(record kind) { return values_[static_cast<size_t>(kind)]; }

  holdings_sink sink_;
  XML_Parser parser_;
  caf::error error_;
  uint64_t fed_bytes_ = 0;
  size_t depth_ = 0;
  record current_ = record::none;
  record outer_[4] = {};
  record_values values_[4];
  std::optional<field> field_;
  std::string value_;
};

holdings_parser::holdings_parser(holdings_sink sink)
    : state_(std::make_unique<state>(std::move(sink))) {}

holdings_parser::~holdings_parser() = default;

caf::error holdings_parser::feed(std::string_view piece) {
  return state_->feed(piece, false);
}

caf::error holdings_parser::finish() {
  return state_->feed({}, true);
}

std::optional<int64_t> local_time_ns(std::string_view text) {
  std::tm fields{};
  std::string copy{text};
  const char* end = strptime(copy.c_str(), "%Y-%m-%d %H:%M:%S", &fields);
  if (end == nullptr || *end != 0) return std::nullopt;
  fields.tm_isdst = -1;  // the zone knows
  int day = fields.tm_mday;
  auto seconds = std::mktime(&fields);
  if (fields.tm_mday != day) return std::nullopt;  // there is no such day
  int64_t time_ns = 0;
  if (__builtin_mul_overflow(int64_t{seconds}, int64_t{1'000'000'000}, &time_ns))
    return std::nullopt;
  return time_ns;
}

}  // namespace et
