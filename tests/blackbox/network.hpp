// Machines on one: a network namespace for each node, all on one bridge, whose cables can be cut.
#pragma once

#include <string>
#include <vector>

#include "tests/blackbox/child.hpp"

namespace et::blackbox {

class separate_networks {
 public:
  /// Why there can be none here (it takes root and ip); empty: there can.
  static std::string obstacle();

  /// Makes one for each of `nodes`. obstacle() is empty.
  explicit separate_networks(const std::vector<std::string>& nodes);
  ~separate_networks();

  /// The node's address.
  std::string host(const std::string& node) const;
  /// Words that, in front of a command with its whole path, run it on the node; the process keeps
  /// its number.
  std::vector<std::string> on(const std::string& node) const;
  /// Nothing reaches the node, and nothing tells anybody so; until it is mended.
  void cut(const std::string& node) const;
  void mend(const std::string& node) const;

 private:
  size_t number_of(const std::string& node) const;
  std::string name_of(const std::string& node) const;

  std::string prefix_;
  std::vector<std::string> nodes_;
};

}  // namespace et::blackbox
