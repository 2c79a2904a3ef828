#include "tests/simulation/client.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "actors/actor_base.hpp"
#include "actors/defaults.hpp"
#include "actors/node_config.hpp"
#include "storage/format/hashes.hpp"
#include "tests/simulation/client_ask.hpp"

namespace et::simulation {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

bytes content_of(uint64_t content, uint64_t begin, uint64_t size) {
  // Words of 8 bytes, each by its number.
  auto first = begin / 8;
  auto last = (begin + size + 7) / 8;
  std::vector<uint64_t> words(last - first);
  for (size_t i = 0; i < words.size(); ++i)
    words[i] = dice{content + (first + i) * 0x51ed270b}.next();
  bytes data(size);
  if (size > 0)
    std::memcpy(data.data(), reinterpret_cast<const uint8_t*>(words.data()) + begin % 8, size);
  return data;
}

client::answer<bool> client::sleep(std::chrono::nanoseconds time) {
  answer<bool> made;
  auto number = next_wait_++;
  sleeping_[number] = [shared = made.shared] { shared->come(true); };
  self_->delayed_send(self_, time, tick_atom_v, number);
  return made;
}

client::client(world& of, wires& net, site& to, truth& known, fs::path sources, machine number,
               std::string workspace, bool administrator)
    : world_(of),
      wires_(net),
      site_(to),
      truth_(known),
      sources_(std::move(sources)),
      number_(number),
      workspace_(std::move(workspace)),
      administrator_(administrator) {
  fs::create_directories(sources_);
  actor_ = world_.as(number_, [&] {
    return world_.system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
      self_ = self;
      guard(self);
      return {[me = me_](tick_atom, uint64_t which) {
                if (*me) (*me)->wake(which);
              },
              [me = me_](start_atom, batch_id) {
                if (*me) (*me)->story_->begin();
              },
              [me = me_](cut_atom, uint64_t link, const std::string& why) {
                if (*me) (*me)->cut(link, why);
              }};
    });
  });
}

client::~client() {
  *me_ = nullptr;
  caf::anon_send_exit(actor_, caf::exit_reason::kill);
}

void client::wake(uint64_t which) {
  auto found = sleeping_.find(which);
  if (found == sleeping_.end()) return;
  auto then = std::move(found->second);
  sleeping_.erase(found);
  then();
}

void client::begin() {
  story_.emplace(administrator_ ? administer() : live());
  caf::anon_send(actor_, start_atom_v, batch_id{});
}

void client::begin_check() {
  story_.emplace(check_all());
  caf::anon_send(actor_, start_atom_v, batch_id{});
}

void client::begin_release() {
  story_.emplace(release_all());
  caf::anon_send(actor_, start_atom_v, batch_id{});
}

void client::cut(uint64_t link, const std::string& why) {
  if (session_ && session_->link == link) session_.reset();
  if (data_session_ && data_session_->link == link) data_session_.reset();
  std::vector<waiter> mine;
  for (auto i = waiting_.begin(); i != waiting_.end();) {
    auto next = std::next(i);
    if (i->second.link == link) {
      mine.push_back(std::move(i->second));
      waiting_.erase(i);
    }
    i = next;
  }
  for (auto& one : mine) one.give_up(fail(errc::unavailable, why));
}

wires::on_end client::on_cut(std::shared_ptr<uint64_t> link) {
  auto to = caf::actor_cast<caf::strong_actor_ptr>(actor_);
  return [to, link](const std::string& why) {
    caf::anon_send(caf::actor_cast<caf::actor>(to), cut_atom_v, *link, why);
  };
}

story<bool> client::connect() {
  if (session_) co_return true;
  identity who;
  who.uid = ::geteuid();
  who.gid = ::getegid();
  who.user = "user of " + workspace_;
  who.administrator = administrator_;
  auto link = std::make_shared<uint64_t>(0);
  session_ = site_.connect(number_, who, on_cut(link));
  if (!session_) {
    co_await sleep(world_.random().span(1s, 60s));
    co_return false;
  }
  *link = session_->link;
  auto info = co_await ask<session_info>(hello_atom_v, std::to_string(protocol_version));
  if (!info && session_) leave(session_);
  co_return info.engaged();
}

void client::leave(std::optional<site::session>& from) {
  if (!from) return;
  auto link = from->link;
  wires_.close(link, number_, "the client leaves");
  cut(link, "left");
}

story<bool> client::live() {
  while (!resting_) {
    co_await sleep(world_.random().span(50ms, world_.random().chance(0.05) ? 300s : 8s));
    if (!co_await connect()) continue;
    auto dice = world_.random().below(100);
    auto some = any_batch();
    if (dice < 30 || !some) {
      co_await put();
    } else if (dice < 60) {
      co_await look(*some);
    } else if (dice < 80) {
      co_await get(*some, false);
    } else if (dice < 84) {
      co_await remove(*some);
    } else if (dice < 88) {
      co_await cancel(*some);
    } else if (dice < 92) {
      co_await trespass();
    } else if (dice < 95) {
      tamper(truth_.batches.at(*some));
    } else if (dice < 97 && session_) {
      leave(session_);
    }
  }
  co_return true;
}

std::optional<batch_id> client::any_batch() {
  std::vector<batch_id> mine;
  for (auto& [id, batch] : truth_.batches)
    if (batch.workspace == workspace_ && !batch.removed) mine.push_back(id);
  if (mine.empty()) return std::nullopt;
  // Mostly what is young.
  if (mine.size() > 4 && world_.random().chance(0.6)) mine.erase(mine.begin(), mine.end() - 4);
  return mine[world_.random().below(mine.size())];
}

/// Changes or deletes a source file that is not known to be safe.
void client::tamper(true_batch& with) {
  for (auto& [path, file] : with.files) {
    if (file.safe || file.tampered || !world_.random().chance(0.3)) continue;
    file.tampered = true;
    if (world_.random().chance(0.5))
      fs::remove(path);
    else
      std::ofstream{path, std::ios::app} << "more";
    return;
  }
}

story<bool> client::put() {
  auto& dice = world_.random();
  true_batch made;
  made.workspace = workspace_;
  std::vector<file_entry> entries;
  auto count = dice.chance(0.1) ? dice.between(20, 60) : dice.between(1, 8);
  for (uint64_t i = 0; i < count; ++i) {
    true_file file;
    file.content = dice.next();
    auto& entry = file.entry;
    entry.path = (sources_ / ("d" + std::to_string(dice.below(4)))).string();
    fs::create_directories(entry.path);
    entry.path += "/f" + std::to_string(next_file_++);
    entry.size_bytes = dice.chance(0.05) ? dice.between(100'000, 1'500'000) : dice.below(20'000);
    entry.mode = 0640;
    entry.uid = ::geteuid();
    entry.gid = ::getegid();
    auto data = content_of(file.content, 0, entry.size_bytes);
    std::ofstream{entry.path, std::ios::binary}.write(reinterpret_cast<const char*>(data.data()),
                                                      static_cast<std::streamsize>(data.size()));
    entry.mtime_ns = 1'600'000'000'000'000'000 + static_cast<int64_t>(next_file_) * 1'000'000'007;
    timespec times[2] = {{entry.mtime_ns / 1'000'000'000, entry.mtime_ns % 1'000'000'000},
                         {entry.mtime_ns / 1'000'000'000, entry.mtime_ns % 1'000'000'000}};
    ::chmod(entry.path.c_str(), 0640);
    ::utimensat(AT_FDCWD, entry.path.c_str(), times, 0);
    entries.push_back(entry);
    made.files[entry.path] = file;
  }
  std::string request(16, ' ');
  for (auto& c : request) c = static_cast<char>('a' + dice.below(26));
  auto tag = "t" + std::to_string(next_file_);
  for (int attempt = 0; attempt < 200; ++attempt) {
    if (attempt > 0) co_await sleep(dice.span(1s, 30s));
    if (!co_await connect()) continue;
    auto begun = co_await ask<upload_info>(put_begin_atom_v, workspace_, tag, false, request);
    if (!begun) continue;
    batch_id committed = begun->committed;
    if (committed.value == 0) {
      auto refused = co_await ask<std::vector<entry_error>>(put_chunk_atom_v, begun->upload,
                                                            pack_entries(entries));
      if (!refused) continue;
      if (!refused->empty()) {
        // Its own earlier attempt may still be going.
        if (refused->front().code == errc::already_exists) {
          co_await ask<bool>(put_drop_atom_v, begun->upload);
          continue;
        }
        truth_.violated("a good entry was refused: " + refused->front().reason);
        co_return false;
      }
      auto batch = co_await ask<batch_record>(put_commit_atom_v, begun->upload);
      if (!batch && code_of(batch.error()) == errc::over_quota) co_return false;
      if (!batch) continue;
      committed = batch->id;
    }
    made.id = committed;
    world_.note(committed.value);
    if (truth_.batches.count(committed))
      truth_.violated("batch " + std::to_string(committed.value) + " was made twice");
    truth_.batches[committed] = std::move(made);
    ++truth_.puts;
    co_return true;
  }
  co_return false;
}

/// Lists the files of a batch and notes which are safe by that.
story<bool> client::look(batch_id id) {
  auto status = co_await ask<batch_status>(status_atom_v, workspace_, id, uint32_t{0});
  auto& batch = truth_.batches.at(id);
  if (!status) {
    if (code_of(status.error()) == errc::not_found && !batch.removed)
      truth_.violated("batch " + std::to_string(id.value) +
                      " is not known any more: " + text_of(status.error()));
    co_return false;
  }
  world_.note(static_cast<uint64_t>(status->batch.state));
  std::string after;
  size_t seen = 0;
  for (;;) {
    auto page = co_await ask<packed_page>(list_files_atom_v, workspace_, id, after);
    if (!page) co_return false;
    auto rows = unpack_rows(*page);
    if (!rows || rows->empty()) break;
    for (auto& row : *rows) {
      ++seen;
      auto found = batch.files.find(row.entry.path);
      if (found == batch.files.end()) {
        truth_.violated("batch " + std::to_string(id.value) +
                        " lists a file that is not its: " + row.entry.path);
        continue;
      }
      auto& file = found->second;
      bool safe = row.state == state::cached_synced || row.state == state::synced;
      if (file.safe && !safe)
        truth_.violated("file " + row.entry.path + " was safe and is " + to_string(row.state) +
                        " " + row.reason);
      if (!(row.entry == file.entry))
        truth_.violated("file " + row.entry.path + " is listed differently");
      file.safe = file.safe || safe;
    }
    after = rows->back().entry.path;
  }
  if (seen != batch.files.size() && !batch.removed)
    truth_.violated("batch " + std::to_string(id.value) + " lists " + std::to_string(seen) +
                    " files of " + std::to_string(batch.files.size()));
  co_return true;
}

story<bool> client::read_range(retrieval_id retrieval, const delivery& given,
                               const std::map<std::string, file_row>& rows) {
  auto range = given.range;
  bool elsewhere = !given.address.empty();
  if (elsewhere) {
    auto link = std::make_shared<uint64_t>(0);
    data_session_ = site_.connect_data(number_, given.address, given.ticket, on_cut(link));
    if (!data_session_) co_return false;
    *link = data_session_->link;
    auto info = co_await ask_at<session_info>(data_session_, hello_atom_v,
                                              std::to_string(protocol_version));
    if (!info) {
      leave(data_session_);
      co_return false;
    }
  }
  bytes data;
  bool good = true;
  while (good && range.begin_bytes + data.size() < range.end_bytes) {
    auto at = range.begin_bytes + data.size();
    auto length = static_cast<uint32_t>(std::min<uint64_t>(range.end_bytes - at, 500'000));
    auto piece = co_await ask_at<bytes>(elsewhere ? data_session_ : session_, get_data_atom_v,
                                        retrieval, range.aggregation, at, length);
    good = piece && !piece->empty();
    if (good) data.insert(data.end(), piece->begin(), piece->end());
  }
  if (elsewhere) leave(data_session_);
  if (good) compare(range, data, rows, good);
  co_return good;
}

void client::compare(const wanted_range& range, const bytes& data,
                     const std::map<std::string, file_row>& rows, bool& good) {
  for (auto& [path, row] : rows) {
    if (row.aggregation != range.aggregation.number || row.offset_bytes < range.begin_bytes ||
        row.offset_bytes + row.entry.size_bytes > range.end_bytes)
      continue;
    auto batch = truth_.batches.find(row.batch);
    if (batch == truth_.batches.end()) continue;
    auto& file = batch->second.files.at(path);
    auto wanted = content_of(file.content, 0, row.entry.size_bytes);
    auto begin = data.begin() + static_cast<std::ptrdiff_t>(row.offset_bytes - range.begin_bytes);
    if (std::equal(wanted.begin(), wanted.end(), begin)) {
      ++truth_.read_files;
      continue;
    }
    // As the real client: what does not have its checksum is not delivered.
    good = false;
    file_hasher hasher;
    hasher.update({&*begin, row.entry.size_bytes});
    if (hasher.checksum() == row.checksum)
      truth_.violated("file " + path + " was delivered different");
  }
}

/// Reads all of a batch that has bytes. With `must` everything has to come.
story<bool> client::get(batch_id id, bool must) {
  std::map<std::string, file_row> rows;
  std::string after;
  for (;;) {
    auto page = co_await ask<packed_page>(list_files_atom_v, workspace_, id, after);
    if (!page) co_return false;
    auto list = unpack_rows(*page);
    if (!list || list->empty()) break;
    for (auto& row : *list)
      if (row.has_checksum && row.entry.size_bytes > 0) rows[row.entry.path] = row;
    after = list->back().entry.path;
  }
  if (rows.empty()) co_return true;
  auto begun = co_await ask<retrieval_record>(get_begin_atom_v, workspace_, id);
  if (!begun) co_return false;
  std::vector<wanted_range> ranges;
  for (auto& [path, row] : rows) {
    if (!must && world_.random().chance(0.3)) continue;
    ranges.push_back(
        {{id, row.aggregation}, row.offset_bytes, row.offset_bytes + row.entry.size_bytes});
  }
  std::sort(ranges.begin(), ranges.end(), [](const wanted_range& a, const wanted_range& b) {
    return std::tie(a.aggregation, a.begin_bytes) < std::tie(b.aggregation, b.begin_bytes);
  });
  auto wanted = co_await ask<bool>(get_want_atom_v, begun->id, ranges, true);
  bool good = wanted.engaged();
  size_t finished = 0;
  while (wanted) {
    auto next = co_await ask<delivery>(get_next_atom_v, begun->id);
    if (!next) {
      good = false;
      break;
    }
    if (next->kind == delivery_kind::end) break;
    if (next->kind == delivery_kind::waiting) continue;
    world_.note(static_cast<uint64_t>(next->kind));
    if (next->kind == delivery_kind::failed) {
      good = false;
      spdlog::info("client of {}: aggregation {} failed: {}", workspace_,
                   to_string(next->range.aggregation), next->text);
      continue;
    }
    // A range that could not be read is done with as well.
    if (!co_await read_range(begun->id, *next, rows)) good = false;
    auto done = co_await ask<bool>(get_done_atom_v, begun->id, next->range);
    if (!done) {
      good = false;
      break;
    }
    ++finished;
  }
  retrieval_outcome outcome;
  outcome.state = good ? retrieval_state::completed : retrieval_state::failed;
  outcome.files = finished;
  outcome.bad_files = good ? 0 : 1;
  co_await ask<bool>(get_end_atom_v, begun->id, outcome);
  ++truth_.gets;
  co_return good;
}

story<bool> client::remove(batch_id id) {
  auto& batch = truth_.batches.at(id);
  batch.removed = true;  // from here on it may be
  auto removed = co_await ask<batch_record>(remove_atom_v, workspace_, id);
  if (removed) ++truth_.removes;
  co_return removed.engaged();
}

story<bool> client::cancel(batch_id id) {
  auto& batch = truth_.batches.at(id);
  batch.cancelled = true;
  auto cancelled = co_await ask<batch_record>(cancel_atom_v, workspace_, id);
  if (cancelled) ++truth_.cancels;
  co_return cancelled.engaged();
}

/// Asks for what is another workspace's.
story<bool> client::trespass() {
  std::vector<batch_id> foreign;
  for (auto& [id, batch] : truth_.batches)
    if (batch.workspace != workspace_) foreign.push_back(id);
  if (foreign.empty()) co_return false;
  auto number = foreign[world_.random().below(foreign.size())];
  auto theirs = truth_.batches.at(number).workspace;
  auto got_in = [&](bool it_did, const char* how) {
    if (it_did) truth_.violated("the user of " + workspace_ + how + theirs);
  };
  // In the name of the own workspace, and of theirs.
  const std::vector<std::string> names{workspace_, theirs};
  for (auto& named : names) {
    auto seen = co_await ask<batch_status>(status_atom_v, named, number, uint32_t{0});
    got_in(seen.engaged(), " sees a batch of ");
    auto listed = co_await ask<packed_page>(list_files_atom_v, named, number, std::string{});
    got_in(listed.engaged(), " lists files of ");
    auto begun = co_await ask<retrieval_record>(get_begin_atom_v, named, number);
    got_in(begun.engaged(), " retrieves from ");
    auto cancelled = co_await ask<batch_record>(cancel_atom_v, named, number);
    got_in(cancelled.engaged(), " cancels a batch of ");
    auto removed = co_await ask<batch_record>(remove_atom_v, named, number);
    got_in(removed.engaged(), " removes a batch of ");
  }
  co_return true;
}

story<bool> client::check_all() {
  std::vector<batch_id> mine;
  for (auto& [id, batch] : truth_.batches)
    if (batch.workspace == workspace_ && !batch.removed) mine.push_back(id);
  for (auto id : mine) {
    bool good = false;
    for (int attempt = 0; attempt < 20 && !good; ++attempt) {
      if (attempt > 0) co_await sleep(60s);
      if (!co_await connect()) continue;
      if (!co_await look(id)) continue;
      good = co_await get(id, true);
    }
    if (!good) truth_.violated("batch " + std::to_string(id.value) + " cannot be read any more");
  }
  co_return true;
}

}  // namespace et::simulation
