#include "actors/monitor/engine.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>

#include "actors/defaults.hpp"

namespace et::monitor {

namespace {

using std::chrono::steady_clock;

bool is_host(const std::string& text) {
  return !text.empty() && text.size() <= 255 &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
             "-._:[]") == std::string::npos;
}

/// A whole answer that fits into one piece is sent with its length, others in chunks.
void send(answer made, httplib::Response& response) {
  std::string first;
  caf::expected<bool> more = made.next(first);
  if (!more) {
    made = error_page(more.error());
    first.clear();
    more = made.next(first);
  }
  response.status = made.status;
  if (!more || !*more) {
    response.set_content(first, made.type);
    return;
  }
  response.set_chunked_content_provider(
      made.type, [next = std::move(made.next), piece = std::move(first), last = false](
                     size_t, httplib::DataSink& sink) mutable {
        if (!sink.write(piece.data(), piece.size())) return false;
        if (last) {
          sink.done();
          return true;
        }
        piece.clear();
        auto again = next(piece);
        if (!again) {
          spdlog::warn("monitor: an answer is cut: {}", text_of(again.error()));
          return false;
        }
        last = !*again;
        if (last && piece.empty()) sink.done();
        return true;
      });
}

}  // namespace

exchange::exchange(int socket, std::string request)
    : socket_(socket),
      request_(std::move(request)),
      end_(steady_clock::now() + defaults::monitor_answer_timeout) {}

bool exchange::is_writable() const {
  using std::chrono::milliseconds;
  auto left = std::chrono::duration_cast<milliseconds>(end_ - steady_clock::now());
  auto wait = std::min<milliseconds>(left, defaults::monitor_stall_timeout);
  if (wait.count() <= 0) return false;
  pollfd watched{socket_, POLLOUT, 0};
  int ready = 0;
  do {
    ready = ::poll(&watched, 1, static_cast<int>(wait.count()));
  } while (ready < 0 && errno == EINTR);
  return ready > 0 && (watched.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

ssize_t exchange::read(char* to, size_t size) {
  auto n = std::min(size, request_.size() - at_);
  std::copy_n(request_.data() + at_, n, to);
  at_ += n;
  return static_cast<ssize_t>(n);
}

ssize_t exchange::write(const char* from, size_t size) {
  while (is_writable()) {
    auto n = ::send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) return n;
    if (errno != EAGAIN && errno != EINTR) return -1;
  }
  return -1;
}

// Nobody asks for them, and a look at each connection costs a system call.
void exchange::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

void exchange::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

http_engine::http_engine(page_context pages, int listening) : pages_(std::move(pages)) {
  // It takes an invalid one for the sign to stop.
  svr_sock_ = listening;
  set_default_headers(
      {{"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'"},
       {"X-Content-Type-Options", "nosniff"},
       {"Cache-Control", "no-store"}});
  set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    give(request, response);
    return HandlerResponse::Handled;
  });
}

void http_engine::give(const httplib::Request& request, httplib::Response& response) const {
  try {
    if (request.method != "GET" && request.method != "HEAD") {
      response.set_header("Allow", "GET, HEAD");
      send(error_page(fail(errc::not_authorised, "only GET and HEAD are served")), response);
      return;
    }
    auto context = pages_;
    auto host = request.get_header_value("Host");
    if (is_host(host)) context.origin = "http://" + host;
    send(answer_to(context, request.target), response);
  } catch (const std::exception& e) {
    send(error_page(fail(errc::internal, request.target + ": " + e.what())), response);
  }
}

void http_engine::answer_on(exchange& with) {
  bool closed = false;
  try {
    process_request(with, true, closed, [](httplib::Request& request) {
      // A page is whole or not at all: it may be another one with the next request.
      request.ranges.clear();
    });
  } catch (const std::exception& e) {
    spdlog::error("monitor: an answer is cut: {}", e.what());
  }
}

void http_engine::close() {
  svr_sock_ = INVALID_SOCKET;
}

}  // namespace et::monitor
