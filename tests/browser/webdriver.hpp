// A headless Chromium, driven over the W3C WebDriver protocol through chromedriver.
#pragma once

#include <httplib.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/blackbox/harness.hpp"

namespace et::browser {

namespace fs = std::filesystem;
using json = nlohmann::json;

/// Why there is no browser on this machine; empty: there is one.
std::string missing();

/// One browser with a profile of its own; ended with the object. The test fails when the browser
/// does not do as it is told.
class window {
 public:
  struct options {
    bool scripts = true;
    bool dark = false;
    int width = 1280;
  };
  explicit window(options how);
  window() : window(options{}) {}
  ~window();

  /// Opens a page and waits until it has loaded.
  void open(const std::string& url);
  /// Runs the body of a function in the page; what it returns.
  json run(const std::string& script, json arguments = json::array());
  /// Text of the first element that fits a selector; the test fails when there is none.
  std::string text(const std::string& selector);
  /// Asks `script` until it returns true, for half a minute; the test fails when it never does.
  void wait_until(const std::string& script);

  /// Looks as it does on a screen of that width, with that preference.
  void appear(int width, bool dark);
  /// A picture of the whole page as PNG.
  std::string picture();

  /// Since the last call: what the console had to say against the page.
  std::vector<std::string> complaints();
  /// Since the last call: addresses of all requests to hosts.
  std::vector<std::string> requests();
  /// Whether a dialog is open.
  bool has_dialog();
  /// The document as it is, without running anything in it.
  std::string markup();

 private:
  json ask(const std::string& method, const std::string& path, const json& body = nullptr);
  json devtools(const std::string& command, json parameters = json::object());
  json log(const std::string& kind);

  blackbox::temp_folder profile_;
  std::unique_ptr<blackbox::child> driver_;
  std::unique_ptr<httplib::Client> client_;
  std::string session_;
};

}  // namespace et::browser
