// HTTP itself: cpp-httplib parses the request and writes the answer; connections are not its own.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>

#include "actors/monitor/answer.hpp"

namespace et::monitor {

/// A request that has come, and the socket for its answer. Ends reading behind the request.
class exchange final : public httplib::Stream {
 public:
  /// `socket` does not block and stays the caller's.
  exchange(int socket, std::string request);

  bool is_readable() const override { return at_ < request_.size(); }
  bool is_writable() const override;
  ssize_t read(char* to, size_t size) override;
  /// -1: the client has gone, takes nothing, or the answer takes too long.
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  int socket_;
  std::string request_;
  size_t at_ = 0;
  std::chrono::steady_clock::time_point end_;
};

class http_engine final : private httplib::Server {
 public:
  http_engine(page_context pages, int listening);

  /// Answers one request; any number of threads.
  void answer_on(exchange& with);
  /// Answers that are being sent end.
  void close();

 private:
  void give(const httplib::Request& request, httplib::Response& response) const;

  page_context pages_;
};

}  // namespace et::monitor
