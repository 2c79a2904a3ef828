// A webhook in the test's process that keeps what it was told.
#pragma once

#include <httplib.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace et::test {

class hook_sink {
 public:
  struct call {
    std::string delivery;
    std::string signature;
    std::string body;
  };
  /// The status to answer call number `n` (from 0) with. May block.
  using answer = std::function<int(size_t n)>;

  explicit hook_sink(answer status, int port = 0) {
    server_.Post("/hook", [this, status](const httplib::Request& request, httplib::Response& to) {
      size_t number = 0;
      {
        std::lock_guard lock{mutex_};
        number = calls_.size();
        calls_.push_back({request.get_header_value("Elastictape-Delivery"),
                          request.get_header_value("Elastictape-Signature"), request.body});
      }
      to.status = status(number);
    });
    if (port == 0)
      port_ = server_.bind_to_any_port("127.0.0.1");
    else if (server_.bind_to_port("127.0.0.1", port))
      port_ = port;
    thread_ = std::thread{[this] { server_.listen_after_bind(); }};
    // Before, stop() would do nothing.
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~hook_sink() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  std::vector<call> calls() {
    std::lock_guard lock{mutex_};
    return calls_;
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<call> calls_;
};

}  // namespace et::test
