#include "cli/commands/ls_rows.hpp"

namespace et {

namespace {

// Appends the fields of one line in one of the three forms.
class row_writer {
 public:
  row_writer(std::string& out, ls_format format, char type)
      : out_(out), csv_(format == ls_format::csv), first_(csv_) {
    if (format == ls_format::json) {
      json_.emplace(out);
    } else if (!csv_) {
      out_ += type;
    }
  }

  // What may hold anything: names, tags, paths.
  row_writer& name(std::string_view key, const std::optional<std::string_view>& value) {
    if (begin(key, value.has_value())) {
      if (json_) {
        append_json(out_, *value);
      } else if (csv_) {
        append_csv(out_, *value);
      } else {
        append_escaped(out_, value->empty() ? std::string_view{"-"} : *value);
      }
    }
    return *this;
  }

  row_writer& number(std::string_view key, const std::optional<uint64_t>& value) {
    if (begin(key, value.has_value())) append_number(out_, *value);
    return *this;
  }

  row_writer& time(std::string_view key, const std::optional<int64_t>& time_ns) {
    if (begin(key, time_ns.has_value())) {
      if (json_) out_ += '"';
      append_time(out_, *time_ns);
      if (json_) out_ += '"';
    }
    return *this;
  }

  json_object* json() { return json_ ? &*json_ : nullptr; }

  void end() {
    if (json_) json_->close();
    out_ += csv_ ? "\r\n" : "\n";
  }

 private:
  // False when the field is complete: there is no value.
  bool begin(std::string_view key, bool known) {
    if (json_) {
      if (!known) json_->add_null(key);
      if (known) json_->begin(key);
      return known;
    }
    if (!first_) out_ += csv_ ? ',' : '\t';
    first_ = false;
    if (!known && !csv_) out_ += '-';
    return known;
  }

  std::string& out_;
  bool csv_;
  bool first_;
  std::optional<json_object> json_;
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
  row_writer line{out, format, 'H'};
  for (auto column : ls_columns(level)) line.name({}, column);
  line.end();
}

void append_row(std::string& out, const listed_workspace& row, ls_format format) {
  row_writer line{out, format, 'W'};
  line.name("workspace", row.name).number("batches", row.batches).number("files", row.files);
  line.number("bytes", row.size_bytes).number("quota", row.quota_bytes);
  line.number("quota_used", row.used_bytes).end();
}

void append_row(std::string& out, const listed_batch& row, ls_format format) {
  row_writer line{out, format, 'B'};
  line.number("batch", row.id).name("tag", row.tag).name("state", row.state);
  line.time("created", row.created_ns).number("files", row.files).number("bytes", row.size_bytes);
  line.name("requester", row.requester).end();
}

void append_row(std::string& out, const listed_file& row, ls_format format) {
  row_writer line{out, format, 'F'};
  line.number("batch", row.batch).name("state", row.state).number("size", row.size_bytes);
  line.time("mtime", row.mtime_ns);
  if (auto* json = line.json()) {
    if (row.mtime_ns) json->add_signed("mtime_ns", *row.mtime_ns);
    if (!row.mtime_ns) json->add_null("mtime_ns");
  }
  line.name("checksum", row.checksum);
  if (auto* json = line.json(); json != nullptr && !row.reason.empty()) {
    json->add("reason", row.reason);
  }
  line.name("path", row.path).end();
}

void append_row(std::string& out, const workspace_record& row, ls_format format) {
  append_row(out,
             listed_workspace{row.name, row.batches, row.used_files, row.used_bytes,
                              row.quota_bytes, row.used_bytes},
             format);
}

void append_row(std::string& out, const batch_record& row, ls_format format) {
  append_row(out,
             listed_batch{row.id.value, row.tag, to_string(row.state), row.created_ns, row.files,
                          row.size_bytes, row.requester},
             format);
}

void append_row(std::string& out, const file_row& row, ls_format format) {
  listed_file listed{
      row.batch.value, to_string(row.state), row.entry.size_bytes, row.entry.mtime_ns, {},
      row.reason,      row.entry.path};
  std::string checksum;
  if (row.has_checksum) listed.checksum = checksum = to_string(row.checksum);
  append_row(out, listed, format);
}

}  // namespace et
