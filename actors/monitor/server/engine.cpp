#include "actors/monitor/server/engine.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>

#include "actors/monitor/api/api.hpp"
#include "actors/monitor/markup.hpp"

namespace et::monitor {

namespace {

bool is_host(const std::string& text) {
  return !text.empty() && text.size() <= 255 &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
             "-._:[]") == std::string::npos;
}

/// A request that has come whole; what the library has to say to a bad one is kept.
class exchange final : public httplib::Stream {
 public:
  explicit exchange(std::string request) : request_(std::move(request)) {}

  bool is_readable() const override { return at_ < request_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override {
    auto n = std::min(size, request_.size() - at_);
    std::copy_n(request_.data() + at_, n, to);
    at_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* from, size_t size) override {
    said_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  // The connection knows them.
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return INVALID_SOCKET; }

  std::string take_said() { return std::move(said_); }

 private:
  std::string request_;
  size_t at_ = 0;
  std::string said_;
};

std::string path_of(const std::string& target) {
  auto parsed = query::parse(target);
  return parsed ? parsed->path() : std::string{};
}

/// Asks for a login in a way that browsers understand without a script.
answer login_page(std::string_view target, const caf::error& error) {
  answer made;
  if (target.starts_with(api_root)) made = problem(401, text_of(error));
  made.status = 401;
  made.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Elastic Tape\", charset=\"UTF-8\"");
  if (made.next) return made;
  made.next = once([text = text_of(error)](std::string& out) {
    begin_page(out, words_of(401));
    markup{out}.leaf("p", text);
    end_page(out);
  });
  return made;
}

}  // namespace

http_engine::http_engine(page_context pages, answer_maker make, const access_options& access,
                         bool tls)
    : pages_(std::move(pages)), make_(std::move(make)), access_(access, pages_.store), tls_(tls) {
  set_pre_routing_handler(
      [](const httplib::Request&, httplib::Response&) { return HandlerResponse::Handled; });
}

answer http_engine::answer_for(const httplib::Request& request, const credentials& from,
                               std::string& viewer) {
  if (request.method != "GET" && request.method != "HEAD") {
    auto refused =
        error_for(request.target, fail(errc::not_authorised, "only GET and HEAD are served"));
    refused.headers.emplace_back("Allow", "GET, HEAD");
    return refused;
  }
  monitor::viewer who{{}, false};
  if (!is_open(path_of(request.target))) {
    auto found = access_.who(from);
    if (!found && code_of(found.error()) == errc::not_authorised)
      return login_page(request.target, found.error());
    if (!found) return error_for(request.target, found.error());
    who = std::move(*found);
  }
  if (!who.user.empty()) viewer = who.user;
  auto context = pages_;
  auto host = request.get_header_value("Host");
  bool https = tls_ || (access_.is_proxy(from.peer) &&
                        request.get_header_value("X-Forwarded-Proto") == "https");
  if (is_host(host)) context.origin = (https ? "https://" : "http://") + host;
  return make_(context, request.target, std::move(who));
}

reply http_engine::reply_to(std::string text, const std::string& peer) {
  reply_form form;
  form.tls = tls_;
  try {
    credentials from{peer, header_values(text, "Authorization"),
                     header_values(text, access_.user_header())};
    exchange with{std::move(text)};
    std::optional<httplib::Request> parsed;
    bool closed = false;
    process_request(with, true, closed, [&parsed](httplib::Request& request) { parsed = request; });
    if (!parsed) {
      reply refused;
      refused.bytes = with.take_said();
      return refused;
    }
    form.head = parsed->method == "HEAD";
    form.http_1_0 = parsed->version == "HTTP/1.0";
    auto viewer = "at " + peer;  // no user's name has a blank
    auto made = compose(answer_for(*parsed, from, viewer), form);
    made.viewer = std::move(viewer);
    return made;
  } catch (const std::exception& e) {
    return compose(error_page(fail(errc::internal, std::string{"a request: "} + e.what())), form);
  }
}

}  // namespace et::monitor
