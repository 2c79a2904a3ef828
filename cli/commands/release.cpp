#include "cli/commands/release.hpp"

#include <cerrno>

#include "cli/commands/source_remover.hpp"
#include "storage/catalogue/progress.hpp"

namespace et {

namespace {

bool is_held_safely(const file_row& row) {
  return is_safe(row.state) && row.reason.empty() &&
         (row.has_checksum || row.entry.size_bytes == 0);
}

class release_command {
 public:
  release_command(const release_options& options, service_api& service, command_context& context)
      : options_(options),
        service_(service),
        context_(context),
        stop_(context.catch_interrupt()),
        remover_(options.dry_run) {}

  int run() {
    auto refused = why_not();
    if (!refused) return end_with(context_, refused.error());
    if (!refused->empty()) {
      context_.report.error(printable(*refused));
      return exit_failed;
    }
    auto error = remove_all();
    summarise();
    if (error) return end_with(context_, error);
    if (stop_) return exit_interrupted;
    return finish_output(context_, kept_ > 0 ? exit_bad_files : exit_ok);
  }

 private:
  std::string name() const { return "batch " + std::to_string(options_.batch.value); }

  // Why nothing of the batch may be removed; empty: it may.
  caf::expected<std::string> why_not() {
    auto status = service_.status(options_.workspace, options_.batch, 0);
    if (!status) return status.error();
    const auto& batch = status->batch;
    if (is_safe(batch.state)) return std::string{};
    if (!is_settled(batch))
      return name() + " is " + to_string(batch.state) +
             ", not safe; nothing is removed (elastictape status --wait waits for it)";
    return failed_and_not_elsewhere();
  }

  caf::expected<std::string> failed_and_not_elsewhere() {
    find_query query;
    query.batch = options_.batch;
    query.failed_only = true;
    for (;;) {
      auto page = service_.find(options_.workspace, query).get();
      if (!page) return page.error();
      auto missing = not_elsewhere(page->rows);
      if (!missing || !missing->empty() || page->end) return missing;
      query.from = page->from;
      query.after = page->after;
    }
  }

  caf::expected<std::string> not_elsewhere(const std::vector<file_row>& failed) {
    if (failed.empty()) return std::string{};
    std::vector<std::string> paths;
    for (const auto& row : failed) paths.push_back(row.entry.path);
    auto held = service_.find_files(options_.workspace, batch_id{}, paths).get();
    if (!held) return held.error();
    for (size_t i = 0; i < held->size() && i < failed.size(); ++i) {
      const auto& row = (*held)[i];
      if (row.batch != options_.batch && row.batch.value != 0 && is_held_safely(row)) continue;
      return name() + " is FAILED and " + failed[i].entry.path +
             " is not safe in another batch either (" + failed[i].reason +
             "); nothing is removed (elastictape retry puts failed files again)";
    }
    return std::string{};
  }

  caf::error remove_all() {
    auto next = service_.list_files(options_.workspace, options_.batch, {});
    for (;;) {
      auto page = next.get();
      if (!page) return page.error();
      if (page->empty()) return caf::none;
      next = service_.list_files(options_.workspace, options_.batch, page->back().entry.path);
      for (const auto& row : *page) {
        if (stop_) return caf::none;
        remove(row);
      }
      if (!context_.out.flush()) return caf::none;
      show();
    }
  }

  void remove(const file_row& row) {
    if (row.state == state::failed) {
      ++failed_;
      return;
    }
    if (!is_held_safely(row)) return keep(row, "is not safe");
    auto result = remover_.remove(row);
    if (result.what == removal::gone) {
      ++gone_;
    } else if (result.what == removal::kept) {
      keep(row, result.reason);
    } else {
      ++removed_;
      removed_bytes_ += row.entry.size_bytes;
      tell(row);
    }
  }

  void tell(const file_row& row) {
    const auto& path = row.entry.path;
    if (options_.dry_run && !options_.json) {
      append_escaped(context_.out.text(), path);
      context_.out.text() += '\n';
    } else if (!options_.dry_run && context_.report.wants_detail()) {
      context_.report.detail("removed: " + printable(path));
    }
  }

  void keep(const file_row& row, const std::string& reason) {
    ++kept_;
    context_.report.error("kept: " + printable(row.entry.path) + ": " + printable(reason));
  }

  void show() {
    if (!context_.report.progress_due()) return;
    context_.report.progress(std::to_string(removed_) + " files removed, " + std::to_string(gone_) +
                             " gone already, " + std::to_string(kept_) + " kept");
  }

  void summarise() {
    if (options_.json) {
      auto& text = context_.out.text();
      json_object line{text};
      line.add("batch", options_.batch.value).add_bool("dry_run", options_.dry_run);
      line.add("removed", removed_).add("removed_bytes", removed_bytes_);
      line.add("gone", gone_).add("kept", kept_).add("failed", failed_).close();
      text += '\n';
      return;
    }
    std::string text = name() + ": " + std::to_string(removed_) + " files" +
                       (options_.dry_run ? " would be removed, " : " removed, ") +
                       human_bytes(removed_bytes_) + "; " + std::to_string(gone_) +
                       " gone already, " + std::to_string(kept_) + " kept";
    if (failed_ > 0) text += "; " + std::to_string(failed_) + " failed ones left alone";
    context_.report.note(text);
  }

  const release_options& options_;
  service_api& service_;
  command_context& context_;
  const std::atomic<bool>& stop_;
  source_remover remover_;
  uint64_t removed_ = 0;
  uint64_t removed_bytes_ = 0;
  uint64_t gone_ = 0;
  uint64_t kept_ = 0;
  uint64_t failed_ = 0;
};

}  // namespace

int run_release(const release_options& options, command_context& context) {
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  return release_command{options, **service, context}.run();
}

}  // namespace et
