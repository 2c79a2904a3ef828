#include "cli/commands/put.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <optional>

#include "cli/commands/status.hpp"
#include "cli/commands/upload.hpp"
#include "cli/list_file.hpp"
#include "cli/walker.hpp"

namespace et {

namespace {

constexpr unsigned walk_threads = 3;
constexpr size_t page_files = 1024;
constexpr uint64_t max_left_out_lines = 20;

// What is put: exactly one of them is there.
struct source {
  unique_fd opened;
  int list_fd = -1;
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
    from.list_fd = options.input_fd;
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
  from.list_fd = from.opened.get();
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
    source from;
    if (auto error = open_source(options_, from)) return end_with(context_, error);
    auto service = context_.connect();
    if (!service) return end_with(context_, service.error());
    service_ = std::move(*service);
    std::string tag = options_.tag;
    if (options_.retry.value != 0) {
      auto status = service_->status(options_.workspace, options_.retry, 0);
      if (!status) return end_with(context_, status.error());
      if (status->batch.failed_files == 0) return nothing_failed(status->batch);
      tag = status->batch.tag;
    }
    auto begun = service_->put_begin(options_.workspace, tag, only_changed());
    if (!begun) return end_with(context_, begun.error());
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
    tell_left_out();
    if (error) {
      service_->put_drop(begun->upload);
      return refused_by(error) ? reject(error, stream) : end_with(context_, error);
    }
    return decide(begun->upload, stream);
  }

 private:
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

  caf::error send_list(const source& from, upload_stream& stream) {
    line_reader lines{from.list_fd};
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

  int decide(uint64_t upload, const upload_stream& stream) {
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

  int commit_failed(const caf::error& error, const upload_stream& stream) {
    if (refused_by(error)) return reject(error, stream);
    auto code = code_of(error);
    if (code != errc::timeout && code != errc::unavailable) return end_with(context_, error);
    return end_with(
        context_,
        fail(code, text_of(error) + "; whether the batch was registered is not known: look "
                                    "with et_ls before trying again"));
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
  uint64_t left_out_ = 0;
};

}  // namespace

int run_put(const put_options& options, command_context& context) {
  return put_command{options, context}.run();
}

}  // namespace et
