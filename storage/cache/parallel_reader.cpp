#include "storage/cache/parallel_reader.hpp"

#include <algorithm>
#include <exception>
#include <system_error>

#include "storage/format/hashes.hpp"

namespace et {

namespace {

constexpr size_t portion_bytes = max_small_file_bytes;
constexpr size_t max_portion_files = 64;

}  // namespace

struct parallel_reader::large_source {
  size_t index = 0;
  uint64_t size_bytes = 0;
  uint64_t cut_bytes = 0;  // how much of it is in portions; under the mutex
  open_source source;      // written by the first piece's thread before others may claim
  bool given_up = false;   // the consumer's: the failure was handed over
};

struct parallel_reader::portion {
  struct file {
    size_t begin_bytes = 0;
    size_t size_bytes = 0;
    file_checksum checksum;
    caf::error error;
  };

  bool ready = false;  // under the mutex
  uint64_t sequence = 0;
  uint64_t run = 0;
  std::unique_ptr<uint8_t[]> data;

  // Small files.
  size_t first = 0;
  size_t count = 0;
  std::vector<file> files{max_portion_files};

  // A piece of a large file, when `large` is set.
  std::shared_ptr<large_source> large;
  uint64_t offset_bytes = 0;
  size_t size_bytes = 0;
  caf::error error;
};

parallel_reader::parallel_reader(options opts) : options_(opts) {
  options_.threads = std::max<size_t>(options_.threads, 1);
  options_.portions = std::max<size_t>(options_.portions, 2);
}

parallel_reader::~parallel_reader() {
  {
    std::lock_guard lock{mutex_};
    quit_ = true;
  }
  work_.notify_all();
  for (auto& thread : threads_) thread.join();
}

caf::error parallel_reader::start_threads() {
  try {
    while (ring_.size() < options_.portions) {
      auto p = std::make_unique<portion>();
      p->data.reset(new uint8_t[portion_bytes]);
      ring_.push_back(std::move(p));
    }
    threads_.reserve(options_.threads);
    while (threads_.size() < options_.threads) threads_.emplace_back([this] { read_loop(); });
  } catch (const std::system_error&) {
    // With fewer threads it is slower, with none nothing goes.
    if (threads_.empty()) return fail(errc::limit_reached, "cannot start a thread to read sources");
  } catch (const std::exception&) {
    return fail(errc::limit_reached, "no memory to read sources");
  }
  return {};
}

caf::error parallel_reader::run(source_opener& opener, std::span<const file_entry> entries,
                                source_consumer& consumer, const std::atomic<bool>& cancel) {
  if (auto error = start_threads()) return error;
  {
    std::lock_guard lock{mutex_};
    ++run_;
    opener_ = &opener;
    entries_ = entries;
    next_entry_ = 0;
    stopping_ = false;
  }
  work_.notify_all();
  caf::error result;
  while (auto* p = wait_for_next()) {
    if (!result) {
      try {
        result = hand_over(*p, consumer, cancel);
      } catch (const std::exception& problem) {
        result = fail(errc::internal, std::string{"packing threw: "} + problem.what());
      }
    }
    p->large.reset();
    bool wake = false;
    {
      std::lock_guard lock{mutex_};
      p->ready = false;
      ++consumed_;
      if (result) stopping_ = true;
      wake = waiting_threads_ > 0 && can_claim();
    }
    if (wake) work_.notify_one();
  }
  std::lock_guard lock{mutex_};
  opener_ = nullptr;
  entries_ = {};
  large_.reset();
  return result;
}

// The next portion in order when it has been read; null when there are no more. Portions that were
// claimed are always waited for, after a stop as well, so that no thread is left inside the run.
parallel_reader::portion* parallel_reader::wait_for_next() {
  auto& p = *ring_[consumed_ % ring_.size()];
  std::unique_lock lock{mutex_};
  ready_.wait(lock,
              [&] { return p.ready || (claimed_ == consumed_ && (stopping_ || exhausted())); });
  return p.ready ? &p : nullptr;
}

bool parallel_reader::exhausted() const {
  return !large_ && next_entry_ == entries_.size();
}

bool parallel_reader::can_claim() const {
  return opener_ && !stopping_ && !opening_ && !exhausted() && claimed_ - consumed_ < ring_.size();
}

void parallel_reader::read_loop() {
  uint64_t entered_run = 0;
  caf::error entered;  // why this thread cannot read for this run
  std::unique_lock lock{mutex_};
  for (;;) {
    ++waiting_threads_;
    work_.wait(lock, [this] { return quit_ || can_claim(); });
    --waiting_threads_;
    if (quit_) return;
    auto& p = claim();
    // The consumer wakes one thread; that one wakes the next while there is work for it.
    bool wake = waiting_threads_ > 0 && can_claim();
    lock.unlock();
    if (wake) work_.notify_one();
    if (entered_run != p.run) {
      entered = opener_->enter_thread();
      entered_run = p.run;
    }
    p.error = entered;
    fill(p);
    lock.lock();
    if (p.large && p.error && large_ == p.large) large_.reset();
    p.ready = true;
    if (p.sequence == consumed_) ready_.notify_one();
  }
}

parallel_reader::portion& parallel_reader::claim() {
  auto& p = *ring_[claimed_ % ring_.size()];
  p.sequence = claimed_++;
  p.run = run_;
  if (!large_ && entries_[next_entry_].size_bytes > max_small_file_bytes) {
    large_ = std::make_shared<large_source>();
    large_->index = next_entry_;
    large_->size_bytes = entries_[next_entry_++].size_bytes;
    opening_ = true;
  }
  if (large_) {
    p.large = large_;
    p.offset_bytes = large_->cut_bytes;
    p.size_bytes = std::min<uint64_t>(portion_bytes, large_->size_bytes - large_->cut_bytes);
    large_->cut_bytes += p.size_bytes;
    if (large_->cut_bytes == large_->size_bytes) large_.reset();
    return p;
  }
  p.first = next_entry_;
  p.count = 0;
  size_t used_bytes = 0;
  while (p.count < max_portion_files && next_entry_ < entries_.size()) {
    auto size_bytes = entries_[next_entry_].size_bytes;
    if (size_bytes > portion_bytes - used_bytes) break;
    p.files[p.count++] = {used_bytes, size_bytes, {}, {}};
    used_bytes += size_bytes;
    ++next_entry_;
  }
  return p;
}

void parallel_reader::fill(portion& p) {
  try {
    if (p.large)
      fill_large(p);
    else
      fill_small(p);
  } catch (const std::exception& problem) {
    p.error = fail(errc::limit_reached, std::string{"reading a source threw: "} + problem.what());
    if (p.large) opened(p);
  }
}

void parallel_reader::fill_small(portion& p) {
  for (size_t i = 0; i < p.count && !p.error && !stopping_; ++i) {
    auto& file = p.files[i];
    auto source = opener_->open(entries_[p.first + i]);
    if (!source) {
      file.error = source.error();
      continue;
    }
    auto* data = p.data.get() + file.begin_bytes;
    file.error = read_source(*source, data, file.size_bytes, 0);
    if (!file.error) file.error = check_unchanged(*source);
    if (!file.error) file.checksum = hash_file_content({data, file.size_bytes});
  }
}

void parallel_reader::fill_large(portion& p) {
  auto& large = *p.large;
  if (p.offset_bytes == 0) {
    if (!p.error) {
      auto source = opener_->open(entries_[large.index]);
      if (source)
        large.source = std::move(*source);
      else
        p.error = source.error();
    }
    opened(p);
  }
  if (!p.error && !stopping_)
    p.error = read_source(large.source, p.data.get(), p.size_bytes, p.offset_bytes);
}

// Lets the threads go on behind the opening of a large file: with its pieces, or with what follows.
void parallel_reader::opened(portion& p) {
  if (p.offset_bytes != 0) return;
  {
    std::lock_guard lock{mutex_};
    // A large file has two pieces at least, so it is still the one being cut.
    if (large_ != p.large) return;
    opening_ = false;
    if (p.error) large_.reset();
  }
  work_.notify_one();
}

caf::error parallel_reader::hand_over(portion& p, source_consumer& consumer,
                                      const std::atomic<bool>& cancel) {
  if (cancel) return fail(errc::cancelled, "given up on request");
  return p.large ? hand_over_large(p, consumer) : hand_over_small(p, consumer);
}

caf::error parallel_reader::hand_over_small(portion& p, source_consumer& consumer) {
  for (size_t i = 0; i < p.count; ++i) {
    auto& file = p.files[i];
    auto& error = p.error ? p.error : file.error;
    auto result =
        error ? consumer.on_failure(p.first + i, error)
              : consumer.on_file(p.first + i, {p.data.get() + file.begin_bytes, file.size_bytes},
                                 file.checksum);
    if (result) return result;
  }
  return {};
}

caf::error parallel_reader::hand_over_large(portion& p, source_consumer& consumer) {
  auto& large = *p.large;
  // Pieces that were being read when an earlier one failed.
  if (large.given_up) return {};
  bool last = p.offset_bytes + p.size_bytes == large.size_bytes;
  // The last in order: every read of this file has ended, so that one look tells about all.
  if (!p.error && last) p.error = check_unchanged(large.source);
  if (p.error) {
    large.given_up = true;
    return consumer.on_failure(large.index, p.error);
  }
  if (p.offset_bytes == 0)
    if (auto error = consumer.on_begin(large.index)) return error;
  if (auto error = consumer.on_piece(large.index, {p.data.get(), p.size_bytes})) return error;
  return last ? consumer.on_end(large.index) : caf::error{};
}

}  // namespace et
