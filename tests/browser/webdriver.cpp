#include "tests/browser/webdriver.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

namespace et::browser {

namespace {

constexpr auto driver_program = "/usr/bin/chromedriver";
constexpr auto browser_program = "/usr/bin/chromium";
constexpr auto patience = std::chrono::seconds{30};

json capabilities(const window::options& how, const fs::path& profile) {
  json arguments{"--headless=new",
                 "--no-sandbox",
                 "--disable-gpu",
                 "--disable-quic",
                 "--no-first-run",
                 "--disable-background-networking",
                 "--disable-component-update",
                 "--disable-dev-shm-usage",
                 "--hide-scrollbars",
                 "--user-data-dir=" + profile.string()};
  json chrome{{"binary", browser_program}, {"args", arguments}};
  if (!how.scripts) chrome["prefs"] = {{"profile.managed_default_content_settings.javascript", 2}};
  return {{"capabilities",
           {{"alwaysMatch",
             {{"browserName", "chrome"},
              {"unhandledPromptBehavior", "ignore"},
              {"goog:loggingPrefs", {{"browser", "ALL"}, {"performance", "ALL"}}},
              {"goog:chromeOptions", chrome}}}}}};
}

std::string from_base64(const std::string& text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    auto digit = digits.find(c);
    if (digit == std::string_view::npos) break;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xff);
  }
  return bytes;
}

/// The port that the driver says it has; 0: it said none.
int port_of(int out) {
  constexpr std::string_view said = "successfully on port ";
  for (;;) {
    auto line = blackbox::read_line(out);
    if (line.empty()) return 0;
    auto at = line.find(said);
    if (at != std::string::npos) return std::atoi(line.c_str() + at + said.size());
  }
}

}  // namespace

std::string missing() {
  for (const auto* program : {driver_program, browser_program})
    if (!fs::exists(program)) return std::string{program} + " is not installed";
  return {};
}

window::window(options how) {
  blackbox::pipe_ends out;
  blackbox::child_options start;
  start.extra = {{"HOME", profile_.path().string()}};
  start.out = out.write.get();
  driver_ = std::make_unique<blackbox::child>(std::vector<std::string>{driver_program, "--port=0"},
                                              start);
  out.write.close();
  auto port = port_of(out.read.get());
  REQUIRE(port > 0);
  client_ = std::make_unique<httplib::Client>("127.0.0.1", port);
  client_->set_read_timeout(120);
  session_ = ask("POST", "/session", capabilities(how, profile_.path())).at("sessionId");
  appear(how.width, how.dark);
}

window::~window() {
  if (!session_.empty()) client_->Delete("/session/" + session_);
  driver_->signal(SIGTERM);
  driver_->wait(patience);
}

json window::ask(const std::string& method, const std::string& path, const json& body) {
  auto target = session_.empty() ? path : "/session/" + session_ + path;
  auto text = body.is_null() ? "{}" : body.dump();
  auto got =
      method == "GET" ? client_->Get(target) : client_->Post(target, text, "application/json");
  INFO(method << " " << target << " " << text);
  REQUIRE(got);
  INFO(got->body);
  REQUIRE(got->status == 200);
  return json::parse(got->body).at("value");
}

json window::devtools(const std::string& command, json parameters) {
  return ask("POST", "/goog/cdp/execute", {{"cmd", command}, {"params", std::move(parameters)}});
}

void window::open(const std::string& url) {
  ask("POST", "/url", {{"url", url}});
}

json window::run(const std::string& script, json arguments) {
  return ask("POST", "/execute/sync", {{"script", script}, {"args", std::move(arguments)}});
}

std::string window::text(const std::string& selector) {
  auto found =
      run("const one = document.querySelector(arguments[0]);"
          "return one && one.textContent;",
          {selector});
  INFO(selector);
  REQUIRE(found.is_string());
  return found;
}

void window::wait_until(const std::string& script) {
  auto end = std::chrono::steady_clock::now() + patience;
  while (run(script) != true) {
    INFO(script);
    REQUIRE(std::chrono::steady_clock::now() < end);
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
}

void window::appear(int width, bool dark) {
  devtools("Emulation.setDeviceMetricsOverride",
           {{"width", width}, {"height", 900}, {"deviceScaleFactor", 1}, {"mobile", width < 600}});
  json feature{{"name", "prefers-color-scheme"}, {"value", dark ? "dark" : "light"}};
  devtools("Emulation.setEmulatedMedia", {{"features", json::array({feature})}});
}

std::string window::picture() {
  auto size = run("const e = document.documentElement; return [e.scrollWidth, e.scrollHeight];");
  json clip{{"x", 0}, {"y", 0}, {"width", size[0]}, {"height", size[1]}, {"scale", 1}};
  auto got = devtools("Page.captureScreenshot", {{"captureBeyondViewport", true}, {"clip", clip}});
  return from_base64(got.at("data"));
}

json window::log(const std::string& kind) {
  return ask("POST", "/se/log", {{"type", kind}});
}

std::vector<std::string> window::complaints() {
  std::vector<std::string> all;
  for (const auto& entry : log("browser"))
    if (entry.at("level") != "INFO" && entry.at("level") != "DEBUG")
      all.push_back(entry.at("message"));
  return all;
}

std::vector<std::string> window::requests() {
  std::vector<std::string> all;
  for (const auto& entry : log("performance")) {
    auto message = json::parse(entry.at("message").get<std::string>()).at("message");
    if (message.at("method") != "Network.requestWillBeSent") continue;
    std::string url = message.at("params").at("request").at("url");
    // The browser's own pages are no host's.
    if (url.starts_with("http") || url.starts_with("ws")) all.push_back(url);
  }
  return all;
}

bool window::has_dialog() {
  auto got = client_->Get("/session/" + session_ + "/alert/text");
  REQUIRE(got);
  return got->status == 200;
}

std::string window::markup() {
  auto root = devtools("DOM.getDocument").at("root").at("nodeId");
  return devtools("DOM.getOuterHTML", {{"nodeId", root}}).at("outerHTML");
}

}  // namespace et::browser
