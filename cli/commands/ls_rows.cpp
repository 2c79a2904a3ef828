#include "cli/commands/ls_rows.hpp"

namespace et {

namespace {

// Appends the fields of one line in the form of text or CSV.
class field_line {
 public:
  field_line(std::string& out, ls_format format, char type)
      : out_(out), csv_(format == ls_format::csv) {
    if (!csv_) out_ += type;
    first_ = csv_;
  }
  // What may hold anything: names, tags, paths. Empty ones are a dash in text.
  field_line& name(std::string_view value) {
    separate();
    if (csv_) {
      append_csv(out_, value);
    } else {
      append_escaped(out_, value.empty() ? std::string_view{"-"} : value);
    }
    return *this;
  }
  // What cannot hold a separator or a quote.
  field_line& plain(std::string_view value) {
    separate();
    out_ += value;
    return *this;
  }
  field_line& number(uint64_t value) {
    separate();
    append_number(out_, value);
    return *this;
  }
  field_line& time(int64_t time_ns) {
    separate();
    append_time(out_, time_ns);
    return *this;
  }
  void end() { out_ += csv_ ? "\r\n" : "\n"; }

 private:
  void separate() {
    if (!first_) out_ += csv_ ? ',' : '\t';
    first_ = false;
  }
  std::string& out_;
  bool csv_;
  bool first_;
};

}  // namespace

const std::vector<std::string_view>& ls_columns(ls_level level) {
  static const std::vector<std::string_view> workspace{"workspace", "batches", "files",
                                                       "bytes",     "quota",   "quota used"};
  static const std::vector<std::string_view> batch{"batch", "tag",   "state",    "created",
                                                   "files", "bytes", "requester"};
  static const std::vector<std::string_view> file{"batch", "state",    "size",
                                                  "mtime", "checksum", "path"};
  return level == ls_level::workspace ? workspace : level == ls_level::batch ? batch : file;
}

void append_header(std::string& out, ls_level level, ls_format format) {
  if (format == ls_format::json) return;
  field_line line{out, format, 'H'};
  for (auto column : ls_columns(level)) line.plain(column);
  line.end();
}

void append_row(std::string& out, const workspace_record& row, ls_format format) {
  if (format == ls_format::json) {
    json_object line{out};
    line.add("workspace", row.name).add("batches", row.batches).add("files", row.used_files);
    line.add("bytes", row.used_bytes).add("quota", row.quota_bytes);
    line.add("quota_used", row.used_bytes).close();
    out += '\n';
    return;
  }
  field_line line{out, format, 'W'};
  line.name(row.name).number(row.batches).number(row.used_files).number(row.used_bytes);
  line.number(row.quota_bytes).number(row.used_bytes).end();
}

void append_row(std::string& out, const batch_record& row, ls_format format) {
  if (format == ls_format::json) {
    json_object line{out};
    line.add("batch", row.id.value).add("tag", row.tag).add("state", to_string(row.state));
    append_time(line.begin("created") += '"', row.created_ns);
    out += '"';
    line.add("files", row.files).add("bytes", row.size_bytes).add("requester", row.requester);
    line.close();
    out += '\n';
    return;
  }
  field_line line{out, format, 'B'};
  line.number(row.id.value).name(row.tag).plain(to_string(row.state)).time(row.created_ns);
  line.number(row.files).number(row.size_bytes).name(row.requester).end();
}

void append_row(std::string& out, const file_row& row, ls_format format) {
  if (format == ls_format::json) {
    json_object line{out};
    line.add("batch", row.batch.value).add("state", to_string(row.state));
    line.add("size", row.entry.size_bytes);
    append_time(line.begin("mtime") += '"', row.entry.mtime_ns);
    out += '"';
    line.add_signed("mtime_ns", row.entry.mtime_ns);
    if (row.has_checksum) {
      line.add("checksum", to_string(row.checksum));
    } else {
      line.add_null("checksum");
    }
    if (!row.reason.empty()) line.add("reason", row.reason);
    line.add("path", row.entry.path).close();
    out += '\n';
    return;
  }
  field_line line{out, format, 'F'};
  line.number(row.batch.value).plain(to_string(row.state)).number(row.entry.size_bytes);
  line.time(row.entry.mtime_ns);
  line.name(row.has_checksum ? to_string(row.checksum) : std::string{}).name(row.entry.path).end();
}

}  // namespace et
