#include "tests/crash/ledger.hpp"

#include <sstream>
#include <stdexcept>

namespace et::crash {

void ledger::note(const std::string& mark) {
  std::istringstream words{mark};
  std::string what;
  uint64_t number = 0;
  words >> what >> number;
  if (what == "put") {
    asked_.insert(number);
  } else if (what == "printed") {
    uint64_t batch = 0;
    words >> batch;
    batches_[batch].tree = number;
  } else if (what == "safe") {
    batches_.at(number).safe = true;
  } else if (what == "remove") {
    batches_.at(number).remove_asked = true;
  } else if (what == "removed") {
    batches_.at(number).removed = true;
  } else {
    throw std::runtime_error("no such mark: " + mark);
  }
}

}  // namespace et::crash
