#include "cli/commands/ls_monitor.hpp"

#include "cli/commands/ls_rows.hpp"
#include "cli/holdings_xml.hpp"
#include "cli/http_fetch.hpp"

namespace et {

namespace {

/// Of a monitor's own words in a message.
constexpr size_t max_quoted_bytes = 200;

const char* level_word(ls_level level) {
  return level == ls_level::workspace ? "top" : level == ls_level::batch ? "batch" : "file";
}

errc code_of_status(int status) {
  switch (status) {
    case 400:
      return errc::invalid_argument;
    case 401:
    case 403:
      return errc::not_authorised;
    case 404:
      return errc::not_found;
    default:
      return errc::unavailable;
  }
}

class monitor_listing {
 public:
  monitor_listing(const ls_options& options, output& out)
      : options_(options), out_(out), parser_(sink()) {}

  caf::error run() {
    holdings_query query{options_.workspace, options_.caller, {}, level_word(options_.level)};
    if (options_.level != ls_level::workspace) query.batch = options_.batch;
    auto url = holdings_url(options_.xml_source, query);
    if (!url) return url.error();
    caf::error wrong;
    auto answer = http_get(*url, options_.token, [&](std::string_view piece) {
      begin();
      wrong = parser_.feed(piece);
      // Who reads along sees what has come so far.
      return !wrong && out_.flush();
    });
    if (wrong || out_.failed_errno() != 0) return wrong;
    if (!answer) return answer.error();
    if (answer->status != 200) return refusal(*url, *answer);
    if (auto error = parser_.finish()) return error;
    if (query.batch.value != 0 && !found_) {
      return fail(errc::not_found,
                  "the monitor lists no batch " + std::to_string(options_.batch.value));
    }
    return caf::none;
  }

 private:
  void begin() {
    if (options_.header && !begun_) append_header(out_.text(), options_.level, options_.format);
    begun_ = true;
  }

  static caf::error refusal(const monitor_url& url, const http_answer& answer) {
    auto words = words_of_page(answer.words, max_quoted_bytes);
    return fail(code_of_status(answer.status), url.origin + " answers " +
                                                   std::to_string(answer.status) +
                                                   (words.empty() ? "" : ": " + words));
  }

  // A monitor that does not know the parameter lists the other batches too.
  bool is_wanted(const std::optional<uint64_t>& batch) {
    bool wanted = options_.batch.value == 0 || !batch || *batch == options_.batch.value;
    found_ = found_ || (wanted && batch);
    return wanted;
  }

  template <class Row>
  bool show(const Row& row) {
    append_row(out_.text(), row, options_.format);
    return out_.commit();
  }

  holdings_sink sink() {
    holdings_sink sink;
    if (options_.level == ls_level::workspace) {
      sink.workspace = [this](const listed_workspace& row) { return show(row); };
    } else if (options_.level == ls_level::batch) {
      sink.batch = [this](const listed_batch& row) { return !is_wanted(row.id) || show(row); };
    } else {
      // A batch may have no files left.
      sink.batch = [this](const listed_batch& row) { return is_wanted(row.id) || true; };
      sink.file = [this](const listed_file& row) { return !is_wanted(row.batch) || show(row); };
    }
    return sink;
  }

  const ls_options& options_;
  output& out_;
  holdings_parser parser_;
  bool begun_ = false;
  bool found_ = false;
};

}  // namespace

int run_ls_from_monitor(const ls_options& options, command_context& context) {
  auto error = monitor_listing{options, context.out}.run();
  int code = finish_output(context, exit_ok);
  return error && code == exit_ok ? end_with(context, error) : code;
}

}  // namespace et
