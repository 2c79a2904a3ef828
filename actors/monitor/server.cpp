#include "actors/monitor/server.hpp"

#include <poll.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>

#include "actors/defaults.hpp"
#include "actors/monitor/address.hpp"
#include "actors/monitor/engine.hpp"

namespace et::monitor {

namespace {

using std::chrono::steady_clock;

/// Those that are there already get their turn in between.
constexpr size_t accepts_at_once = 64;
/// After accept() failed for want of descriptors.
constexpr auto accept_pause = std::chrono::milliseconds{100};

constexpr std::string_view too_large =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: "
    "0\r\n\r\n";
constexpr std::string_view too_busy =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
    "Content-Length: 0\r\n\r\n";

struct connection {
  unique_fd socket;
  std::string request;
  steady_clock::time_point end;  ///< of the wait for its request
};

/// What has come but was not read would make the kernel reset the connection, and the client would
/// lose the answer.
void end_gently(const unique_fd& socket) {
  ::shutdown(socket.get(), SHUT_WR);
  char unread[4096];
  for (int i = 0; i < 16; ++i)
    if (::recv(socket.get(), unread, sizeof unread, MSG_DONTWAIT) <= 0) return;
}

void refuse(const unique_fd& socket, std::string_view words) {
  [[maybe_unused]] auto sent =
      ::send(socket.get(), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  end_gently(socket);
}

}  // namespace

class server::connections {
 public:
  connections(page_context pages, listening at, unique_fd wake)
      : at_(std::move(at)), wake_(std::move(wake)), engine_(std::move(pages), at_.socket.get()) {}

  void start() {
    reader_ = std::thread{[this] { read_requests(); }};
    ::pthread_setname_np(reader_.native_handle(), "monitor");
    for (size_t i = 0; i < defaults::monitor_threads; ++i) {
      workers_.emplace_back([this] { answer_requests(); });
      ::pthread_setname_np(workers_.back().native_handle(), "monitor-page");
    }
  }

  ~connections() {
    {
      std::lock_guard lock{mutex_};
      stopping_ = true;
      engine_.close();
      for (int socket : answering_) ::shutdown(socket, SHUT_RDWR);
    }
    changed_.notify_all();
    uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(wake_.get(), &one, sizeof one);
    if (reader_.joinable()) reader_.join();
    for (auto& worker : workers_) worker.join();
  }

  std::string url() const { return "http://" + at_.host + ":" + std::to_string(at_.port) + "/"; }

 private:
  bool stopping() {
    std::lock_guard lock{mutex_};
    return stopping_;
  }

  void read_requests() {
    std::vector<pollfd> watched;
    bool accepting = true;
    while (!stopping()) {
      watched.assign({{wake_.get(), POLLIN, 0}, {accepting ? at_.socket.get() : -1, POLLIN, 0}});
      for (const auto& one : waiting_) watched.push_back({one.socket.get(), POLLIN, 0});
      if (::poll(watched.data(), watched.size(), wait_ms(accepting)) < 0) continue;
      auto ready = watched.begin() + 2;
      for (auto one = waiting_.begin(); one != waiting_.end(); ++ready) {
        bool keep = ready->revents == 0 || read_from(*one);
        one = keep ? std::next(one) : waiting_.erase(one);
      }
      auto now = steady_clock::now();
      while (!waiting_.empty() && waiting_.front().end <= now) waiting_.pop_front();
      accepting = !accepting || (watched[1].revents & POLLIN) == 0 || accept_all();
    }
    waiting_.clear();
  }

  int wait_ms(bool accepting) const {
    using std::chrono::milliseconds;
    if (!accepting) return static_cast<int>(accept_pause.count());
    if (waiting_.empty()) return -1;
    auto left = waiting_.front().end - steady_clock::now();
    auto ms = std::chrono::duration_cast<milliseconds>(left).count() + 1;
    return static_cast<int>(std::max<int64_t>(ms, 0));
  }

  /// False: no connection can be taken at the moment.
  bool accept_all() {
    for (size_t i = 0; i < accepts_at_once; ++i) {
      unique_fd socket{::accept4(at_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
      if (!socket) return errno == EAGAIN || errno == ECONNABORTED || errno == EINTR;
      // All wait equally long: the first has waited longest.
      if (waiting_.size() >= defaults::monitor_connections) waiting_.pop_front();
      waiting_.push_back(
          {std::move(socket), {}, steady_clock::now() + defaults::monitor_request_timeout});
    }
    return true;
  }

  /// False: nothing more is to be read.
  bool read_from(connection& one) {
    char piece[4096];
    auto n = ::recv(one.socket.get(), piece, sizeof piece, MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    auto from = one.request.size() < 3 ? 0 : one.request.size() - 3;
    one.request.append(piece, static_cast<size_t>(n));
    if (one.request.find("\r\n\r\n", from) != std::string::npos) {
      hand_over(std::move(one));
      return false;
    }
    if (one.request.size() < defaults::monitor_request_bytes) return true;
    refuse(one.socket, too_large);
    return false;
  }

  void hand_over(connection one) {
    {
      std::lock_guard lock{mutex_};
      if (ready_.size() < defaults::monitor_queue) {
        ready_.push_back(std::move(one));
        changed_.notify_one();
        return;
      }
    }
    refuse(one.socket, too_busy);
  }

  void answer_requests() {
    std::unique_lock lock{mutex_};
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
      if (stopping_) return;
      auto one = std::move(ready_.front());
      ready_.pop_front();
      auto socket = one.socket.get();
      answering_.push_back(socket);
      lock.unlock();
      exchange with{socket, std::move(one.request)};
      engine_.answer_on(with);
      end_gently(one.socket);
      lock.lock();
      std::erase(answering_, socket);
    }
  }

  listening at_;
  unique_fd wake_;
  http_engine engine_;
  std::list<connection> waiting_;  ///< of the reading thread

  std::mutex mutex_;  ///< guards the rest
  std::condition_variable changed_;
  bool stopping_ = false;
  std::deque<connection> ready_;
  std::vector<int> answering_;

  std::thread reader_;
  std::vector<std::thread> workers_;
};

server::server(std::unique_ptr<connections> running) : connections_(std::move(running)) {}

server::~server() = default;

std::string server::url() const {
  return connections_->url();
}

caf::expected<std::unique_ptr<server>> server::open(const std::string& address,
                                                    page_context pages) {
  auto at = listen_on(address);
  if (!at) return at.error();
  unique_fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake) return fail_errno("cannot serve the monitor", errno);
  pages.node = node_label(std::move(pages.node));
  pages.origin = "http://" + at->host + ":" + std::to_string(at->port);
  auto running = std::make_unique<connections>(std::move(pages), std::move(*at), std::move(wake));
  running->start();
  return std::unique_ptr<server>{new server(std::move(running))};
}

std::string node_label(std::string name) {
  for (char& c : name) {
    bool good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                c == '-' || c == '.';
    if (!good) c = '-';
  }
  return name.empty() ? "localhost" : name;
}

}  // namespace et::monitor
