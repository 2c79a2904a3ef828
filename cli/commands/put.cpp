#include "cli/commands/put.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <optional>

#include "cli/commands/list_lines.hpp"
#include "cli/commands/status.hpp"
#include "cli/commands/upload.hpp"
#include "cli/walker.hpp"
#include "storage/auth/token.hpp"

namespace et {

namespace {

constexpr size_t request_bytes = 16;
constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr unsigned walk_threads = 3;
constexpr size_t page_files = 1024;
constexpr uint64_t max_left_out_lines = 20;

// What is put: exactly one of them is there.
struct source {
  unique_fd opened;
  std::optional<list_lines> list;
  std::string name;
  std::unique_ptr<walker> walk;
};

bool is_one_word(const std::string& tag) {
  for (unsigned char c : tag) {
    if (c <= 0x20 || c == 0x7f) return false;
  }
  return !tag.empty() && tag.size() <= 128;
}

caf::error open_list(const put_options& options, source& from) {
  if (options.list_file == "-") {
    from.list.emplace(options.input_fd);
    from.name = "stdin";
    return caf::none;
  }
  auto file = open_file(options.list_file, O_RDONLY | O_NOCTTY);
  if (!file) return with_context(file.error(), "cannot read the list");
  struct stat info {};
  if (::fstat(file->get(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return fail(errc::invalid_argument, options.list_file + " is a directory, not a list of files");
  }
  from.opened = std::move(*file);
  from.list.emplace(from.opened.get());
  from.name = options.list_file;
  return caf::none;
}

caf::error open_source(const put_options& options, source& from) {
  if (options.retry.value != 0) return caf::none;
  if (!options.list_file.empty()) return open_list(options, from);
  auto root = open_walk_root(options.folder);
  if (!root) return root.error();
  from.walk = std::make_unique<walker>(std::move(*root), walk_threads);
  return caf::none;
}

/// After a part of it was read.
caf::error open_again(const put_options& options, source& from) {
  if (from.list) return from.list->again();
  from.walk.reset();
  return open_source(options, from);
}

caf::expected<std::string> request_id_of(const put_options& options) {
  if (!options.request_id.empty()) return options.request_id;
  std::array<uint8_t, request_bytes> random{};
  if (auto error = system_random().fill(random)) return error;
  std::string text;
  for (auto byte : random) {
    text += hex_digits[byte >> 4];
    text += hex_digits[byte & 15];
  }
  return text;
}

bool has_prefix(const std::string& path, const std::string& folder) {
  return folder == "/" || path == folder || path.starts_with(folder + "/");
}

/// True when nothing in `folder` can lie beneath one of the roots: said once, not for each file.
bool outside_roots(std::string folder, const std::vector<std::string>& roots) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  for (const auto& root : roots) {
    if (has_prefix(folder, root) || has_prefix(root, folder)) return false;
  }
  return !roots.empty();
}

class put_command {
 public:
  put_command(const put_options& options, command_context& context)
      : options_(options), context_(context) {}

  int run() {
    if (!options_.tag.empty() && !is_one_word(options_.tag)) {
      context_.report.error("-t: the tag must be one word of at most 128 bytes");
      return exit_parameters;
    }
    auto id = request_id_of(options_);
    if (!id) return end_with(context_, id.error());
    request_id_ = *id;
    auto request = parse_request_id(request_id_);
    if (!request) return end_with(context_, request.error());
    request_ = std::move(*request);
    source from;
    if (auto error = open_source(options_, from)) return end_with(context_, error);
    auto service = context_.connect();
    if (!service) return end_with(context_, service.error());
    service_ = std::move(*service);
    for (;;) {
      session_ = service_->session();
      auto code = attempt(from);
      if (code) return *code;
      if (auto error = service_->renew(session_, code.error())) return gave_up(error);
      if (auto error = open_again(options_, from)) return gave_up(error);
    }
  }

 private:
  /// The exit code; the error of a lost session.
  using ended = caf::expected<int>;

  ended attempt(source& from) {
    left_out_ = 0;
    std::string tag = options_.tag;
    if (options_.retry.value != 0) {
      auto status = service_->status(options_.workspace, options_.retry, 0);
      if (!status) return end(status.error());
      if (status->batch.failed_files == 0) return nothing_failed(status->batch);
      tag = status->batch.tag;
    }
    auto begun = service_->put_begin(options_.workspace, tag, only_changed(), request_);
    if (!begun) return end(begun.error());
    if (begun->committed.value != 0) return known(begun->committed);
    upload_stream stream{*service_, context_.report, begun->upload, from.name};
    if (from.walk && outside_roots(options_.folder, begun->roots)) {
      service_->put_drop(begun->upload);
      return reject(fail(errc::rejected, options_.folder + " is outside the workspace's roots"),
                    stream);
    }
    auto error = from.walk                   ? send_folder(*from.walk, stream)
                 : options_.retry.value != 0 ? send_failed(stream)
                                             : send_list(from, stream);
    if (!error) error = stream.finish();
    if (error && service_->lost(session_, error)) return error;
    tell_left_out();
    if (error) {
      service_->put_drop(begun->upload);
      if (refused_by(error)) return reject(error, stream);
      return end_with(context_, error);
    }
    return decide(begun->upload, stream);
  }

  /// Ends with `error`, or begins again where it means a lost session.
  ended end(const caf::error& error) {
    if (service_->lost(session_, error)) return error;
    return end_with(context_, error);
  }

  /// This put is a batch since it was asked for before.
  ended known(batch_id id) {
    auto status = service_->status(options_.workspace, id, 0);
    if (!status) return end(status.error());
    upload_stream none{*service_, context_.report, 0, {}};
    return accepted(status->batch, none);
  }

  /// The session is lost and there is no other.
  int gave_up(const caf::error& error) {
    int code = end_with(context_, error);
    std::string text =
        "whether the batch is registered is not known; this tells, and registers it "
        "if it is not (request id " +
        request_id_ + "): ";
    text += printable(repeated(context_, {"--request-id", request_id_}));
    if (options_.list_file == "-") text += " (with the same list on standard input)";
    context_.report.plain(text);
    return code;
  }

  static bool refused_by(const caf::error& error) {
    auto code = code_of(error);
    return code == errc::rejected || code == errc::over_quota;
  }

  caf::error send_folder(walker& walk, upload_stream& stream) {
    walk_page page;
    while (walk.next(page, page_files)) {
      for (const auto& note : page.errors) stream.refuse(0, note.path, note.reason);
      for (const auto& note : page.left_out) leave_out(note);
      for (auto& entry : page.files) {
        if (auto error = stream.add(std::move(entry), 0)) return error;
      }
      show(stream);
      if (stopped()) return fail(errc::interrupted, "interrupted; nothing is registered");
    }
    return caf::none;
  }

  bool only_changed() const { return options_.only_changed || options_.retry.value != 0; }

  int nothing_failed(const batch_record& batch) {
    return end_with(context_, fail(errc::not_found, "batch " + std::to_string(batch.id.value) +
                                                        " has no failed files: it is " +
                                                        to_string(batch.state)));
  }

  // The failed files of a batch, looked at anew.
  caf::error send_failed(upload_stream& stream) {
    file_inspector inspector;
    find_query query;
    query.batch = options_.retry;
    query.failed_only = true;
    for (;;) {
      auto page = service_->find(options_.workspace, query).get();
      if (!page) return page.error();
      for (const auto& row : page->rows) {
        file_entry entry;
        auto reason = inspector.look(row.entry.path, entry);
        if (!reason.empty())
          stream.refuse(0, row.entry.path, reason);
        else if (auto error = stream.add(std::move(entry), 0))
          return error;
      }
      show(stream);
      if (page->end) return caf::none;
      query.from = page->from;
      query.after = page->after;
    }
  }

  // Signals are caught after the first commit only.
  bool stopped() const { return context_.stopped && context_.stopped(); }

  caf::error send_list(source& from, upload_stream& stream) {
    auto& lines = *from.list;
    file_inspector inspector;
    std::string line;
    std::string path;
    while (lines.next(line)) {
      file_entry entry;
      auto reason = check_line(line, path);
      if (reason.empty()) reason = inspector.look(path, entry);
      if (!reason.empty()) {
        stream.refuse(lines.number(), line.empty() ? "''" : line, reason);
      } else if (auto error = stream.add(std::move(entry), lines.number())) {
        return error;
      }
      if (lines.number() % page_files == 0) show(stream);
    }
    if (stopped()) return fail(errc::interrupted, "interrupted; nothing is registered");
    if (lines.error()) return fail(errc::rejected, from.name + ": " + text_of(lines.error()));
    return caf::none;
  }

  void leave_out(const walk_note& note) {
    if (++left_out_ > max_left_out_lines) return;
    context_.report.plain("left out: " + printable(note.path) + ": " + note.reason);
  }

  void tell_left_out() {
    if (left_out_ <= max_left_out_lines) return;
    context_.report.plain("left out: " + std::to_string(left_out_ - max_left_out_lines) +
                          " more links and special files");
  }

  void show(const upload_stream& stream) {
    if (!context_.report.progress_due()) return;
    std::string text = std::to_string(stream.sent()) + " files sent, " +
                       std::to_string(stream.refused()) + " refused";
    if (only_changed()) text += ", " + std::to_string(stream.unchanged()) + " unchanged";
    context_.report.progress(text);
  }

  ended decide(uint64_t upload, const upload_stream& stream) {
    if (stream.refused() > 0 && !options_.skip_bad) {
      service_->put_drop(upload);
      return reject(
          fail(errc::rejected, std::to_string(stream.refused()) +
                                   " bad; nothing is registered (-c leaves bad ones out)"),
          stream);
    }
    if (stream.files() == 0) {
      service_->put_drop(upload);
      if (only_changed() && stream.unchanged() > 0) return nothing_new(stream);
      return reject(fail(errc::rejected, "no file to put"), stream);
    }
    // From here on a signal must not hide the id of a batch that exists.
    context_.catch_interrupt();
    auto batch = service_->put_commit(upload);
    if (!batch) return commit_failed(batch.error(), stream);
    return accepted(*batch, stream);
  }

  int nothing_new(const upload_stream& stream) {
    if (options_.json) {
      auto& text = context_.out.text();
      json_object line{text};
      line.add_null("batch").add("files", uint64_t{0}).add("unchanged", stream.unchanged());
      line.add("refused", stream.refused()).close();
      text += '\n';
    }
    context_.report.note("nothing to put: " + std::to_string(stream.unchanged()) +
                         " files are held already as they are");
    return finish_output(context_, exit_ok);
  }

  ended commit_failed(const caf::error& error, const upload_stream& stream) {
    if (refused_by(error)) return reject(error, stream);
    if (service_->lost(session_, error)) return error;
    auto code = code_of(error);
    if (code == errc::timeout || code == errc::unavailable) return gave_up(error);
    return end_with(context_, error);
  }

  int reject(const caf::error& error, const upload_stream& stream) {
    context_.report.error(printable(text_of(error)));
    if (options_.json) {
      auto& text = context_.out.text();
      json_object line{text};
      line.add_bool("rejected", true).add("refused", stream.refused());
      line.add("reason", text_of(error)).close();
      text += '\n';
    } else {
      context_.out.write("BATCH REJECTED\n");
    }
    return finish_output(context_, exit_refused);
  }

  int accepted(const batch_record& batch, const upload_stream& stream) {
    auto& text = context_.out.text();
    if (options_.json) {
      json_object line{text};
      line.add("batch", batch.id.value).add("workspace", batch.workspace_name);
      line.add("tag", batch.tag).add("files", batch.files).add("bytes", batch.size_bytes);
      line.add("refused", stream.refused()).add("left_out", left_out_);
      line.add("unchanged", stream.unchanged()).close();
      text += '\n';
    } else {
      text += "Batch ID: " + std::to_string(batch.id.value) + '\n';
    }
    context_.report.detail("batch " + std::to_string(batch.id.value) + ": " +
                           std::to_string(batch.files) + " files, " +
                           human_bytes(batch.size_bytes) + ", " + std::to_string(stream.refused()) +
                           " refused");
    int code = finish_output(context_, exit_ok);
    if (code != exit_ok || !options_.wait) return code;
    return wait_for_batch({options_.workspace, batch.id, options_.json, false}, *service_,
                          context_);
  }

  const put_options& options_;
  command_context& context_;
  std::unique_ptr<service_api> service_;
  uint64_t session_ = 0;
  std::string request_id_;
  std::string request_;  // its bytes
  uint64_t left_out_ = 0;
};

}  // namespace

caf::expected<std::string> parse_request_id(const std::string& text) {
  std::string id;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    auto high = hex_digits.find(text[i]);
    auto low = hex_digits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) break;
    id.push_back(static_cast<char>(high << 4 | low));
  }
  if (id.size() == request_bytes && text.size() == 2 * request_bytes) return id;
  return fail(errc::invalid_argument,
              "--request-id: " + std::to_string(2 * request_bytes) + " digits of 0-9 and a-f");
}

int run_put(const put_options& options, command_context& context) {
  return put_command{options, context}.run();
}

}  // namespace et
