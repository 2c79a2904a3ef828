// Whole requests to the monitor, as far as their blank line, and the answers of its pages from a
// catalogue and a service with something in them.
#include "actors/metrics.hpp"
#include "actors/monitor/server/engine.hpp"
#include "storage/catalogue/store.hpp"
#include "tests/actors/monitor/fake_live.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace et;
using namespace et::monitor;

namespace {

constexpr int64_t now_ns = 1'800'000'000'000'000'000;
constexpr size_t most_pieces = 64;
/// Where a request has this, an answer must not have it as it is.
constexpr std::string_view foreign_markup = "<q0q";

/// A monitor over a catalogue with a workspace, a batch and an alert.
class monitor_in_memory {
 public:
  explicit monitor_in_memory(const std::filesystem::path& folder) : clock_(now_ns) {
    catalogue_store::options options;
    options.clock = &clock_;
    options.memory_bytes = 8 * 1024 * 1024;
    auto opened = catalogue_store::open((folder / "catalogue").string(), options);
    fuzz::require(static_cast<bool>(opened), "a catalogue");
    store_ = std::move(*opened);
    fill();
    live_ = test::busy_service(now_ns, 5);
    page_context pages;
    pages.store = store_.get();
    pages.node = "node1";
    pages.origin = "http://127.0.0.1:1";
    pages.live = &live_;
    pages.measures = &measures_;
    access_options behind_proxy;
    behind_proxy.kind = access_kind::proxy;
    behind_proxy.proxy_addresses = {"127.0.0.1"};
    behind_proxy.administrators = administrator_list{{"boss"}};
    open_ = std::make_unique<http_engine>(pages, &answer_to, access_options{}, false);
    guarded_ = std::make_unique<http_engine>(pages, &answer_to, behind_proxy, true);
  }

  http_engine& engine(bool guarded) { return guarded ? *guarded_ : *open_; }

 private:
  void fill();

  manual_clock clock_;
  std::unique_ptr<catalogue_store> store_;
  test::fake_live live_;
  metrics measures_;
  std::unique_ptr<http_engine> open_;
  std::unique_ptr<http_engine> guarded_;
};

void monitor_in_memory::fill() {
  workspace_record workspace;
  workspace.name = "w";
  workspace.roots = {"/data/w"};
  workspace.managers = {"ann"};
  workspace.quota_bytes = 1'000'000'000;
  auto added = store_->add_workspace(workspace);
  batch_record draft;
  draft.workspace = added->id;
  draft.workspace_name = "w";
  draft.tag = "run 1";
  draft.requester = "ann";
  auto id = store_->begin_batch(draft);
  fuzz::require(static_cast<bool>(id), "a batch");
  std::vector<file_entry> files(2);
  files[0] = {"/data/w/a & b", 5, now_ns, 0640, 1000, 1000};
  files[1] = {"/data/w/\xff", 3, now_ns, 0640, 1000, 1000};
  fuzz::require(static_cast<bool>(store_->add_files(*id, files)), "files");
  fuzz::require(static_cast<bool>(store_->commit_batch(*id)), "a batch that is there");
  fuzz::require(static_cast<bool>(store_->add_alert({.text = "an alert <b>"})), "an alert");
}

}  // namespace

// Threads of RocksDB list what their end has to call.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:__cxa_thread_atexit_impl";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static fuzz::own_folder own;
  static auto& monitor = *new monitor_in_memory{own.path()};
  fuzz::choices input{data, size};
  auto choice = input.byte();
  std::string request{input.text()};
  bool is_marked = request.find(foreign_markup) != std::string::npos;
  auto made = monitor.engine(choice & 1).reply_to(request, choice & 2 ? "127.0.0.1" : "10.0.0.1");
  std::string all = made.bytes;
  if (all.empty()) return 0;  // nothing that could be answered
  fuzz::require(all.starts_with("HTTP/1."), "an answer begins with its status");
  auto head = all.substr(0, all.find("\r\n\r\n"));
  fuzz::require(head.size() < all.size(), "headers have an end");
  fuzz::require(all.size() < 9 || all[9] != '5' || all.starts_with("HTTP/1.1 503") ||
                    all.starts_with("HTTP/1.1 505") || all.starts_with("HTTP/1.0 503"),
                "no request is too much for the service");
  for (size_t i = 0; made.next && i < most_pieces; ++i) {
    std::string piece;
    auto more = made.next(piece);
    all += piece;
    if (!more || !*more) break;
  }
  if (made.events) {
    std::string event;
    made.events(event);
  }
  bool is_json = head.find("json") != std::string::npos;
  if (is_marked && !is_json)
    fuzz::require(all.find(foreign_markup) == std::string::npos,
                  "what a request says is no markup in its answer");
  return 0;
}
