#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>

#include "tests/blackbox/harness.hpp"
#include "tests/support/local_monitor.hpp"

using namespace et::blackbox;
using et::test::local_monitor;

namespace {

constexpr size_t large_batch = 200'000;

std::string path_of(size_t i) {
  return "/data/some/folder/with/a/name/file " + std::to_string(i) + ".nc";
}

// A batch of as many files as the answer is asked for (`files=N`), made as it is sent.
void answer_batch(const httplib::Request& request, httplib::Response& response) {
  size_t files = std::stoul(request.get_param_value("files"));
  response.set_chunked_content_provider(
      "text/xml", [files, next = size_t{0}](size_t, httplib::DataSink& sink) mutable {
        std::string text;
        if (next == 0) {
          text =
              "<?xml version='1.0'?><et_wkspaces><et_wkspace><workspace_id>w</workspace_id>"
              "<batches><batch><batch_id>1</batch_id><files>";
        }
        for (size_t i = 0; i < 100 && next < files; ++i, ++next) {
          text += "<file><file_name>" + path_of(next) +
                  "</file_name><file_size>12345</file_size><current_state>SYNCED</current_state>"
                  "<time_to_tape>2024-02-29 12:00:00</time_to_tape></file>\n";
        }
        if (next == files) text += "</files></batch></batches></et_wkspace></et_wkspaces>";
        if (!sink.write(text.data(), text.size())) return false;
        if (next == files) sink.done();
        return true;
      });
}

environment nothing_configured(const temp_folder& folder) {
  return {{"HOME", folder.path().string()},
          {"ELASTICTAPE_SYSTEM_CONFIG", (folder / "none").string()},
          {"ELASTICTAPE_SERVER", "unix:/nowhere"}};
}

// Its output goes to a file, so that this process, whose memory counts for its children until they
// are another program, stays small.
outcome list_to(const fs::path& file, const std::string& url, const environment& extra) {
  file_end out{open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  child listing{{"et_ls", "-x", url, "-w", "w", "-L", "file"}, {extra, {}, -1, out.get(), -1}};
  outcome result;
  result.code = listing.wait(std::chrono::minutes{3}).value_or(-1);
  result.peak_bytes = listing.peak_bytes();
  return result;
}

}  // namespace

TEST_CASE("et_ls -x streams a large batch of a monitor in constant memory") {
  temp_folder folder;
  local_monitor monitor{answer_batch};
  auto extra = nothing_configured(folder);
  auto small = list_to(folder / "small", monitor.url() + "/?files=10", extra);
  auto large =
      list_to(folder / "large", monitor.url() + "/?files=" + std::to_string(large_batch), extra);
  REQUIRE(small.code == 0);
  REQUIRE(large.code == 0);
  auto listed = read_file(folder / "large");
  CHECK(static_cast<size_t>(std::count(listed.begin(), listed.end(), '\n')) == large_batch);
  CHECK(listed.ends_with("F\t1\tSYNCED\t12345\t-\t-\t" + path_of(large_batch - 1) + "\n"));
  INFO(small.peak_bytes << " and " << large.peak_bytes << " bytes at most");
  CHECK(large.peak_bytes < small.peak_bytes + (4u << 20));
}

TEST_CASE("et_ls -x ends with 4 when its reader has seen enough") {
  temp_folder folder;
  local_monitor monitor{answer_batch};
  pipe_ends out;
  pipe_ends err;
  child listing{
      {"et_ls", "-x", monitor.url() + "/et_user?files=100000000", "-w", "w", "-L", "file"},
      {nothing_configured(folder), {}, -1, out.write.get(), err.write.get()}};
  out.write.close();
  err.write.close();
  CHECK(read_line(out.read.get()) == "F\t1\tSYNCED\t12345\t-\t-\t" + path_of(0) + "\n");
  out.read.close();
  CHECK(listing.wait(std::chrono::minutes{1}) == 4);
  CHECK(read_line(err.read.get()).empty());
}

TEST_CASE("et_ls -x: where the workspace comes from, and whether one is needed") {
  temp_folder folder;
  local_monitor monitor{[](const httplib::Request&, httplib::Response& response) {
    response.set_content("<et_wkspaces/>", "text/xml");
  }};
  auto extra = nothing_configured(folder);
  auto asked = [&](const std::vector<std::string>& words) {
    auto before = monitor.targets().size();
    auto done = run(words, extra);
    INFO(done.err);
    CHECK(done.code == 0);
    CHECK(done.out.empty());
    REQUIRE(monitor.targets().size() == before + 1);
    return monitor.targets().back();
  };
  auto page = monitor.url() + "/et_user/ET_Holdings_Summary_XML.php";
  CHECK(asked({"et_ls", "-X", monitor.url(), "-L", "workspace"}).find("workspace=") ==
        std::string::npos);
  CHECK(asked({"et_ls", "--xmlsource", page + "?workspace=own;level=file"})
            .find("php?workspace=own&caller=") != std::string::npos);
  CHECK(asked({"et_ls", "-x", page + "?workspace=own", "-w", "given"})
            .find("?workspace=given&caller=") != std::string::npos);
  auto none = run({"et_ls", "-x", page}, extra);
  CHECK(none.code == 1);
  CHECK(none.err.find("no workspace") != std::string::npos);
  // Without a word on the server, which is not configured completely.
  write_file(folder / ".et_config", "[Batch]\nWorkspace = configured\n[Server]\nHost = x\n");
  extra["ELASTICTAPE_SERVER"] = "";
  CHECK(asked({"et_ls", "-x", page}).find("?workspace=configured&caller=") != std::string::npos);
  CHECK(asked({"et_ls", "-x", page + "?workspace=own"}).find("?workspace=own&caller=") !=
        std::string::npos);
}
