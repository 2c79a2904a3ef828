#include "cli/commands/get_streams.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "cli/commands/range_reader.hpp"

namespace et {

namespace {

constexpr unsigned pieces_per_stream = 4;
// All streams together stay below what one session may have on the way.
constexpr unsigned pieces_at_once = 48;
// A file that cannot be written is read on up to here; behind that the reading starts anew.
constexpr uint64_t worth_restart_bytes = 8ull << 20;

// Errors after which the service gives nothing more at all.
bool is_fatal(const caf::error& error) {
  auto code = code_of(error);
  return code == errc::unavailable || code == errc::timeout || code == errc::protocol ||
         code == errc::not_authorised || code == errc::interrupted || code == errc::cancelled;
}

// Writes the files of one range, in the order of their offsets.
class range_writer {
 public:
  range_writer(get_state& state, target_cursor& cursor, const delivery& given, unsigned window)
      : state_(state),
        cursor_(cursor),
        range_(given.range),
        cache_fd_(given.descriptor == 0 ? unique_fd{}
                                        : state.service.take_descriptor(given.descriptor)),
        window_(window) {}

  void write(const file_row& row) {
    if (state_.halt) return;
    if (!reader_) restart(row.offset_bytes);
    if (row.entry.size_bytes <= range_reader::max_whole_bytes)
      write_small(row);
    else
      write_large(row);
  }

 private:
  void write_small(const file_row& row) {
    auto data = reader_->whole(row.offset_bytes, static_cast<size_t>(row.entry.size_bytes));
    if (!data) return lost(row, data.error());
    if (auto error = cursor_.put(row, *data, state_.overwrite)) return give_up(row, 0, error);
    state_.size_bytes += row.entry.size_bytes;
    state_.good_file(row.entry.path);
  }

  void write_large(const file_row& row) {
    auto file = cursor_.create(row, state_.overwrite);
    if (!file) return give_up(row, 0, file.error());
    uint64_t done = 0;
    while (done < row.entry.size_bytes) {
      if (state_.halt) return uncount(done);
      auto data = reader_->at(row.offset_bytes + done, row.entry.size_bytes - done);
      if (!data) {
        uncount(done);
        return lost(row, data.error());
      }
      if (auto error = (*file)->write(*data)) {
        file->reset();  // its room and its temporary name are free for another try
        return give_up(row, done, error);
      }
      done += data->size();
      state_.size_bytes += data->size();
    }
    if (auto error = (*file)->finish()) {
      file->reset();
      return give_up(row, done, error);
    }
    state_.good_file(row.entry.path);
  }

  void restart(uint64_t offset_bytes) {
    wanted_range rest = range_;
    rest.begin_bytes = offset_bytes;
    reader_.emplace(state_.service, state_.retrieval, rest, cache_fd_.get(), window_, state_.halt);
  }

  // This file cannot be written; the next ones can.
  void give_up(const file_row& row, uint64_t done, const caf::error& error) {
    state_.size_bytes -= done;
    auto code = code_of(error);
    if (code == errc::already_exists && is_there(row)) return;
    // The file of another stream had filled the disk, and is given up by now.
    if (code == errc::no_space && !again_ && state_.tree.has_room(row.entry.size_bytes)) {
      again_ = true;
      restart(row.offset_bytes);
      write(row);
      again_ = false;
      return;
    }
    state_.bad_file(row.entry.path, text_of(error));
    if (row.entry.size_bytes - done > worth_restart_bytes) reader_.reset();
  }

  // Another get has written the same meanwhile.
  bool is_there(const file_row& row) {
    auto there = cursor_.compare(row);
    if (!there || *there != target_state::same) return false;
    ++state_.skipped;
    return true;
  }

  // What was written of a file that does not become whole.
  void uncount(uint64_t done) { state_.size_bytes -= done; }

  // The bytes do not come.
  void lost(const file_row& row, const caf::error& error) {
    if (is_fatal(error) || state_.service.lost(state_.session, error))
      return state_.fail_all(error);
    state_.bad_file(row.entry.path, text_of(error));
    reader_.reset();
  }

  get_state& state_;
  target_cursor& cursor_;
  const wanted_range range_;
  const unique_fd cache_fd_;
  const unsigned window_;
  bool again_ = false;  // the file is written a second time
  std::optional<range_reader> reader_;
};

}  // namespace

bool told_files::is_new(const std::string& path) {
  std::lock_guard lock{mutex_};
  if (before_.size() + now_.size() < most_files) now_.insert(path);
  return before_.count(path) == 0;
}

void told_files::begin_try() {
  std::lock_guard lock{mutex_};
  before_.merge(now_);
  now_.clear();
}

void get_state::bad_file(const std::string& path, const std::string& reason) {
  ++bad;
  if (told != nullptr && !told->is_new(path)) return;
  report.error("bad file: " + printable(path) + ": " + printable(reason));
}

void get_state::good_file(const std::string& path) {
  ++files;
  if (report.wants_detail()) report.detail(printable(path));
}

void get_state::fail_all(const caf::error& error) {
  {
    std::lock_guard lock{mutex_};
    if (!error_) error_ = error;
  }
  halt = true;
}

caf::error get_state::first_error() {
  std::lock_guard lock{mutex_};
  return error_;
}

get_streams::get_streams(get_state& state, unsigned streams)
    : state_(state),
      streams_(std::clamp(streams, 1u, pieces_at_once)),
      window_(std::clamp(pieces_at_once / streams_, 1u, pieces_per_stream)) {}

get_streams::~get_streams() {
  if (!wait_done(0)) state_.halt = true;
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void get_streams::add(planned_range planned) {
  std::lock_guard lock{mutex_};
  range_key key{planned.range.aggregation, planned.range.begin_bytes};
  planned_.insert_or_assign(key, std::move(planned));
  if (!threads_.empty()) return;
  threads_.emplace_back([this] { ask_loop(); });
  for (unsigned i = 0; i < streams_; ++i) threads_.emplace_back([this] { write_loop(); });
}

bool get_streams::wait_done(unsigned wait_ms) {
  std::unique_lock lock{mutex_};
  auto done = [&] {
    return threads_.empty() || state_.halt || (ended_ && ready_.empty() && busy_ == 0);
  };
  return changed_.wait_for(lock, std::chrono::milliseconds{wait_ms}, done);
}

std::string get_streams::waiting() {
  std::lock_guard lock{mutex_};
  return ready_.empty() && busy_ == 0 ? waiting_ : std::string{};
}

void get_streams::ask_loop() {
  for (;;) {
    {
      // Not more than the streams can take: what is ready waits in the service's cache.
      std::unique_lock lock{mutex_};
      while (!state_.halt && ready_.size() + busy_ >= streams_) {
        changed_.wait_for(lock, std::chrono::milliseconds{100});
      }
      if (state_.halt) break;
    }
    auto given = state_.service.get_next(state_.retrieval);
    if (!given) {
      state_.fail_all(given.error());
      break;
    }
    if (!take_delivery(std::move(*given))) break;
  }
  std::lock_guard lock{mutex_};
  ended_ = true;
  changed_.notify_all();
}

bool get_streams::take_delivery(delivery given) {
  std::lock_guard lock{mutex_};
  if (given.kind == delivery_kind::waiting) {
    waiting_ = given.text;
    return true;
  }
  if (given.kind == delivery_kind::end) {
    if (!planned_.empty()) {
      state_.fail_all(fail(errc::protocol, "the service ended before it gave everything"));
    }
    return false;
  }
  auto found = planned_.find({given.range.aggregation, given.range.begin_bytes});
  if (found == planned_.end() || found->second.range.end_bytes != given.range.end_bytes) {
    state_.fail_all(fail(errc::protocol, "the service gave a range that was not asked for"));
    return false;
  }
  waiting_.clear();
  ready_.push_back({std::move(found->second), std::move(given)});
  planned_.erase(found);
  changed_.notify_all();
  return true;
}

void get_streams::write_loop() {
  target_cursor cursor{state_.tree};
  std::unique_lock lock{mutex_};
  for (;;) {
    while (!state_.halt && ready_.empty() && !ended_) {
      changed_.wait_for(lock, std::chrono::milliseconds{100});
    }
    if (state_.halt || ready_.empty()) break;
    task work = std::move(ready_.front());
    ready_.pop_front();
    ++busy_;
    lock.unlock();
    if (work.given.kind == delivery_kind::failed) {
      refuse(work);
    } else {
      deliver(work, cursor);
    }
    state_.kept_rows -= work.planned.rows.size();
    lock.lock();
    --busy_;
    changed_.notify_all();
  }
  changed_.notify_all();
}

void get_streams::deliver(task& work, target_cursor& cursor) {
  range_writer writer{state_, cursor, work.given, window_};
  uint64_t visited = each_file(work.planned, [&](const file_row& row) { writer.write(row); });
  if (state_.halt) return;
  if (visited != work.planned.files) {
    state_.bad_file("aggregation " + to_string(work.planned.range.aggregation),
                    std::to_string(work.planned.files - visited) +
                        " of its files have gone from "
                        "the listing");
  }
  auto error = state_.service.get_done(state_.retrieval, work.planned.range);
  if (error && (is_fatal(error) || state_.service.lost(state_.session, error)))
    state_.fail_all(error);
}

void get_streams::refuse(const task& work) {
  each_file(work.planned,
            [&](const file_row& row) { state_.bad_file(row.entry.path, work.given.text); });
}

// Visits the files of a range; returns how many there were.
uint64_t get_streams::each_file(const planned_range& planned,
                                const std::function<void(const file_row&)>& visit) {
  uint64_t visited = 0;
  for (const auto& row : planned.rows) {
    if (state_.halt) return visited;
    visit(row);
    ++visited;
  }
  if (!planned.rows.empty()) return visited;
  std::string after = planned.before;
  while (!state_.halt && (after.empty() || after < planned.last_path)) {
    auto page =
        state_.service.list_files(state_.workspace, planned.range.aggregation.batch, after).get();
    if (!page) {
      state_.fail_all(page.error());
      return visited;
    }
    if (page->empty()) return visited;
    for (const auto& row : *page) {
      after = row.entry.path;
      if (after > planned.last_path || state_.halt) break;
      if (!lies_in(row, planned.range)) continue;
      visit(row);
      ++visited;
    }
  }
  return visited;
}

}  // namespace et
