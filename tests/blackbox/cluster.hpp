// A cluster of real processes on this machine: a head, two I/O nodes with a library each, a source
// node that alone sees the files; with_standby also a standby of the head. separated: each node has a
// network of its own, whose cable can be cut.
#pragma once

#include <map>
#include <memory>

#include "tests/blackbox/harness.hpp"
#include "tests/blackbox/network.hpp"

namespace et::blackbox {

class test_cluster {
 public:
  enum class shape { plain, with_standby, separated };
  /// Makes the certificates and joins every node; all run then, and the standby has everything.
  explicit test_cluster(shape wanted = shape::plain);
  ~test_cluster();

  /// head, io1, io2, source
  static const std::vector<std::string>& names();
  void start(const std::string& node, const std::vector<std::string>& more = {});
  void kill_9(const std::string& node);
  /// SIGTERM; the exit code, or -1 when it does not come within a minute.
  int stop(const std::string& node);
  void signal(const std::string& node, int number);
  bool runs(const std::string& node) const { return nodes_.at(node).process != nullptr; }

  /// A command on the head's machine, against it.
  outcome call(std::vector<std::string> words) const { return call_at(head(), std::move(words)); }
  outcome call_at(const std::string& node, std::vector<std::string> words) const;
  /// Which node is the head: head, until promote().
  const std::string& head() const { return head_; }
  /// Makes `standby`, which has lost its head, the head; waits until it serves as such.
  void promote(const std::string& standby);
  /// Waits until the head's standby, `name`, has everything and counts.
  bool wait_follows(const std::string& name) const;
  /// Puts a folder of data(); the batch, or 0.
  uint64_t put(const fs::path& what);
  /// What `admin cluster status` says of a node: up or lost.
  std::string state_of(const std::string& node) const;
  /// Waits for it, a minute at most.
  bool wait_state(const std::string& node, const std::string& state) const;
  /// Waits until a batch is safe, `limit` at most.
  bool wait_safe(uint64_t batch, std::chrono::seconds limit) const;
  size_t descriptors_of(const std::string& node) const;
  /// Its resident memory.
  size_t memory_kib_of(const std::string& node) const;
  /// Of separated nodes.
  void cut(const std::string& node) const { networks_->cut(node); }
  void mend(const std::string& node) const { networks_->mend(node); }

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
  void launch(const std::string& name, const std::vector<std::string>& more);
  std::string host_of(const std::string& name) const;
  std::string link_address(const std::string& name) const;
  std::vector<std::string> command_on(const std::string& name,
                                      std::vector<std::string> words) const;
  void await_ready(const std::string& name);

  temp_folder folder_;
  shape shape_;
  std::unique_ptr<separate_networks> networks_;
  std::string head_ = "head";
  std::map<std::string, running_node> nodes_;
};

}  // namespace et::blackbox
