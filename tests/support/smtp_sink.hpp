// A mail server in the test's process: takes one connection at a time and keeps the mails.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace et::test {

class smtp_sink {
 public:
  struct mail {
    std::string from;
    std::vector<std::string> to;
    std::string text;
  };

  /// Answers the first `failures` mails with a temporary failure.
  explicit smtp_sink(int failures) : failures_(failures) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, any, size) != 0 || ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, any, &size) != 0)
      throw std::runtime_error{"the mail sink cannot listen"};
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~smtp_sink() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_); }
  /// What clients logged in with, in base64.
  std::vector<std::string> logins() {
    std::lock_guard lock{mutex_};
    return logins_;
  }
  std::vector<mail> mails() {
    std::lock_guard lock{mutex_};
    return mails_;
  }

 private:
  void serve() {
    for (;;) {
      auto peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      talk(peer);
      ::close(peer);
    }
  }

  static void say(int peer, const std::string& line) {
    auto text = line + "\r\n";
    [[maybe_unused]] auto sent = ::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
  }

  /// A line without its end; false at the end of the connection.
  static bool hear(int peer, std::string& line) {
    line.clear();
    for (char c; ::recv(peer, &c, 1, 0) == 1;) {
      if (c == '\n') return true;
      if (c != '\r') line += c;
    }
    return false;
  }

  void talk(int peer) {
    say(peer, "220 sink");
    mail now;
    for (std::string line; hear(peer, line);) {
      if (line.starts_with("EHLO") || line.starts_with("HELO")) {
        say(peer, "250-sink");
        say(peer, "250 AUTH PLAIN");
      } else if (line == "AUTH PLAIN") {
        say(peer, "334 ");
        if (!hear(peer, line)) return;
        {
          std::lock_guard lock{mutex_};
          logins_.push_back(line);
        }
        say(peer, "235 welcome");
      } else if (line.starts_with("MAIL FROM:")) {
        now = {line.substr(10), {}, {}};
        say(peer, failures_-- > 0 ? "451 later" : "250 ok");
      } else if (line.starts_with("RCPT TO:")) {
        bool known = line.find("unknown") == std::string::npos;
        if (known) now.to.push_back(line.substr(8));
        say(peer, known ? "250 ok" : "550 nobody here has this name");
      } else if (line == "DATA") {
        say(peer, "354 go on");
        while (hear(peer, line) && line != ".") now.text += line + "\n";
        {
          std::lock_guard lock{mutex_};
          mails_.push_back(now);
        }
        say(peer, "250 taken");
      } else if (line == "QUIT") {
        say(peer, "221 bye");
        return;
      } else {
        say(peer, "502 what");
      }
    }
  }

  std::atomic<int> failures_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<mail> mails_;
  std::vector<std::string> logins_;
  std::thread thread_;
};

}  // namespace et::test
