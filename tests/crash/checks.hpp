// What has to hold after a crash, whatever it was.
#pragma once

#include <functional>

#include "tests/blackbox/harness.hpp"
#include "tests/crash/ledger.hpp"
#include "tests/crash/trees.hpp"

namespace et::crash {

/// A batch as the service lists it.
struct listed_batch {
  std::string state;
  uint64_t files = 0;
  uint64_t bytes = 0;
};

using caller = std::function<blackbox::outcome(std::vector<std::string> words)>;

/// Asks one service, which runs, about all that the ledger knows. Violations are collected in
/// words; none: everything holds.
class checks {
 public:
  /// `call` runs `elastictape WORDS`; `folder` is for what is brought back.
  checks(caller call, std::string workspace, fs::path folder, trees& sources, const ledger& told);

  /// As soon as the service is up, before any work of it can repair something: every printed batch
  /// is there, what was told removed is not, what was told safe is, and the quota fits.
  void at_start();
  /// Every batch becomes safe, and comes back byte for byte; those that were told safe without
  /// their sources. A new one can be put.
  void after_work(size_t new_tree);
  /// With the service ended: each safe batch can be exported from the cartridges below `libraries`
  /// alone, and nothing temporary is left below `state_folders`.
  void on_disk(const std::vector<fs::path>& libraries, const std::vector<fs::path>& state_folders);

  const std::vector<std::string>& violations() const { return violations_; }
  /// Batches that were got, and those that were read from cartridges alone.
  size_t read_back() const { return read_back_; }

 private:
  void violated(const std::string& what) { violations_.push_back(what); }
  std::map<uint64_t, listed_batch> list();
  void check_quota(const std::map<uint64_t, listed_batch>& all);
  void check_get(uint64_t batch, size_t tree);
  size_t tree_of(uint64_t batch);
  void check_export(uint64_t batch, size_t tree,
                    const std::vector<std::pair<fs::path, std::string>>& copies);

  caller call_;
  std::string workspace_;
  fs::path folder_;
  trees& trees_;
  const ledger& told_;
  std::map<uint64_t, size_t> held_;  ///< batches with their trees, found by after_work()
  std::vector<std::string> violations_;
  size_t read_back_ = 0;
};

bool is_safe(const std::string& state);

/// Runs `elastictape WORDS` against a service, which outlives it.
caller caller_of(const blackbox::service& node);

/// Makes the workspace `local` of a service that has a configuration, for root, with every folder.
void add_workspace(const blackbox::service& node);

}  // namespace et::crash
