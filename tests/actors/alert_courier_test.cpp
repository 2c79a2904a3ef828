// Couriers with a real catalogue, against servers in this process that fail before they answer.
#include "actors/alert_courier.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

#include "actors/catalogue_reader.hpp"
#include "actors/node_config.hpp"
#include "actors/registrar.hpp"
#include "tests/support/hook_sink.hpp"
#include "tests/support/smtp_sink.hpp"

using namespace et;
using namespace std::chrono_literals;
using et::test::hook_sink;
using et::test::smtp_sink;

namespace {

/// Waits until `done`, at most a minute.
template <class F>
bool comes(F done) {
  auto end = std::chrono::steady_clock::now() + 60s;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

alert_target target_of(alert_target::kind_type kind, const std::string& url) {
  alert_target target;
  target.kind = kind;
  target.name = "ops";
  target.url = url;
  target.secret = "s";
  target.from = "et@example.org";
  target.to = {"ops@example.org", "second@example.org"};
  target.give_up_ns = int64_t{3600} * 1'000'000'000;
  target.node = "tape1";
  return target;
}

/// A catalogue with its registrar and reader, and a courier.
class fixture {
 public:
  fixture() {
    folder_ = std::filesystem::temp_directory_path() / "et-courier-XXXXXX";
    auto name = folder_.string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    auto store = catalogue_store::open((folder_ / "catalogue").string(), {});
    REQUIRE(store);
    store_ = std::move(*store);
  }
  ~fixture() {
    stop();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void start(const alert_target& target, std::chrono::milliseconds whole = 10s) {
    actors_ = std::make_shared<service_actors>();
    actors_->readers.push_back(system_.spawn<caf::detached>(catalogue_reader, store_.get(), 0u));
    courier_options options;
    options.target = target;
    auto delivered = store_->begin_delivery(target.name);
    REQUIRE(delivered);
    options.delivered = *delivered;
    options.limits.whole = whole;
    options.first_retry = 1ms;
    options.last_retry = 8ms;
    options.random = [] { return 0.5; };
    options.rung = std::make_shared<std::atomic<bool>>(false);
    auto rung = options.rung;
    actors_->registrar = system_.spawn<caf::detached>(registrar, store_.get(), actors_ptr{actors_},
                                                      uint64_t{1} << 40, uint32_t{400});
    actors_->couriers.push_back(
        {system_.spawn<caf::detached>(alert_courier, actors_ptr{actors_}, options), rung});
  }

  void stop() {
    if (!actors_) return;
    caf::scoped_actor self{system_};
    std::vector<caf::actor> all{caf::actor_cast<caf::actor>(actors_->couriers[0].courier),
                                caf::actor_cast<caf::actor>(actors_->readers[0]),
                                caf::actor_cast<caf::actor>(actors_->registrar)};
    for (auto& one : all) self->send_exit(one, caf::exit_reason::user_shutdown);
    self->wait_for(all);
    *actors_ = {};
    actors_.reset();
  }

  void alert(severity level, const std::string& text, int64_t time_ns = 0) {
    caf::scoped_actor self{system_};
    alert_record draft;
    draft.time_ns = time_ns;
    draft.level = level;
    draft.text = text;
    self->request(actors_->registrar, 60s, alert_atom_v, draft)
        .receive([](const alert_record&) {}, [](const caf::error& error) { FAIL(text_of(error)); });
  }

  std::string fact_of(const std::string& name) {
    caf::scoped_actor self{system_};
    std::string value;
    self->request(actors_->couriers[0].courier, 60s, report_atom_v)
        .receive(
            [&](const std::vector<report>& reports) {
              for (auto& fact : reports.at(0).facts)
                if (fact.name == name) value = fact.value;
            },
            [](const caf::error& error) { FAIL(text_of(error)); });
    return value;
  }

 private:
  std::filesystem::path folder_;
  node_config config_{service_node(2)};
  caf::actor_system system_{config_};
  std::unique_ptr<catalogue_store> store_;
  std::shared_ptr<service_actors> actors_;
};

}  // namespace

TEST_CASE("a webhook that fails first gets every alert in order, signed", "[courier]") {
  hook_sink hook{[](size_t n) { return n < 3 ? 500 : 204; }};
  fixture f;
  auto target = target_of(alert_target::kind_type::webhook, hook.url());
  f.start(target);
  f.alert(severity::error, "one");
  f.alert(severity::info, "not for it");
  f.alert(severity::warning, "three");
  REQUIRE(comes([&] { return hook.calls().size() == 5; }));
  auto calls = hook.calls();
  for (size_t i = 0; i < 4; ++i) CHECK(calls[i].delivery == "1");
  CHECK(calls[4].delivery == "3");
  CHECK(calls[4].body.find("\"text\":\"three\"") != std::string::npos);
  for (auto& call : calls) CHECK(call.signature == "sha256=" + signature_of("s", call.body));
  REQUIRE(comes([&] { return f.fact_of("delivered") == "2"; }));

  // What has been delivered stays delivered.
  f.stop();
  f.start(target);
  f.alert(severity::error, "four");
  REQUIRE(comes([&] { return hook.calls().size() >= 6; }));
  CHECK(hook.calls()[5].delivery == "4");
  CHECK(hook.calls().size() == 6);
}

TEST_CASE("a webhook that is gone is left alone", "[courier]") {
  hook_sink hook{[](size_t) { return 410; }};
  fixture f;
  f.start(target_of(alert_target::kind_type::webhook, hook.url()));
  f.alert(severity::error, "one");
  REQUIRE(comes([&] { return f.fact_of("state").starts_with("gone"); }));
  f.alert(severity::error, "two");
  f.fact_of("state");
  CHECK(hook.calls().size() == 1);
}

TEST_CASE("an alert that is too old is given up after a failure, and the next is tried",
          "[courier]") {
  hook_sink hook{[](size_t n) { return n == 0 ? 500 : 200; }};
  fixture f;
  f.start(target_of(alert_target::kind_type::webhook, hook.url()));
  f.alert(severity::error, "of long ago", 1);
  REQUIRE(comes([&] { return f.fact_of("given up") == "1"; }));
  f.alert(severity::error, "of now");
  REQUIRE(comes([&] { return hook.calls().size() == 2; }));
  CHECK(hook.calls()[1].delivery == "2");
}

TEST_CASE("a webhook that never answers is tried again after the time-out", "[courier]") {
  std::atomic<bool> silent{true};
  hook_sink hook{[&](size_t) {
    comes([&] { return !silent.load(); });
    return 200;
  }};
  fixture f;
  f.start(target_of(alert_target::kind_type::webhook, hook.url()), 100ms);
  f.alert(severity::error, "one");
  REQUIRE(comes([&] { return hook.calls().size() >= 2; }));
  silent = false;
  REQUIRE(comes([&] { return f.fact_of("delivered") == "1"; }));
  for (auto& call : hook.calls()) CHECK(call.delivery == "1");
}

TEST_CASE("a mail server that fails first gets what waits in one mail", "[courier]") {
  smtp_sink sink{2};
  fixture f;
  auto target = target_of(alert_target::kind_type::mail, sink.url());
  f.start(target);
  f.alert(severity::error, "one");
  REQUIRE(comes([&] { return sink.mails().size() == 1; }));
  auto first = sink.mails()[0];
  CHECK(first.from.starts_with("<et@example.org>"));
  CHECK(first.to == std::vector<std::string>{"<ops@example.org>", "<second@example.org>"});
  CHECK(first.text.find("\nSubject: [elastictape] error service: one\n") != std::string::npos);
  REQUIRE(comes([&] { return f.fact_of("delivered") == "1"; }));

  // Many that waited for the courier come together.
  f.stop();
  auto all = target_of(alert_target::kind_type::mail, "smtp://127.0.0.1:1");
  f.start(all);
  for (int i = 0; i < 5; ++i) f.alert(severity::warning, "more");
  f.stop();
  f.start(target);
  REQUIRE(comes([&] { return f.fact_of("delivered") == "5"; }));
  REQUIRE(sink.mails().size() == 2);
  CHECK(sink.mails()[1].text.find("(and 4 more)") != std::string::npos);
}

TEST_CASE("an address that the mail server refuses is named, and the others get their mail",
          "[courier]") {
  smtp_sink sink{0};
  fixture f;
  auto target = target_of(alert_target::kind_type::mail, sink.url());
  target.to = {"unknown@example.org", "ops@example.org"};
  f.start(target);
  f.alert(severity::error, "one");
  REQUIRE(comes([&] { return f.fact_of("delivered") == "1"; }));
  REQUIRE(sink.mails().size() == 1);
  CHECK(sink.mails()[0].to == std::vector<std::string>{"<ops@example.org>"});
  CHECK(f.fact_of("state") ==
        "failing: 1 addresses refused, the first: <unknown@example.org>: 550 nobody here has this "
        "name");
}

TEST_CASE("a password is not sent to a mail server without TLS unless that is allowed",
          "[courier]") {
  smtp_sink sink{0};
  fixture f;
  auto target = target_of(alert_target::kind_type::mail, sink.url());
  target.user = "et";
  target.password = "pw";
  f.start(target);
  f.alert(severity::error, "one");
  REQUIRE(comes([&] { return f.fact_of("state").starts_with("failing: "); }));
  CHECK(sink.logins().empty());
  CHECK(sink.mails().empty());
  f.stop();
  target.tls = alert_target::tls_type::off;
  f.start(target);
  REQUIRE(comes([&] { return f.fact_of("delivered") == "1"; }));
  CHECK(sink.logins() == std::vector<std::string>{"AGV0AHB3"});  // NUL et NUL pw
  CHECK(sink.mails().size() == 1);
}
