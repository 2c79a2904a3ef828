// Makes the pictures of the documentation: tests/browser/screenshots.sh. No test.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/browser/webdriver.hpp"

using namespace et::blackbox;
using et::browser::window;

namespace {

const std::string site = R"([node]
name = "tape1"
[service]
http = "127.0.0.1:0"
[cache]
capacity_bytes = "6GB"
reserve_bytes = "16MiB"
retention_s = 12
[packing]
target_bytes = "24MiB"
[library]
cartridges = 48
drives = 4
capacity_bytes = "600MB"
drive_bytes_per_s = "60MB"
)";

void make_tree(const fs::path& tree, size_t files, size_t size_bytes, uint32_t seed) {
  std::mt19937_64 random{seed};
  std::string content(size_bytes, '\0');
  for (auto& c : content) c = static_cast<char>(random());
  for (size_t i = 0; i < files; ++i) {
    content[0] = static_cast<char>(i);
    write_file(tree / std::to_string(i), content);
  }
}

}  // namespace

TEST_CASE("screenshots for the documentation", "[.screenshots]") {
  const char* images = std::getenv("ET_IMAGES");
  REQUIRE(images);
  REQUIRE(et::browser::missing().empty());
  temp_folder folder;
  service node{folder / "state", site};
  node.start();
  const std::vector<std::pair<std::string, std::string>> areas{
      {"climate", "3GB"}, {"ocean", "1400MB"}, {"seismic", "900MB"}, {"radar", "8GB"}};
  for (const auto& [name, quota] : areas) {
    auto root = folder / name;
    fs::create_directories(root);
    auto added = node.call({"elastictape", "admin", "workspace", "add", name, "--root",
                            root.string(), "--quota", quota, "--manager", "root"});
    INFO(added.err);
    REQUIRE(added.code == 0);
  }
  auto put = [&](const std::string& area, const std::string& tag, size_t files, size_t size_bytes) {
    make_tree(folder / area / tag, files, size_t{size_bytes}, static_cast<uint32_t>(files));
    auto done = node.call({"et_put", "-w", area, "-t", tag, (folder / area / tag).string()});
    INFO(done.err);
    REQUIRE(done.code == 0);
  };
  put("climate", "cmip7-historical", 2000, 100'000);
  put("ocean", "mooring-2025", 5000, 80'000);
  put("seismic", "array-north", 400, 1'000'000);
  // Enough of them for some minutes of throughput.
  for (int i = 0; i < 9; ++i) {
    put("radar", "chilbolton-" + std::to_string(i), 3000 + 500 * static_cast<size_t>(i), 60'000);
    std::this_thread::sleep_for(std::chrono::seconds{i % 3 == 2 ? 20 : 7});
  }
  // Somebody gets batches whose cache copies have been left meanwhile.
  std::thread getter{[&] {
    const std::vector<std::pair<std::string, std::string>> wanted{
        {"seismic", "3"}, {"ocean", "2"}, {"climate", "1"}, {"radar", "4"}, {"radar", "5"}};
    for (const auto& [area, batch] : wanted) {
      auto back = folder / "back" / batch;
      fs::create_directories(back);
      node.call({"et_get", "-w", area, "-b", batch, "-r", back.string()});
    }
  }};
  put("seismic", "array-south", 320, 1'000'000);
  put("ocean", "argo", 3000, 260'000);
  put("climate", "cmip7-ssp245", 8000, 300'000);
  window page;
  auto keep = [&](const std::string& name, int width, bool dark) {
    page.appear(width, dark);
    page.open(node.monitor() + "/");
    page.wait_until("return document.getElementById('link').textContent === 'live'");
    page.wait_until(R"(
      const bars = [...document.querySelectorAll('#batches .bar .safe')];
      return bars.some((one) => one.getAttribute('width') % 1000 > 100) &&
             document.querySelector('#drives .writing .rate:not(:empty)') !== null &&
             document.querySelector('#drives .reading .rate:not(:empty)') !== null;)");
    write_file(fs::path{images} / name, page.picture());
  };
  keep("dashboard.png", 1280, false);
  keep("dashboard-dark.png", 1280, true);
  getter.join();
}
