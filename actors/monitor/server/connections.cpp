#include "actors/monitor/server/connections.hpp"

#include <poll.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "actors/defaults.hpp"

namespace et::monitor {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Those that are there already get their turn in between.
constexpr size_t accepts_at_once = 64;
/// After accept() failed for want of descriptors.
constexpr auto accept_pause = milliseconds{100};
constexpr short gone = POLLERR | POLLHUP | POLLNVAL;

constexpr std::string_view too_large =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: "
    "0\r\n\r\n";
constexpr std::string_view too_busy =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    "Content-Length: 0\r\n\r\n";

}  // namespace

connections::connections(std::unique_ptr<http_engine> engine, std::unique_ptr<tls> secure,
                         listening at, unique_fd wake)
    : at_(std::move(at)),
      wake_(std::move(wake)),
      engine_(std::move(engine)),
      secure_(std::move(secure)),
      workers_(defaults::monitor_threads, defaults::monitor_queue),
      streams_([this](uint64_t stream, std::string bytes, bool last) {
        arrival one{stream, {}};
        one.made.bytes = std::move(bytes);
        one.last = last;
        post(std::move(one));
      }),
      thread_([this] { serve(); }) {
  ::pthread_setname_np(thread_.native_handle(), "monitor");
}

connections::~connections() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  uint64_t one = 1;
  [[maybe_unused]] auto n = ::write(wake_.get(), &one, sizeof one);
  thread_.join();
  all_.clear();
}

bool connections::stopping() {
  std::lock_guard lock{mutex_};
  return stopping_;
}

void connections::serve() {
  std::vector<pollfd> watched;
  std::vector<uint64_t> ids;
  bool accepting = true;
  while (!stopping()) {
    take_arrivals();
    expire(steady_clock::now());
    watched.assign({{wake_.get(), POLLIN, 0}, {accepting ? at_.socket.get() : -1, POLLIN, 0}});
    ids.clear();
    for (const auto& [id, one] : all_) {
      ids.push_back(id);
      watched.push_back({one.link.descriptor(), one.wanted(), 0});
    }
    if (::poll(watched.data(), watched.size(), wait_ms(accepting, steady_clock::now())) < 0)
      continue;
    if (watched[0].revents != 0) {
      uint64_t times = 0;
      [[maybe_unused]] auto n = ::read(wake_.get(), &times, sizeof times);
    }
    for (size_t i = 0; i < ids.size(); ++i) {
      auto one = all_.find(ids[i]);  // it may have gone to make room for another one
      if (watched[i + 2].revents != 0 && one != all_.end()) go_on(one, watched[i + 2].revents);
    }
    accepting = !accepting || (watched[1].revents & POLLIN) == 0 || accept_all();
  }
}

short connections::connection::wanted() const {
  switch (now) {
    case stage::reading:
      return link.wanted();
    case stage::making:
      return 0;
    case stage::sending:
      return unsent() > 0 ? link.wanted() : short{0};
    default:
      // Nobody closes his half of a stream to go on reading it.
      return static_cast<short>((unsent() > 0 ? link.wanted() : 0) | POLLRDHUP);
  }
}

connections::time_point connections::connection::deadline() const {
  auto stalled = unsent() > 0 ? taken + defaults::monitor_stall_timeout : time_point::max();
  return std::min(stalled, end);
}

int connections::wait_ms(bool accepting, time_point now) const {
  if (!accepting) return static_cast<int>(accept_pause.count());
  auto first = time_point::max();
  for (const auto& [id, one] : all_) first = std::min(first, one.deadline());
  if (first == time_point::max()) return -1;
  auto ms = std::chrono::duration_cast<milliseconds>(first - now).count() + 1;
  return static_cast<int>(std::max<int64_t>(ms, 0));
}

void connections::expire(time_point now) {
  for (auto one = all_.begin(); one != all_.end();) {
    auto next = std::next(one);
    if (one->second.deadline() <= now) cut(one);
    one = next;
  }
}

/// False: no connection can be taken at the moment.
bool connections::accept_all() {
  for (size_t i = 0; i < accepts_at_once; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    unique_fd socket{::accept4(at_.socket.get(), reinterpret_cast<sockaddr*>(&from), &size,
                               SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!socket) return errno == EAGAIN || errno == ECONNABORTED || errno == EINTR;
    add(std::move(socket), address_text(from));
  }
  return true;
}

std::string connections::url() const {
  return (secure_ ? "https://" : "http://") + at_.host + ":" + std::to_string(at_.port) + "/";
}

void connections::add(unique_fd socket, std::string peer) {
  auto waits = [](const auto& one) { return one.second.now == stage::reading; };
  auto waiting = std::count_if(all_.begin(), all_.end(), waits);
  // All may wait equally long: the first has waited longest.
  if (static_cast<size_t>(waiting) >= defaults::monitor_connections)
    end(std::find_if(all_.begin(), all_.end(), waits));
  ssl_ptr ssl;
  if (secure_ && !(ssl = secure_->begin(socket.get()))) return;
  connection made{channel{std::move(socket), std::move(ssl)}};
  made.peer = std::move(peer);
  made.end = steady_clock::now() + defaults::monitor_request_timeout;
  all_.emplace(++last_id_, std::move(made));
}

void connections::end(table::iterator one) {
  if (one->second.now == stage::streaming) streams_.remove(one->first);
  all_.erase(one);
}

/// Of a client that takes nothing. Without the reset the kernel would keep megabytes for it.
void connections::cut(table::iterator one) {
  if (one->second.unsent() > 0) one->second.link.reset();
  end(one);
}

void connections::go_on(table::iterator one, short ready) {
  auto now = one->second.now;
  if (now == stage::reading)
    read(one);
  else if ((ready & gone) != 0 || (now == stage::streaming && (ready & POLLRDHUP) != 0))
    end(one);
  else
    flush(one);
}

void connections::read(table::iterator one) {
  auto& request = one->second.request;
  auto from = request.size() < 3 ? 0 : request.size() - 3;
  switch (one->second.link.read(request)) {
    case moved::none:
      return;
    case moved::ended:
    case moved::failed:
      return end(one);
    case moved::some:
      break;
  }
  if (request.find("\r\n\r\n", from) != std::string::npos)
    begin_request(one);
  else if (request.size() >= defaults::monitor_request_bytes)
    refuse(one, too_large);
}

void connections::begin_request(table::iterator one) {
  make_room();
  auto& c = one->second;
  auto task = [this, id = one->first, peer = c.peer, request = std::move(c.request)]() mutable {
    make_first(id, std::move(request), peer);
  };
  c.now = stage::making;
  c.end = steady_clock::now() + defaults::monitor_answer_timeout;
  if (!workers_.begin(std::move(task))) refuse(one, too_busy);
}

/// For one more answer. Who takes what he asked for is not the one that waits longest.
void connections::make_room() {
  size_t answers = 0;
  auto longest = all_.end();
  for (auto one = all_.begin(); one != all_.end(); ++one) {
    const auto& c = one->second;
    if (c.now != stage::making && c.now != stage::sending) continue;
    ++answers;
    if (c.unsent() > 0 && (longest == all_.end() || c.taken < longest->second.taken)) longest = one;
  }
  // Without one there are only answers that are being made, which the queue bounds.
  if (answers >= defaults::monitor_answers && longest != all_.end()) cut(longest);
}

void connections::refuse(table::iterator one, std::string_view words) {
  auto& c = one->second;
  c.now = stage::sending;
  c.end = steady_clock::now() + defaults::monitor_stall_timeout;
  c.whole = true;
  c.put(std::string{words});
  flush(one);
}

void connections::connection::put(std::string bytes) {
  if (unsent() == 0) {
    taken = steady_clock::now();
    out = std::move(bytes);
  } else {
    out.erase(0, sent);
    out += bytes;
  }
  sent = 0;
}

/// Sends what the client takes, and has more made when little is left.
void connections::flush(table::iterator one) {
  auto& c = one->second;
  while (c.unsent() > 0) {
    size_t written = 0;
    auto came = c.link.write(std::string_view{c.out}.substr(c.sent), written);
    if (came == moved::ended) return end(one);
    if (came == moved::none) break;
    c.sent += written;
    c.taken = steady_clock::now();
  }
  if (c.next && c.unsent() < defaults::monitor_piece_bytes) {
    workers_.go_on([this, id = one->first, next = std::move(c.next)]() mutable {
      make_next(id, std::move(next));
    });
    c.next = nullptr;
  }
  if (c.unsent() > 0) return;
  c.out = {};
  c.sent = 0;
  if (!c.whole) return;
  c.link.end_gently();
  end(one);
}

void connections::take_arrivals() {
  std::vector<arrival> all;
  {
    std::lock_guard lock{mutex_};
    all.swap(arrivals_);
  }
  for (auto& one : all) take(std::move(one));
}

void connections::take(arrival got) {
  auto one = all_.find(got.connection);
  if (one == all_.end()) return;
  auto& c = one->second;
  if (got.first) return begin_answer(one, std::move(got.made));
  if (got.cut) {
    if (c.reset) c.link.reset();
    return end(one);
  }
  if (c.now == stage::streaming &&
      c.unsent() + got.made.bytes.size() > defaults::monitor_event_bytes)
    return cut(one);
  c.put(std::move(got.made.bytes));
  c.next = std::move(got.made.next);
  c.whole = got.last;
  flush(one);
}

void connections::begin_answer(table::iterator one, reply made) {
  auto& c = one->second;
  if (made.events) {
    if (!streams_.add(one->first, std::move(made.viewer), std::move(made.events)))
      return refuse(one, too_busy);
    c.now = stage::streaming;
  } else {
    c.now = stage::sending;
    c.whole = !made.next;
  }
  c.next = std::move(made.next);
  c.reset = made.reset;
  c.put(std::move(made.bytes));
  flush(one);
}

void connections::make_first(uint64_t id, std::string request, const std::string& peer) {
  arrival made{id, engine_->reply_to(std::move(request), peer)};
  made.first = true;
  post(std::move(made));
}

void connections::make_next(uint64_t id, piece_writer next) {
  arrival made{id, {}};
  try {
    auto more = next(made.made.bytes);
    if (!more) {
      spdlog::warn("monitor: an answer is cut: {}", text_of(more.error()));
      made.cut = true;
    } else if (*more) {
      made.made.next = std::move(next);
    } else {
      made.last = true;
    }
  } catch (const std::exception& e) {
    spdlog::error("monitor: an answer is cut: {}", e.what());
    made.cut = true;
  }
  post(std::move(made));
}

void connections::post(arrival one) {
  {
    std::lock_guard lock{mutex_};
    arrivals_.push_back(std::move(one));
  }
  uint64_t count = 1;
  [[maybe_unused]] auto n = ::write(wake_.get(), &count, sizeof count);
}

}  // namespace et::monitor
