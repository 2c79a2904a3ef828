#include "cli/service_config.hpp"

#include <catch2/catch.hpp>

#include "tests/cli/command_fixture.hpp"

using namespace et;

namespace {

// This file. A compiler cache may have made its name relative to the build folder.
std::filesystem::path this_source() {
  auto base = std::filesystem::read_symlink("/proc/self/exe");
  while (base.has_relative_path()) {
    base = base.parent_path();
    if (std::filesystem::exists(base / __FILE__)) return base / __FILE__;
  }
  return __FILE__;
}

std::string problem_of(const std::string& text) {
  auto config = parse_service_config(text, "t.toml");
  return config ? "" : text_of(config.error());
}

}  // namespace

TEST_CASE("the example configuration is valid and holds the defaults") {
  auto config = load_service_config(this_source().parent_path() / "../../configs/elastictape.toml");
  REQUIRE(config);
  service_config defaults;
  CHECK(config->service.state == "/var/lib/elastictape");
  CHECK(config->service.http == defaults.service.http);
  CHECK(config->catalogue.memory_bytes == defaults.catalogue.memory_bytes);
  CHECK(config->cache.high_watermark == defaults.cache.high_watermark);
  CHECK(config->cache.reserve_bytes == defaults.cache.reserve_bytes);
  CHECK(config->cache.retention_s == defaults.cache.retention_s);
  CHECK(config->packing.target_bytes == defaults.packing.target_bytes);
  CHECK(config->packing.max_file_bytes == defaults.packing.max_file_bytes);
  CHECK(config->tape.write_after_bytes == defaults.tape.write_after_bytes);
  CHECK(config->tape.write_after_ms == defaults.tape.write_after_ms);
  CHECK(config->tape.block_bytes == defaults.tape.block_bytes);
  CHECK(config->library.cartridges == 10);
  CHECK(config->library.drives == 2);
  CHECK(config->library.capacity_bytes == 128ull << 30);
  CHECK(config->library.drive_bytes_per_s == 0);
  CHECK(config->admin.users.empty());
}

TEST_CASE("the example configurations of a cluster are valid") {
  auto folder = this_source().parent_path() / "../../configs";
  auto head = load_service_config(folder / "cluster-head.toml");
  REQUIRE(head);
  CHECK(head->node.is("head"));
  CHECK_FALSE(head->node.is("io"));
  CHECK(head->cluster.listen == "192.0.2.10:7400");
  auto io = load_service_config(folder / "cluster-io.toml");
  REQUIRE(io);
  CHECK(io->node.roots == std::vector<std::string>{"/data"});
  CHECK(io->cluster.head == std::vector<std::string>{"192.0.2.10:7400"});
  CHECK(io->library.barcode_prefix == "EA");
  REQUIRE(io->drive.size() == 2);
  CHECK(io->drive[1].bytes_per_s == 400'000'000);
  auto source = load_service_config(folder / "cluster-source.toml");
  REQUIRE(source);
  CHECK(source->node.is("source"));
  auto standby = load_service_config(folder / "cluster-standby.toml");
  REQUIRE(standby);
  CHECK(standby->node.is("standby"));
  CHECK_FALSE(standby->node.is("head"));
}

TEST_CASE("what is wrong with a node or a cluster is named with file, line and key") {
  CHECK(problem_of("[node]\nroles = [\"io\", \"boss\"]\n[cluster]\nhead = \"h:1\"\n") ==
        "t.toml:2: node.roles: 'boss' is no role: head, io, source, standby");
  CHECK(problem_of("[node]\nname = \"a b\"\n") ==
        "t.toml:2: node.name: must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
  CHECK(problem_of("[node]\nroots = [\"data\"]\n") ==
        "t.toml:2: node.roots: 'data' must be an absolute path without a '/' at its end");
  CHECK(problem_of("[cluster]\nlisten = \"nowhere\"\n") ==
        "t.toml:2: cluster.listen: must be HOST:PORT");
  CHECK(problem_of("[cluster]\nhead = [\"h:1\", \"h:99999\"]\n") ==
        "t.toml:2: cluster.head: 'h:99999' must be HOST:PORT");
  CHECK(problem_of("[cluster]\nheartbeat_ms = 1000\ndown_after_ms = 1500\n") ==
        "t.toml:3: cluster.down_after_ms: must be at least twice heartbeat_ms");
  CHECK(problem_of("[[library]]\ndrives = 1\n[[library]]\ndrives = 2\n") ==
        "t.toml:3: library: can stand once only, as [library] or [[library]]");
  CHECK(problem_of("[[drive]]\nspeed = 1\n") == "t.toml:2: drive.speed: unknown key");
  CHECK(problem_of("[drive]\nbytes_per_s = 1\n") == "t.toml:1: drive: must be sections: [[drive]]");
}

TEST_CASE("how the monitor is guarded") {
  auto config = parse_service_config(
      "[monitor]\ncertificate = \"/c.pem\"\nkey = \"/k.pem\"\naccess = \"proxy\"\n"
      "proxy_addresses = [\"::1\"]\nuser_header = \"X-User\"\n",
      "t.toml");
  REQUIRE(config);
  CHECK(config->monitor.certificate == "/c.pem");
  CHECK(config->monitor.key == "/k.pem");
  CHECK(config->monitor.access == "proxy");
  CHECK(config->monitor.proxy_addresses == std::vector<std::string>{"::1"});
  CHECK(config->monitor.user_header == "X-User");
  CHECK(parse_service_config("", "t.toml")->monitor.access == "open");
  CHECK(problem_of("[monitor]\nkey = \"/k.pem\"\n").find("monitor.key: must stand") !=
        std::string::npos);
  CHECK(
      problem_of("[monitor]\ncertificate = \"/c.pem\"\n").find("monitor.certificate: must stand") !=
      std::string::npos);
  CHECK(problem_of("[monitor]\naccess = \"all\"\n").find("monitor.access: must be one of") !=
        std::string::npos);
}

TEST_CASE("values are taken") {
  auto config = parse_service_config(
      "[cache]\ncapacity_bytes = \"10T\"\nlow_watermark = 0.5\nhigh_watermark = 1\n"
      "[admin]\nusers = [\"anna\", \"bert\"]\n[tape]\nblock_bytes = 524288\n"
      "[library]\ndrive_bytes_per_s = \"300MB\"\n",
      "t.toml");
  REQUIRE(config);
  CHECK(config->cache.capacity_bytes == 10ull << 40);
  CHECK(config->cache.low_watermark == 0.5);
  CHECK(config->cache.high_watermark == 1.0);
  CHECK(config->admin.users == std::vector<std::string>{"anna", "bert"});
  CHECK(config->tape.block_bytes == 524288);
  CHECK(config->library.drive_bytes_per_s == 300'000'000);
  CHECK(parse_service_config("", "t.toml"));
}

TEST_CASE("what is not understood names file, line and key") {
  CHECK(problem_of("\n\n[library]\ndrvies = 2\n") == "t.toml:4: library.drvies: unknown key");
  CHECK(problem_of("[libary]\n") == "t.toml:1: libary: unknown section");
  CHECK(problem_of("drives = 2\n") == "t.toml:1: drives: unknown key");
  CHECK(problem_of("library = 2\n") == "t.toml:1: library: must be a section: [library]");
  CHECK(problem_of("[library]\ndrives = \"2\"\n") ==
        "t.toml:2: library.drives: must be an integer");
  CHECK(problem_of("[library]\ndrives = 2.0\n") == "t.toml:2: library.drives: must be an integer");
  CHECK(problem_of("[library]\ndrives = 0\n") ==
        "t.toml:2: library.drives: must be between 1 and 1000");
  CHECK(problem_of("[tape]\nwrite_after_ms = -1\n")
            .find("t.toml:2: tape.write_after_ms: must be between 0 and") == 0);
  CHECK(problem_of("[tape]\nblock_bytes = 5000\n") ==
        "t.toml:2: tape.block_bytes: must be a multiple of 4096");
  CHECK(problem_of("[cache]\ncapacity_bytes = \"10X\"\n")
            .find("t.toml:2: cache.capacity_bytes: '10X' is not a size") == 0);
  CHECK(problem_of("[cache]\nhigh_watermark = 1.5\n") ==
        "t.toml:2: cache.high_watermark: must be above 0 and at most 1");
  CHECK(problem_of("[cache]\nlow_watermark = 0.95\n") ==
        "t.toml:2: cache.low_watermark: must not be above high_watermark");
  CHECK(problem_of("[service]\nlog_level = \"loud\"\n")
            .find("t.toml:2: service.log_level: must be"
                  " one of trace, debug") == 0);
  CHECK(problem_of("[service]\nstate = \"here\"\n") ==
        "t.toml:2: service.state: must be an absolute path");
  CHECK(problem_of("[admin]\nusers = [\"a\", 1]\n") ==
        "t.toml:2: admin.users: must be a list of strings");
  CHECK(problem_of("[library]\nkind = \"scsi\"\n") == "t.toml:2: library.kind: must be virtual");
  CHECK(problem_of("[library\n").find("t.toml:1: ") == 0);
  // All of them at once, in the order of the file.
  CHECK(problem_of("[tape]\nx = 1\n[cache]\ny = 1\n[node]\nname = 3\n") ==
        "t.toml:2: tape.x: unknown key\nt.toml:4: cache.y: unknown key\n"
        "t.toml:6: node.name: must be a string");
}

TEST_CASE("sizes with units") {
  CHECK(*parse_size("0") == 0);
  CHECK(*parse_size("9223372036854775807") == 9223372036854775807ull);
  CHECK(*parse_size("512MiB") == 512ull << 20);
  CHECK(*parse_size("10T") == 10ull << 40);
  CHECK(*parse_size("1.5 kB") == 1500);
  CHECK(*parse_size("2GB") == 2'000'000'000);
  CHECK(*parse_size("7B") == 7);
  for (std::string bad :
       {"", "T", "-1", "1.5", "10 TT", "1e3", "99999999999999999999", "20E", "0x10"}) {
    INFO(bad);
    CHECK_FALSE(parse_size(bad));
  }
}

TEST_CASE("the port for other machines has a certificate and its key, or the node's") {
  auto config = parse_service_config(
      "[service]\ntls_listen = '0.0.0.0:7443'\nmunge = true\n[limits]\naudit_days = 30\n",
      "t.toml");
  REQUIRE(config);
  CHECK(config->service.tls_listen == "0.0.0.0:7443");
  CHECK(config->service.munge);
  CHECK(config->limits.audit_days == 30);
  CHECK(service_config{}.service.tls_listen.empty());
  CHECK(problem_of("[service]\ntls_key = '/k.pem'\n").find("tls_key: must stand together") !=
        std::string::npos);
  CHECK(problem_of("[service]\nmunge = 'yes'\n").find("service.munge: must be true or false") !=
        std::string::npos);
}
