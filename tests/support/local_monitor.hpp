// A web server in the test's process that stands for a monitor.
#pragma once

#include <httplib.h>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace et::test {

class local_monitor {
 public:
  /// What to answer a request for any page.
  using answer = std::function<void(const httplib::Request&, httplib::Response&)>;

  explicit local_monitor(answer give) {
    server_.Get(".*", [this, give](const httplib::Request& request, httplib::Response& response) {
      {
        std::lock_guard lock{mutex_};
        targets_.push_back(request.target);
      }
      give(request, response);
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread{[this] { server_.listen_after_bind(); }};
    // Before, stop() would do nothing.
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~local_monitor() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  /// Path and query of the requests so far.
  std::vector<std::string> targets() {
    std::lock_guard lock{mutex_};
    return targets_;
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<std::string> targets_;
};

/// An answer that sends `text` in chunks of `chunk_bytes`.
inline local_monitor::answer in_chunks(std::string text, size_t chunk_bytes) {
  return [text = std::move(text), chunk_bytes](const httplib::Request&, httplib::Response& to) {
    to.set_chunked_content_provider(
        "text/xml", [text, chunk_bytes](size_t at, httplib::DataSink& sink) {
          if (at >= text.size()) {
            sink.done();
            return true;
          }
          return sink.write(text.data() + at, std::min(chunk_bytes, text.size() - at));
        });
  };
}

}  // namespace et::test
