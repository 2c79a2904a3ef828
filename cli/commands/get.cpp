#include "cli/commands/get.hpp"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <tuple>

#include "cli/commands/get_progress.hpp"
#include "cli/commands/get_streams.hpp"
#include "cli/list_file.hpp"

namespace et {

namespace {

using steady = std::chrono::steady_clock;

// Rows held in memory for ranges that wait; those of later ranges are listed again.
constexpr uint64_t max_kept_rows = 300'000;
constexpr size_t max_page = 4096;
constexpr size_t max_page_bytes = 512 * 1024;
// Listed files closer than this are read in one go: between neighbours lie only headers.
constexpr uint64_t list_gap_bytes = 4096;
constexpr unsigned show_ms = 200;

/// What goes from one try, in one session, to the next.
struct get_history {
  const steady::time_point started = steady::now();
  told_files told;
  /// Of a list, once it was looked up; and how many of its lines were bad.
  std::optional<std::vector<file_row>> rows;
  uint64_t bad_lines = 0;
  uint64_t files = 0;  ///< written
  uint64_t size_bytes = 0;
};

/// One try.
class get_command {
 public:
  get_command(const get_options& options, command_context& context, service_api& service,
              int target_fd, get_history& history)
      : options_(options),
        context_(context),
        history_(history),
        whole_batch_(options.list_file.empty()),
        state_{service, context.report, options.workspace, options.overwrite, target_fd},
        cursor_(state_.tree),
        planner_(whole_batch_ ? std::numeric_limits<uint64_t>::max() : list_gap_bytes),
        stop_(context.catch_interrupt()) {
    history.told.begin_try();
    state_.told = &history.told;
    state_.session = service.session();
  }

  /// The exit code; the error of a lost session, in which case another try may go on.
  caf::expected<int> run(int list_fd) {
    auto begun = state_.service.get_begin(options_.workspace, options_.batch);
    if (!begun) {
      if (state_.service.lost(state_.session, begun.error())) return begun.error();
      return end_with(context_, begun.error());
    }
    state_.retrieval = begun->id;
    // By this number status and cancel know it.
    context_.report.note("retrieval " + std::to_string(begun->id.value));
    transfer(list_fd);
    auto error = state_.first_error();
    history_.files += state_.files;
    history_.size_bytes += state_.size_bytes;
    if (error && !stop_ && state_.service.lost(state_.session, error)) return error;
    return finish();
  }

  /// The session is lost and there is no other.
  int gave_up(const caf::error& error) {
    summarise();
    if (stop_) return tell_interrupted();
    context_.report.error(printable(text_of(error)));
    context_.report.note("files that are there now are not fetched again");
    return code_of(error) == errc::not_authorised ? exit_refused : exit_failed;
  }

 private:
  // All threads have ended and temporary files are gone when this returns.
  void transfer(int list_fd) {
    get_streams streams{state_, options_.streams};
    streams_ = &streams;
    auto error = whole_batch_ ? plan_batch() : plan_list(list_fd);
    if (!error) error = send(true);
    if (error) state_.fail_all(error);
    while (!streams.wait_done(show_ms)) show();
    streams_ = nullptr;
  }

  using pages = std::deque<pending<std::vector<file_row>>>;

  caf::error plan_batch() {
    if (auto status = state_.service.status(options_.workspace, options_.batch, 0)) {
      total_files_ = status->batch.files;
      total_bytes_ = status->batch.size_bytes;
    } else {
      return status.error();
    }
    std::string before;
    auto next = state_.service.list_files(options_.workspace, options_.batch, before);
    for (;;) {
      auto page = next.get();
      if (!page) return page.error();
      if (page->empty()) return caf::none;
      next = state_.service.list_files(options_.workspace, options_.batch, page->back().entry.path);
      for (auto& row : *page) {
        if (halted()) return caf::none;
        consider(row, before);
        before = std::move(row.entry.path);
      }
      if (auto error = send(false)) return error;
      show();
    }
  }

  // A list from a pipe can be read once only.
  caf::error look_up(int list_fd) {
    std::vector<file_row> rows;
    if (auto error = find_rows(list_fd, rows)) return error;
    std::sort(rows.begin(), rows.end(), [](const file_row& a, const file_row& b) {
      return std::tie(a.batch, a.aggregation, a.offset_bytes, a.entry.path) <
             std::tie(b.batch, b.aggregation, b.offset_bytes, b.entry.path);
    });
    auto same = [](const file_row& a, const file_row& b) {
      return a.batch == b.batch && a.entry.path == b.entry.path;
    };
    rows.erase(std::unique(rows.begin(), rows.end(), same), rows.end());
    history_.rows = std::move(rows);
    history_.bad_lines = state_.bad;
    return caf::none;
  }

  caf::error plan_list(int list_fd) {
    if (history_.rows) {
      state_.bad = history_.bad_lines;
    } else if (auto error = look_up(list_fd)) {
      return error;
    }
    if (halted()) return caf::none;
    const auto& rows = *history_.rows;
    total_files_ = rows.size();
    for (const auto& row : rows) total_bytes_ += row.entry.size_bytes;
    for (size_t i = 0; i < rows.size() && !halted(); ++i) {
      consider(rows[i], {});
      if (i % max_page != 0) continue;
      if (auto error = send(false)) return error;
      show();
    }
    return caf::none;
  }

  // Reads the list and asks for its rows, several pages on the way.
  caf::error find_rows(int list_fd, std::vector<file_row>& rows) {
    line_reader lines{list_fd};
    std::string line;
    std::string path;
    std::vector<std::string> page;
    size_t page_bytes = 0;
    pages asked;
    auto ask = [&]() -> caf::error {
      if (!page.empty()) {
        asked.push_back(state_.service.find_files(options_.workspace, options_.batch, page));
      }
      page.clear();
      page_bytes = 0;
      return asked.size() < request_window ? caf::error{} : take_rows(asked, rows);
    };
    while (lines.next(line)) {
      if (halted()) return caf::none;
      auto reason = check_line(line, path);
      if (!reason.empty()) {
        state_.bad_file("line " + std::to_string(lines.number()) + ": " + line, reason);
        continue;
      }
      page_bytes += path.size();
      page.push_back(path);
      if (page.size() < max_page && page_bytes < max_page_bytes) continue;
      if (auto error = ask()) return error;
    }
    if (lines.error()) return lines.error();
    if (auto error = ask()) return error;
    while (!asked.empty()) {
      if (auto error = take_rows(asked, rows)) return error;
    }
    return caf::none;
  }

  caf::error take_rows(pages& asked, std::vector<file_row>& rows) {
    auto found = asked.front().get();
    asked.pop_front();
    if (!found) return found.error();
    for (auto& row : *found) {
      if (row.batch.value != 0) {
        rows.push_back(std::move(row));
      } else {
        state_.bad_file(row.entry.path,
                        options_.batch.value == 0
                            ? "not held by workspace " + options_.workspace
                            : "not held by batch " + std::to_string(options_.batch.value));
      }
    }
    return caf::none;
  }

  void consider(const file_row& row, const std::string& before) {
    const auto& path = row.entry.path;
    if (row.state == state::failed) {
      return state_.bad_file(
          path, "was not archived: " + (row.reason.empty() ? std::string{"failed"} : row.reason));
    }
    if (!row.has_checksum) return state_.bad_file(path, "not archived yet; try again later");
    bool empty = row.entry.size_bytes == 0;
    auto there = cursor_.compare(row);
    bool in_the_way = there && *there == target_state::different && !options_.overwrite;
    if (!there || *there == target_state::same || in_the_way) {
      if (!empty) planner_.skip();
      if (!there) return state_.bad_file(path, text_of(there.error()));
      if (in_the_way)
        return state_.bad_file(path, "another file is there; --overwrite replaces it");
      ++state_.skipped;
      total_bytes_ -= std::min(total_bytes_, row.entry.size_bytes);  // need not come
    } else if (empty) {
      write_empty(row);
    } else {
      bool keep = !whole_batch_ || state_.kept_rows < max_kept_rows;
      planner_.want(row, before, keep);
    }
  }

  void write_empty(const file_row& row) {
    if (auto error = cursor_.put(row, {}, options_.overwrite))
      return state_.bad_file(row.entry.path, text_of(error));
    state_.good_file(row.entry.path);
  }

  // Asks the service for the ranges planned so far.
  caf::error send(bool last) {
    std::vector<wanted_range> wanted;
    for (auto& planned : planner_.take(last)) {
      wanted.push_back(planned.range);
      state_.kept_rows += planned.rows.size();
      streams_->add(std::move(planned));
      any_wanted_ = true;
      if (wanted.size() < max_page) continue;
      if (auto error = state_.service.get_want(state_.retrieval, wanted, false)) return error;
      wanted.clear();
    }
    if (halted() || (wanted.empty() && !(last && any_wanted_))) return caf::none;
    return state_.service.get_want(state_.retrieval, wanted, last);
  }

  bool halted() {
    if (stop_) state_.halt = true;
    return state_.halt;
  }

  void show() {
    if (halted() || !context_.report.progress_due()) return;
    auto past =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - history_.started);
    get_progress::counts now{state_.files + state_.skipped, state_.size_bytes, state_.bad,
                             total_files_, total_bytes_};
    auto waiting = streams_ != nullptr ? streams_->waiting() : std::string{};
    context_.report.progress(progress_.line(past.count(), now, waiting));
  }

  int finish() {
    bool interrupted = stop_;
    auto error = state_.first_error();
    retrieval_outcome outcome;
    outcome.state = interrupted ? retrieval_state::cancelled
                    : error     ? retrieval_state::failed
                                : retrieval_state::completed;
    outcome.files = state_.files;
    outcome.size_bytes = state_.size_bytes;
    outcome.bad_files = state_.bad;
    auto ended = state_.service.get_end(state_.retrieval, outcome);
    summarise();
    if (interrupted) return tell_interrupted();
    if (!error && ended && state_.service.lost(state_.session, ended)) {
      // Every file is there and was checked; only the service's record lacks that.
      context_.report.note("the service could not be told of the end: " +
                           printable(text_of(ended)));
      ended = {};
    }
    if (!error) error = ended;
    if (error) {
      context_.report.error(printable(text_of(error)));
      return code_of(error) == errc::not_authorised ? exit_refused : exit_failed;
    }
    return state_.bad > 0 ? exit_bad_files : exit_ok;
  }

  int tell_interrupted() {
    context_.report.error("interrupted; the same command goes on where it was");
    return exit_interrupted;
  }

  void summarise() {
    double seconds = std::chrono::duration<double>(steady::now() - history_.started).count();
    // What an earlier try wrote was there already for this one.
    auto before = history_.files - state_.files;
    auto there = state_.skipped - std::min<uint64_t>(state_.skipped, before);
    auto tenths = static_cast<uint64_t>(seconds * 10);
    context_.report.note(std::to_string(history_.files) + " files written, " +
                         human_bytes(history_.size_bytes) + " in " + std::to_string(tenths / 10) +
                         "." + std::to_string(tenths % 10) + " s; " + std::to_string(there) +
                         " already there; " + std::to_string(state_.bad) + " bad");
    if (int error = state_.tree.owner_errno)
      context_.report.note(std::string{"owners could not be set: "} + std::strerror(error));
  }

  const get_options& options_;
  command_context& context_;
  get_history& history_;
  const bool whole_batch_;
  get_state state_;
  target_cursor cursor_;
  range_planner planner_;
  const std::atomic<bool>& stop_;
  get_streams* streams_ = nullptr;
  bool any_wanted_ = false;
  uint64_t total_files_ = 0;
  uint64_t total_bytes_ = 0;
  get_progress progress_;
};

}  // namespace

int run_get(const get_options& options, command_context& context) {
  auto target = open_target(options.folder);
  if (!target) {
    context.report.error(printable(text_of(target.error())));
    return code_of(target.error()) == errc::invalid_argument ? exit_parameters : exit_refused;
  }
  unique_fd opened;
  int list_fd = options.input_fd;
  if (!options.list_file.empty() && options.list_file != "-") {
    auto file = open_file(options.list_file, O_RDONLY | O_NOCTTY);
    if (!file) return end_with(context, with_context(file.error(), "cannot read the list"));
    opened = std::move(*file);
    list_fd = opened.get();
  }
  auto service = context.connect();
  if (!service) return end_with(context, service.error());
  get_history history;
  for (;;) {
    get_command attempt{options, context, **service, target->get(), history};
    auto session = (*service)->session();
    auto code = attempt.run(list_fd);
    if (code) return *code;
    if (auto error = (*service)->renew(session, code.error())) return attempt.gave_up(error);
  }
}

}  // namespace et
