#include "tests/crash/checks.hpp"

#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace et::crash {

namespace {

std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> all;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) all.push_back(nlohmann::json::parse(line));
  return all;
}

constexpr size_t most_old_gets = 8;

/// RocksDB's own (.dbtmp) are not ours to judge: it removes them when it opens, save the latest.
bool is_temporary(const fs::path& file) {
  for (auto ending : {".part", ".new", ".tmp"})
    if (file.extension() == ending) return true;
  return false;
}

}  // namespace

bool is_safe(const std::string& state) {
  return state == "CACHED_SYNCED" || state == "SYNCED";
}

caller caller_of(const blackbox::service& node) {
  return [&node](std::vector<std::string> words) {
    words.insert(words.begin(), "elastictape");
    return node.call(words);
  };
}

void add_workspace(const blackbox::service& node) {
  auto added = node.call({"elastictape", "admin", "workspace", "add", "local", "--root", "/",
                          "--manager", "root", "--quota", "1T"});
  if (added.code != 0) throw std::runtime_error("no workspace: " + added.err);
}

checks::checks(caller call, std::string workspace, fs::path folder, trees& sources,
               const ledger& told)
    : call_(std::move(call)),
      workspace_(std::move(workspace)),
      folder_(std::move(folder)),
      trees_(sources),
      told_(told) {
  fs::create_directories(folder_);
}

std::map<uint64_t, listed_batch> checks::list() {
  std::map<uint64_t, listed_batch> all;
  auto said = call_({"ls", "-w", workspace_, "-F", "json"});
  if (said.code != 0) violated("the batches cannot be listed: " + said.err);
  for (const auto& one : json_lines(said.out))
    all[one.at("batch")] = {one.at("state"), one.at("files"), one.at("bytes")};
  return all;
}

void checks::check_quota(const std::map<uint64_t, listed_batch>& all) {
  uint64_t bytes = 0;
  for (const auto& [id, batch] : all) bytes += batch.bytes;
  auto said = call_({"ls", "-w", workspace_, "-L", "workspace", "-F", "json"});
  for (const auto& one : json_lines(said.out)) {
    if (one.at("workspace") != workspace_) continue;
    if (one.at("quota_used") != bytes || one.at("batches") != all.size())
      violated("batches hold " + std::to_string(bytes) +
               " bytes, the workspace says: " + one.dump());
    return;
  }
  violated("the workspace is not listed: " + said.out + said.err);
}

void checks::at_start() {
  auto all = list();
  for (const auto& [id, batch] : told_.batches()) {
    auto found = all.find(id);
    auto name = "batch " + std::to_string(id);
    if (found == all.end()) {
      if (!batch.remove_asked) violated(name + ", whose id was printed, is gone");
      continue;
    }
    if (batch.removed) violated(name + " was removed, and is back");
    if (batch.safe && !is_safe(found->second.state))
      violated(name + " was told safe, and is " + found->second.state);
  }
  check_quota(all);
}

size_t checks::tree_of(uint64_t batch) {
  if (auto known = told_.batches().find(batch); known != told_.batches().end())
    return known->second.tree;
  auto files = json_lines(
      call_({"ls", "-w", workspace_, "-b", std::to_string(batch), "-L", "file", "-F", "json"}).out);
  auto tree = files.empty() ? SIZE_MAX : trees_.tree_of(files[0].at("path"));
  if (!told_.asked(tree))
    violated("batch " + std::to_string(batch) + " is there, and nobody has put it");
  return tree;
}

void checks::check_get(uint64_t batch, size_t tree) {
  ++read_back_;
  auto back = folder_ / "back";
  fs::create_directories(back);
  auto got = call_({"get", "-w", workspace_, "-b", std::to_string(batch), "-r", back.string()});
  auto differs = trees_.difference(tree, back);
  if (got.code != 0 || !differs.empty())
    violated("batch " + std::to_string(batch) + " does not come back: exit code " +
             std::to_string(got.code) + ", " + differs + "; " + got.err);
  fs::remove_all(back);
}

void checks::after_work(size_t new_tree) {
  for (const auto& [id, batch] : told_.batches())
    if (batch.safe) trees_.hide(batch.tree);
  std::map<size_t, uint64_t> batch_of_tree;
  size_t old_gets = 0;
  for (const auto& [id, batch] : list()) {
    auto tree = tree_of(id);
    if (tree == SIZE_MAX || !told_.asked(tree)) continue;
    held_[id] = tree;
    if (auto other = batch_of_tree[tree]; other != 0)
      violated("one put became batches " + std::to_string(other) + " and " + std::to_string(id));
    batch_of_tree[tree] = id;
    // What was safe all the time is read from the cartridges too, so a few of it are enough.
    bool was_safe = is_safe(batch.state);
    if (was_safe && ++old_gets > most_old_gets) continue;
    auto waited = was_safe
                      ? blackbox::outcome{0, {}, {}, 0}
                      : call_({"status", "-w", workspace_, "-b", std::to_string(id), "--wait"});
    if (waited.code != 0)
      violated("batch " + std::to_string(id) + " does not become safe: exit code " +
               std::to_string(waited.code) + ", " + waited.out + waited.err);
    else
      check_get(id, tree);
  }
  auto path = trees_.make(new_tree);
  auto put = call_({"put", "-w", workspace_, path.string()});
  if (auto at = put.out.find("Batch ID: "); put.code == 0 && at != std::string::npos) {
    auto id = std::stoull(put.out.substr(at + 10));
    held_[id] = new_tree;
    if (told_.batches().contains(id)) violated("batch id " + std::to_string(id) + " comes twice");
    if (call_({"status", "-w", workspace_, "-b", std::to_string(id), "--wait"}).code != 0)
      violated("a new batch does not become safe");
    check_get(id, new_tree);
  } else {
    violated("nothing new can be put: " + put.out + put.err);
  }
  check_quota(list());
  trees_.show_all();
}

void checks::check_export(uint64_t batch, size_t tree,
                          const std::vector<std::pair<fs::path, std::string>>& copies) {
  // What a crash cut short and what was written again instead of it may both be there.
  auto back = folder_ / "exported";
  fs::create_directories(back);
  auto program = "'" + (blackbox::binaries() / "elastictape").string() + "' export '";
  std::string script;
  for (const auto& [image, aggregation] : copies)
    script += program + image.string() + "' " + aggregation + " | tar -x -C '" + back.string() +
              "' || echo of " + image.filename().string() + " " + aggregation + " >&2\n";
  auto said = blackbox::run({"/bin/sh", "-c", script}).err;
  ++read_back_;
  if (auto differs = trees_.difference(tree, back); !differs.empty())
    violated("batch " + std::to_string(batch) + " cannot be exported: " + differs + "; " + said);
  fs::remove_all(back);
}

void checks::on_disk(const std::vector<fs::path>& libraries,
                     const std::vector<fs::path>& state_folders) {
  std::map<uint64_t, std::vector<std::pair<fs::path, std::string>>> copies;
  for (const auto& library : libraries)
    for (const auto& one : fs::directory_iterator(library)) {
      if (one.path().extension() != ".cartridge") continue;
      auto listed = blackbox::run({"elastictape", "export", "--json", one.path().string()});
      std::istringstream lines{listed.out};
      for (std::string line; std::getline(lines, line);) {
        std::string name = nlohmann::json::parse(line).at("aggregation");
        copies[std::stoull(name)].emplace_back(one.path(), name);
      }
    }
  for (auto [batch, tree] : held_) check_export(batch, tree, copies[batch]);
  for (const auto& folder : state_folders)
    for (const auto& one : fs::recursive_directory_iterator(folder))
      if (is_temporary(one.path())) violated("a temporary is left: " + one.path().string());
}

}  // namespace et::crash
