// A cluster of real processes on this machine: a head, two I/O nodes with a library each, a source
// node that alone sees the files.
#pragma once

#include <map>
#include <memory>

#include "tests/blackbox/harness.hpp"

namespace et::blackbox {

class test_cluster {
 public:
  /// Makes the certificates and joins every node; all run then.
  test_cluster();
  ~test_cluster();

  /// head, io1, io2, source
  static const std::vector<std::string>& names();
  void start(const std::string& node);
  void kill_9(const std::string& node);
  /// SIGTERM; the exit code, or -1 when it does not come within a minute.
  int stop(const std::string& node);
  void signal(const std::string& node, int number);
  bool runs(const std::string& node) const { return nodes_.at(node).process != nullptr; }

  /// A command against the head.
  outcome call(std::vector<std::string> words) const;
  /// Puts a folder of data(); the batch, or 0.
  uint64_t put(const fs::path& what);
  /// What `admin cluster status` says of a node: up or lost.
  std::string state_of(const std::string& node) const;
  /// Waits for it, a minute at most.
  bool wait_state(const std::string& node, const std::string& state) const;
  /// Waits until a batch is safe, `limit` at most.
  bool wait_safe(uint64_t batch, std::chrono::seconds limit) const;
  size_t descriptors_of(const std::string& node) const;

  const fs::path data() const { return folder_ / "data"; }
  const fs::path folder(const std::string& name) const { return folder_ / name; }
  std::string log_of(const std::string& node) const;

 private:
  struct running_node {
    uint16_t port = 0;
    std::unique_ptr<child> process;
    std::unique_ptr<pipe_ends> said;
  };
  void configure(const std::string& name, const std::string& roles, const std::string& roots,
                 const std::string& more);
  void launch(const std::string& name, const std::string& token);

  temp_folder folder_;
  std::map<std::string, running_node> nodes_;
};

}  // namespace et::blackbox
